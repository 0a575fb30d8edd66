import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";

import { idempotencyKey } from "../../api/client";
import { sentence } from "../../api/errors";
import { useCapabilities, useHerald } from "../../connections/api";
import { checkHandle } from "../../platforms/handle";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { useToast } from "../../ui/Toasts";
import { addCompetitor } from "./api";

/** Adds an account to compare with: one that its platform shows to anyone. */
export function CompetitorDialog({ talentId, onClose }: { talentId: string; onClose: () => void }) {
  const herald = useHerald();
  const client = useQueryClient();
  const toast = useToast();
  const capabilities = useCapabilities();
  const shown = (capabilities.data ?? []).filter(({ connect }) => connect.manualReads);
  const [platform, setPlatform] = useState<string | null>(null);
  const [typed, setTyped] = useState("");
  const capability = shown.find((known) => known.platform === platform) ?? shown[0];
  const check = capability === undefined ? null : checkHandle(capability, typed);
  const add = useMutation({
    mutationFn: ({ to, handle }: { to: string; handle: string }) => addCompetitor(herald, talentId, to, handle, idempotencyKey()),
    onSuccess: async ({ handle }) => {
      await client.invalidateQueries({ queryKey: ["analytics", "benchmarks"] });
      toast({ tone: "good", text: `${handle} is compared with. Its figures come with the next look.` });
      onClose();
    },
  });
  const handle = check?.reads ?? null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (capability !== undefined && handle !== null) add.mutate({ to: capability.platform, handle });
  };
  const problem = add.isError ? sentence(add.error) : typed.length > 2 ? (check?.problem ?? null) : null;
  return (
    <Dialog title="Compare with an account" onClose={onClose}>
      <form onSubmit={submit} className="grid gap-4 pt-2" noValidate>
        <Field label="Platform" hint="Those that show accounts without their consent.">
          {(ids) => (
            <select {...ids} className="control pick" value={capability?.platform ?? ""} onChange={(event) => setPlatform(event.target.value)}>
              {shown.map(({ platform, name }) => (
                <option key={platform} value={platform}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label="Handle or profile address" hint={handle !== null ? `Will compare with ${handle}.` : `${capability?.handle ?? ""}.`} problem={problem}>
          {(ids) => (
            <input
              {...ids}
              className="control"
              value={typed}
              onChange={(event) => {
                setTyped(event.target.value);
                add.reset();
              }}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
            />
          )}
        </Field>
        <Button type="submit" look="primary" busy={add.isPending} disabled={handle === null}>
          Compare
        </Button>
      </form>
    </Dialog>
  );
}
