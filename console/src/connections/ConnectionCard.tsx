import { BadgeCheck, ExternalLink, LoaderCircle, Pause, RefreshCw, RotateCw, Trash2, Unplug } from "lucide-react";
import { useState } from "react";

import type { Capability, Connection } from "../api/types";
import { nameOf } from "../platforms/marks";
import { PlatformIcon } from "../platforms/PlatformIcon";
import { Badge } from "../ui/Badge";
import { Button, buttonClass, IconButton } from "../ui/Button";
import { compact, exact } from "../ui/number";
import { Ago, dateTime, relative } from "../ui/time";
import { type Action, isSyncing, mainAction, stateOf, tokenOf } from "./state";

interface Props {
  connection: Connection;
  capability: Capability | undefined;
  now: number;
  /** What is being done to it at the moment. */
  busy: Action | null;
  /** What the person may do; the others are not shown. */
  allowed: ReadonlySet<Action>;
  onAction: (action: Action) => void;
}

const MAIN: Partial<Record<Action, { label: string; icon: typeof RefreshCw }>> = {
  refresh: { label: "Refresh", icon: RefreshCw },
  retry: { label: "Retry", icon: RotateCw },
  reconnect: { label: "Reconnect", icon: RotateCw },
  resume: { label: "Resume", icon: RotateCw },
};

/** One linked account: who it is, how it is, and what can be done. */
export function ConnectionCard({ connection, capability, now, busy, allowed, onAction }: Props) {
  const platform = capability?.name ?? nameOf(connection.platform);
  const state = stateOf(connection);
  const syncing = isSyncing(connection);
  const profile = connection.profile ?? null;
  const main = mainAction(connection, capability);
  const look = main === "refresh" ? "plain" : "primary";
  const MainIcon = MAIN[main]?.icon ?? RefreshCw;
  const who = `${platform} ${connection.handle}`;
  // A card that is syncing has nothing to be asked for: what is asked for is already under way.
  const off = syncing || busy !== null;
  const handle = connection.handle.includes("@") || connection.platform === "BLUESKY" ? connection.handle : `@${connection.handle}`;
  return (
    <article
      className="card flex min-w-0 flex-col"
      aria-label={who}
      aria-busy={syncing}
      data-platform={connection.platform}
      data-state={state.label}
    >
      <header className="flex items-start gap-3 px-5 pt-5">
        <Portrait connection={connection} />
        <div className="min-w-0 flex-1">
          <h3 className="flex items-center gap-1.5 font-semibold">
            <span className="truncate">{profile?.displayName ?? handle}</span>
            {profile?.isVerified === true && <BadgeCheck size={16} className="shrink-0 text-accent" aria-label="Verified" role="img" />}
          </h3>
          <p className="truncate text-[0.8125rem] text-soft">
            {platform} · {handle}
          </p>
        </div>
        <Badge
          tone={state.tone}
          icon={state.spinning ? <LoaderCircle aria-hidden size={12} className="animate-spin" /> : undefined}
        >
          {state.label}
        </Badge>
      </header>
      {connection.syncError != null && (
        <p className="mx-5 mt-3 rounded-lg bg-bad-wash px-3 py-2 text-[0.8125rem] text-bad">
          {connection.syncError}
          {connection.nextRetryAt != null && <> Next try {relative(connection.nextRetryAt, now)}.</>}
        </p>
      )}
      <Figures profile={profile} syncing={syncing} />
      <Facts connection={connection} capability={capability} now={now} />
      <footer className="mt-auto flex items-center gap-1 border-t border-line px-3 py-2">
        {allowed.has(main) && (
          <Button
            small
            look={look}
            busy={busy === main}
            disabled={off}
            onClick={() => onAction(main)}
            icon={<MainIcon aria-hidden size={15} />}
            className="mr-auto ml-2"
            aria-label={`${MAIN[main]?.label ?? ""} ${who}`}
          >
            {MAIN[main]?.label}
          </Button>
        )}
        {connection.profileUrl !== "" && (
          <a
            href={connection.profileUrl}
            target="_blank"
            rel="noreferrer"
            aria-label={`View ${who}`}
            title="View"
            className={`${buttonClass("quiet", "icon")} ${allowed.has(main) ? "" : "ml-auto"}`}
          >
            <ExternalLink aria-hidden size={16} />
          </a>
        )}
        {allowed.has("pause") && connection.connected && !connection.paused && (
          <IconButton label={`Pause ${who}`} title="Pause" busy={busy === "pause"} disabled={off} onClick={() => onAction("pause")}>
            <Pause aria-hidden size={16} />
          </IconButton>
        )}
        {allowed.has("disconnect") && connection.connected && (
          <IconButton label={`Disconnect ${who}`} busy={busy === "disconnect"} disabled={off} onClick={() => onAction("disconnect")}>
            <Unplug aria-hidden size={16} />
          </IconButton>
        )}
        {allowed.has("remove") && (
          <IconButton label={`Delete ${who}`} busy={busy === "remove"} disabled={busy !== null} onClick={() => onAction("remove")} className="hover:!text-bad">
            <Trash2 aria-hidden size={16} />
          </IconButton>
        )}
      </footer>
    </article>
  );
}

