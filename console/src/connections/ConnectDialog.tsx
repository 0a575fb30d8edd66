import { useMutation } from "@tanstack/react-query";
import { ArrowLeft, ShieldCheck } from "lucide-react";
import { type FormEvent, useState } from "react";

import { data, idempotencyKey } from "../api/client";
import { sentence } from "../api/errors";
import type { Capability } from "../api/types";
import { checkHandle } from "../platforms/handle";
import { PlatformIcon } from "../platforms/PlatformIcon";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Field } from "../ui/Field";
import { Notice } from "../ui/Notice";
import { useHerald } from "./api";

interface Props {
  talentId: string;
  capabilities: Capability[];
  /** The platform and handle of an account that is to be connected again. */
  again?: { platform: string; handle: string } | undefined;
  /** Where the platform's page leads back to. */
  returnTo: string;
  onClose: () => void;
  onConnected: (message: string) => void;
}

/** Links an account: pick the platform, then name the account or go to its consent page. */
export function ConnectDialog({ talentId, capabilities, again, returnTo, onClose, onConnected }: Props) {
  const [platform, setPlatform] = useState<string | null>(again?.platform ?? null);
  const capability = capabilities.find((known) => known.platform === platform);
  const title = again !== undefined ? `Reconnect ${capability?.name ?? ""}` : "Connect Profile";
  return (
    <Dialog title={title} onClose={onClose}>
      {capability === undefined ? (
        <>
          <p className="text-soft">Which platform is the account on?</p>
          <ul className="mt-4 grid grid-cols-2 gap-2">
            {capabilities.map((known) => (
              <li key={known.platform}>
                <button
                  type="button"
                  onClick={() => setPlatform(known.platform)}
                  className="flex min-h-12 w-full items-center gap-3 rounded-control border border-line px-3 text-left font-medium transition-colors hover:border-edge hover:bg-sunken"
                >
                  <PlatformIcon platform={known.platform} size="sm" decorative />
                  {known.name}
                </button>
              </li>
            ))}
          </ul>
        </>
      ) : (
        <>
          {again === undefined && (
            <Button small look="quiet" className="-ml-3" icon={<ArrowLeft aria-hidden size={15} />} onClick={() => setPlatform(null)}>
              All platforms
            </Button>
          )}
          <Ways talentId={talentId} capability={capability} again={again} returnTo={returnTo} onConnected={onConnected} />
        </>
      )}
    </Dialog>
  );
}

function Ways({ talentId, capability, again, returnTo, onConnected }: Omit<Props, "capabilities" | "onClose"> & { capability: Capability }) {
  const { role } = useHerald();
  const { connect } = capability;
  // Staff link by handle; a talent gives its own consent.
  const manual = connect.manual && role === "admin" && again === undefined;
  return (
    <div className="grid gap-6 pt-2">
      {connect.oauth && <Consent talentId={talentId} capability={capability} handle={again?.handle} returnTo={returnTo} />}
      {connect.appPassword && <AppPassword talentId={talentId} capability={capability} handle={again?.handle} onConnected={onConnected} />}
      {manual && <ByHandle talentId={talentId} capability={capability} onConnected={onConnected} />}
      {!connect.oauth && !connect.appPassword && !manual && (
        <Notice tone="info">Accounts on {capability.name} cannot be connected here. Ask your agency.</Notice>
      )}
    </div>
  );
}

const Heading = ({ children }: { children: string }) => <h3 className="font-semibold">{children}</h3>;

