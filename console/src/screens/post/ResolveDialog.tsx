import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { data, idempotencyKey } from "../../api/client";
import { sentence } from "../../api/errors";
import type { Resolution } from "../../api/types";
import { useHerald } from "../../connections/api";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Notice } from "../../ui/Notice";

type Outcome = Resolution["outcome"];

const CHOICES: [Outcome, string, string][] = [
  ["published", "It is there", "I see the post on the account."],
  ["resend", "It is not there: send it again", "I looked, and it is not there. Herald sends it once more without looking."],
  ["failed", "It is not there: leave it", "Nothing more is sent."],
];

/** A person decides what no platform can tell. */
export function ResolveDialog({ deliveryId, platform, onClose, onDone }: { deliveryId: string; platform: string; onClose: () => void; onDone: () => void }) {
  const { api } = useHerald();
  const [outcome, setOutcome] = useState<Outcome>("published");
  const [url, setUrl] = useState("");
  const [key] = useState(idempotencyKey);
  const resolve = useMutation({
    mutationFn: () => {
      const address = url.trim();
      const body: Resolution = outcome === "published" ? { outcome, ...(address === "" ? {} : { url: address }) } : { outcome };
      return data(
        api.POST("/api/social/deliveries/{deliveryId}/resolve", { params: { path: { deliveryId } }, body, headers: { "Idempotency-Key": `${key}-${outcome}` } }),
      );
    },
    onSuccess: onDone,
  });
  return (
    <Dialog
      title={`Is it on ${platform}?`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Decide later</Button>
          <Button look="primary" busy={resolve.isPending} onClick={() => resolve.mutate()}>
            Confirm
          </Button>
        </>
      }
    >
      <p className="text-soft">{platform} gave no clear answer, and nothing can show whether the post is there. Look at the account, then say what you see.</p>
      <fieldset className="mt-4 grid gap-2">
        <legend className="sr-only">What you see</legend>
        {CHOICES.map(([value, label, what]) => (
          <label key={value} className="flex cursor-pointer gap-3 rounded-xl border border-line p-3 has-checked:border-accent has-checked:bg-accent-wash">
            <input type="radio" name="outcome" className="mt-1 accent-accent" checked={outcome === value} onChange={() => setOutcome(value)} />
            <span>
              <span className="font-medium">{label}</span>
              <span className="block text-[0.8125rem] text-soft">{what}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {outcome === "published" && (
        <div className="mt-4">
          <Field label="Its address, if you have it">{(ids) => <input {...ids} type="url" className="control" value={url} onChange={(event) => setUrl(event.target.value)} placeholder="https://" />}</Field>
        </div>
      )}
      {resolve.isError && (
        <div className="mt-4">
          <Notice tone="bad">{sentence(resolve.error)}</Notice>
        </div>
      )}
    </Dialog>
  );
}