/** The account's picture with the platform's mark; the mark alone where there is none or it cannot be loaded. */
function Portrait({ connection }: { connection: Connection }) {
  const [broken, setBroken] = useState(false);
  const picture = connection.profile?.profileImageUrl ?? null;
  if (picture === null || broken) {
    return (
      <span className="grid size-11 shrink-0 place-items-center rounded-full bg-sunken">
        <PlatformIcon platform={connection.platform} size="md" decorative />
      </span>
    );
  }
  return (
    <span className="relative size-11 shrink-0">
      <img src={picture} alt="" referrerPolicy="no-referrer" onError={() => setBroken(true)} className="size-11 rounded-full bg-sunken object-cover" />
      <span className="absolute -right-1 -bottom-1 grid size-[22px] place-items-center rounded-full bg-surface">
        <PlatformIcon platform={connection.platform} size="sm" decorative />
      </span>
    </span>
  );
}

const WHY: Record<string, string> = { not_offered: "Not offered", pending: "Not yet" };
const WHY_LONG: Record<string, string> = {
  not_offered: "This platform does not offer this figure",
  pending: "Not read yet",
};

function Figures({ profile, syncing }: { profile: Connection["profile"] | null; syncing: boolean }) {
  const rows: [string, number | null | undefined, string][] = [
    ["Followers", profile?.followerCount, "followerCount"],
    ["Posts", profile?.postCount, "postCount"],
    ["Engagement", profile?.engagementRate, "engagementRate"],
  ];
  return (
    <dl className="grid grid-cols-3 gap-3 px-5 pt-4">
      {rows.map(([label, value, name]) => {
        const why = profile?.unavailable[name] ?? "pending";
        return (
          <div key={name} className="min-w-0">
            <dt className="text-[0.75rem] text-soft">{label}</dt>
            <dd className="mt-0.5 min-h-6 tabular-nums">
              {value != null ? (
                <span className="text-[1.0625rem] font-semibold" title={exact(value)}>
                  {name === "engagementRate" ? `${value}%` : compact(value)}
                </span>
              ) : profile == null && syncing ? (
                <span className="skeleton block h-4 w-14" aria-label="Loading" role="img" />
              ) : (
                <span className="text-[0.8125rem] text-soft" title={WHY_LONG[why]}>
                  {WHY[why] ?? "Not yet"}
                </span>
              )}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

function Facts({ connection, capability, now }: { connection: Connection; capability: Capability | undefined; now: number }) {
  const token = tokenOf(connection, capability, now);
  const missing = connection.missingScopes;
  return (
    <div className="grid gap-2 px-5 pt-3 pb-4 text-[0.8125rem] text-soft">
      <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
        <Badge tone={connection.connectionType === "OAUTH" ? "info" : "neutral"}>
          {connection.connectionType === "OAUTH" ? "OAuth" : "Manual"}
        </Badge>
        <span>{connection.lastSyncedAt != null ? <>Synced <Ago at={connection.lastSyncedAt} now={now} /></> : "Not synced yet"}</span>
      </div>
      {token !== null && (
        <p className={token.tone === "bad" ? "text-bad" : token.tone === "warn" ? "text-warn" : undefined}>
          Token: {token.text}
          {token.at !== null && token.text.startsWith("Expire") && <> {relative(token.at, now)}, {dateTime(token.at)}</>}
        </p>
      )}
      {missing.length > 0 && connection.connectionType === "OAUTH" && connection.connected && (
        <p className="text-warn break-words">
          Not granted: {missing.join(", ")}. Reconnect and tick {missing.length === 1 ? "it" : "them"} to use everything.
        </p>
      )}
    </div>
  );
}
