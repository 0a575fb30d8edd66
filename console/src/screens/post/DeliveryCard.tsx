import { ExternalLink } from "lucide-react";
import { useState } from "react";

import type { Attempt, Delivery } from "../../api/types";
import { nameOf } from "../../platforms/marks";
import { PlatformIcon } from "../../platforms/PlatformIcon";
import { deliveryState, outcomeWord, stepWord } from "../../posts/states";
import { Badge, type Tone } from "../../ui/Badge";
import { Button, buttonClass } from "../../ui/Button";
import { dateTime, relative } from "../../ui/time";
import { ResolveDialog } from "./ResolveDialog";

interface Props {
  delivery: Delivery;
  handle: string | null;
  /** Why it could not be deleted on its platform. */
  stays: string | null;
  now: number;
  onResolved: () => void;
}

/** The post on its way to one account. */
export function DeliveryCard({ delivery, handle, stays, now, onResolved }: Props) {
  const [resolving, setResolving] = useState(false);
  const state = deliveryState(delivery);
  const name = nameOf(delivery.platform);
  const waits = delivery.nextAttemptAt ?? null;
  return (
    <article className="card p-5" aria-label={`${name} ${handle ?? ""}`} data-platform={delivery.platform} data-status={delivery.status}>
      <header className="flex flex-wrap items-center gap-3">
        <PlatformIcon platform={delivery.platform} decorative />
        <div className="min-w-0 flex-1">
          <h2 className="truncate font-semibold">{name}</h2>
          <p className="truncate text-[0.8125rem] text-soft">{handle ?? "Account removed"}</p>
        </div>
        <Badge tone={delivery.deleted ? "neutral" : state.tone}>{delivery.deleted ? "Deleted" : state.label}</Badge>
      </header>
      <p className="mt-3 text-[0.875rem] text-soft">
        {delivery.deleted ? "It was deleted on the platform." : state.means}
        {delivery.postedAt != null && !delivery.deleted && <> Since {dateTime(delivery.postedAt)}.</>}
        {waits !== null && delivery.status !== "published" && <> Next step {relative(waits, now)}.</>}
      </p>
      {delivery.error != null && (
        <p className="mt-3 rounded-lg bg-bad-wash px-3 py-2 text-[0.875rem] break-words text-bad">
          {delivery.error}
          {delivery.platformErrorCode != null && <span className="ml-2 font-mono text-[0.75rem]">{delivery.platformErrorCode}</span>}
        </p>
      )}
      {stays !== null && <p className="mt-3 rounded-lg bg-warn-wash px-3 py-2 text-[0.875rem] text-warn">Still on {name}: {stays}</p>}
      <div className="mt-4 flex flex-wrap gap-2 empty:hidden">
        {delivery.url != null && !delivery.deleted && (
          <a href={delivery.url} target="_blank" rel="noreferrer" className={buttonClass("plain", "small")}>
            <ExternalLink aria-hidden size={15} /> Open on {name}
          </a>
        )}
        {delivery.status === "unconfirmed" && (
          <Button small look="primary" onClick={() => setResolving(true)}>
            Say what happened
          </Button>
        )}
      </div>
      {delivery.followUps.length > 0 && (
        <ul className="mt-4 grid gap-2 border-l-2 border-line pl-4 text-[0.8125rem]">
          {delivery.followUps.map((follow, at) => (
            <li key={at} className="flex flex-wrap items-center gap-2">
              Follow-up {at + 1}
              <Badge tone={follow.status === "published" ? "good" : follow.status === "failed" ? "bad" : "info"}>{follow.status}</Badge>
              {follow.url != null && (
                <a href={follow.url} target="_blank" rel="noreferrer" className="text-accent underline">
                  open
                </a>
              )}
              {follow.error != null && <span className="text-bad">{follow.error}</span>}
            </li>
          ))}
        </ul>
      )}
      {delivery.attempts.length > 0 && (
        <details className="mt-4 border-t border-line pt-3" open={delivery.status !== "published"}>
          <summary className="text-[0.8125rem] font-medium">What was tried ({delivery.attempts.length})</summary>
          <Attempts attempts={delivery.attempts} />
        </details>
      )}
      {resolving && (
        <ResolveDialog
          deliveryId={delivery.id}
          platform={name}
          onClose={() => setResolving(false)}
          onDone={() => {
            setResolving(false);
            onResolved();
          }}
        />
      )}
    </article>
  );
}

const DOTS: Record<Tone, string> = { good: "bg-good", bad: "bg-bad", warn: "bg-warn", info: "bg-info", neutral: "bg-edge" };

function Attempts({ attempts }: { attempts: Attempt[] }) {
  return (
    <ol className="mt-3 grid gap-3">
      {attempts.map((attempt) => {
        const { word, tone } = outcomeWord(attempt.outcome);
        return (
          <li key={`${attempt.n}${attempt.step}${attempt.startedAt}`} className="grid grid-cols-[0.625rem_1fr] gap-3 text-[0.8125rem]">
            <span aria-hidden className={`mt-1.5 size-2.5 rounded-full ${DOTS[tone]}`} />
            <div className="min-w-0">
              <p>
                <span className="font-medium">{stepWord(attempt.step)}</span>: {word}
                <time dateTime={attempt.startedAt} className="ml-2 text-soft tabular-nums">
                  {new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(new Date(attempt.startedAt))}
                </time>
              </p>
              {attempt.detail !== "" && <p className="break-words text-soft">{attempt.detail}</p>}
            </div>
          </li>
        );
      })}
    </ol>
  );
}