function Consent({ talentId, capability, handle, returnTo }: { talentId: string; capability: Capability; handle: string | undefined; returnTo: string }) {
  const { api, role } = useHerald();
  const [account, setAccount] = useState(handle ?? "");
  const { needsServer } = capability.connect;
  const start = useMutation({
    mutationFn: () => {
      const body = { platform: capability.platform, returnTo, ...(needsServer ? { handle: account.trim() } : {}) };
      return role === "talent"
        ? data(api.POST("/api/exclusive/socials/connect", { body }))
        : data(api.POST("/api/social/oauth/connect", { body: { ...body, userId: talentId } }));
    },
    onSuccess: ({ url }) => window.location.assign(url),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    start.mutate();
  };
  return (
    <form onSubmit={submit} className="grid gap-3">
      <Heading>{`With ${capability.name}'s consent`}</Heading>
      <p className="text-[0.875rem] text-soft">
        You are sent to {capability.name} to agree, and come back here. Herald can then read figures and publish.
      </p>
      {needsServer && (
        <Field label="Account or server" hint="Such as name@mastodon.social, or mastodon.social alone." problem={start.isError ? sentence(start.error) : null}>
          {(ids) => <input {...ids} className="control" value={account} onChange={(event) => setAccount(event.target.value)} required autoComplete="off" autoCapitalize="none" spellCheck={false} />}
        </Field>
      )}
      {start.isError && !needsServer && <Notice tone="bad">{sentence(start.error)}</Notice>}
      <Button type="submit" look="primary" busy={start.isPending || start.isSuccess} icon={<ShieldCheck aria-hidden size={16} />}>
        Continue to {capability.name}
      </Button>
    </form>
  );
}

function ByHandle({ talentId, capability, onConnected }: { talentId: string; capability: Capability; onConnected: (message: string) => void }) {
  const { api } = useHerald();
  const [typed, setTyped] = useState("");
  const [left, setLeft] = useState(false);
  const check = checkHandle(capability, typed);
  const link = useMutation({
    mutationFn: (key: string) =>
      data(
        api.POST("/api/admin/socials/connect-manual", {
          body: { talentId, platform: capability.platform, ...check.value },
          headers: { "Idempotency-Key": key },
        }),
      ),
    onSuccess: () => onConnected("Connected (manual)"),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setLeft(true);
    if (check.value !== null) link.mutate(idempotencyKey());
  };
  // A word that is still being typed is not wrong yet, unless it can no longer become right.
  const shown = link.isError ? sentence(link.error) : left || typed.length > 2 ? check.problem : null;
  return (
    <form onSubmit={submit} className="grid gap-3 border-t border-line pt-5 first:border-0 first:pt-0" noValidate>
      <Heading>By its name, without log-in</Heading>
      {!capability.connect.manualReads && (
        <p className="text-[0.875rem] text-soft">
          {capability.name} shows nothing without consent, so this account will ask to be connected by OAuth.
        </p>
      )}
      <Field
        label="Handle or profile address"
        hint={check.reads !== null ? `Will link ${check.reads} on ${capability.name}.` : `${capability.handle.charAt(0).toUpperCase()}${capability.handle.slice(1)}.`}
        problem={shown}
      >
        {(ids) => (
          <input
            {...ids}
            className="control"
            value={typed}
            onChange={(event) => {
              setTyped(event.target.value);
              link.reset();
            }}
            onBlur={() => setLeft(typed.trim() !== "")}
            placeholder={capability.handleRule.federated ? "name@server" : "@name"}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
          />
        )}
      </Field>
      <Button type="submit" look={capability.connect.oauth ? "plain" : "primary"} busy={link.isPending} disabled={check.value === null}>
        Confirm &amp; Connect
      </Button>
    </form>
  );
}

function AppPassword({ talentId, capability, handle, onConnected }: { talentId: string; capability: Capability; handle: string | undefined; onConnected: (message: string) => void }) {
  const { api, role } = useHerald();
  const [account, setAccount] = useState(handle ?? "");
  const [secret, setSecret] = useState("");
  const check = checkHandle(capability, account);
  const isBot = capability.platform === "TELEGRAM";
  const hand = useMutation({
    mutationFn: (key: string) =>
      data(
        api.POST("/api/socials/oauth/callback", {
          body: { platform: capability.platform, accessToken: secret.trim(), ...check.value, ...(role === "admin" ? { talentId } : {}) },
          headers: { "Idempotency-Key": key },
        }),
      ),
    onSuccess: () => onConnected(`Connected to ${capability.name}. The first sync is under way.`),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (check.value !== null) hand.mutate(idempotencyKey());
  };
  return (
    <form onSubmit={submit} className="grid gap-3 border-t border-line pt-5 first:border-0 first:pt-0" noValidate>
      <Heading>{isBot ? "With a bot of yours" : "With an app password"}</Heading>
      <p className="text-[0.875rem] text-soft">
        {isBot
          ? "Make a bot with @BotFather, let it post to your channel as an administrator, and give its token here."
          : `Make one in ${capability.name}'s settings. It can be taken back there at any time; your own password stays yours.`}
      </p>
      <Field label={isBot ? "Channel" : "Handle"} problem={account.length > 2 ? check.problem : null}>
        {(ids) => <input {...ids} className="control" value={account} onChange={(event) => setAccount(event.target.value)} autoComplete="off" autoCapitalize="none" spellCheck={false} />}
      </Field>
      <Field label={isBot ? "Bot token" : "App password"} problem={hand.isError ? sentence(hand.error) : null}>
        {(ids) => <input {...ids} type="password" className="control" value={secret} onChange={(event) => setSecret(event.target.value)} autoComplete="off" />}
      </Field>
      <Button type="submit" busy={hand.isPending} disabled={check.value === null || secret.trim() === ""}>
        Connect {capability.name}
      </Button>
    </form>
  );
}
