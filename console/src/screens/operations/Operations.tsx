import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { RotateCw } from "lucide-react";

import { data, idempotencyKey } from "../../api/client";
import { sentence } from "../../api/errors";
import type { QueueStats } from "../../api/types";
import { PageHead } from "../../app/Page";
import { useHerald } from "../../connections/api";
import { deliveryState } from "../../posts/states";
import { Badge, type Tone } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Notice } from "../../ui/Notice";
import { exact, plural } from "../../ui/number";
import { Ago, useNow } from "../../ui/time";
import { useToast } from "../../ui/Toasts";

const QUEUES: Record<string, string> = {
  ingest: "Reading accounts",
  refresh: "Renewing tokens",
  erase: "Erasing",
  publish: "Publishing",
  notify: "Telling others",
  bulk: "Imports",
  sweep: "Looking at figures",
};

/** How the installation is: work that waits, work that died, and how the accounts are. */
export function Operations() {
  const { api } = useHerald();
  const now = useNow(5_000);
  const stats = useQuery({
    queryKey: ["queue-stats"],
    queryFn: ({ signal }) => data(api.GET("/api/admin/queue-stats", { signal })),
    refetchInterval: 10_000,
  });
  return (
    <>
      <PageHead title="Operations">Work that waits, work that died, and how the accounts are.</PageHead>
      {stats.isError && (
        <div className="mb-4">
          <Notice tone="bad" action={<Button small onClick={() => void stats.refetch()}>Try again</Button>}>
            {sentence(stats.error)}
          </Notice>
        </div>
      )}
      {stats.isPending && <span role="status" aria-label="Loading" className="skeleton block h-72 !rounded-card" />}
      {stats.data !== undefined && (
        <div className="grid grid-cols-[minmax(0,1fr)] gap-8">
          <Health stats={stats.data} now={now} />
          <Queues stats={stats.data} />
        </div>
      )}
    </>
  );
}

const SYNC: Record<string, Tone> = { READY: "good", SYNCING: "info", PENDING: "info", ERROR: "bad" };
const FILLS: Record<Tone, string> = { good: "bg-good", bad: "bg-bad", warn: "bg-warn", info: "bg-info", neutral: "bg-edge" };

function Health({ stats, now }: { stats: QueueStats; now: number }) {
  const { connections, deliveries, asOf } = stats;
  if (asOf == null || connections == null) return <Notice tone="info">States are counted every five minutes; the first count is not there yet.</Notice>;
  const settled = (connections["READY"] ?? 0) + (connections["ERROR"] ?? 0);
  const success = settled === 0 ? null : ((connections["READY"] ?? 0) / settled) * 100;
  return (
    <section aria-labelledby="health" className="grid grid-cols-[minmax(0,1fr)] gap-4">
      <div className="flex flex-wrap items-baseline justify-between gap-2">
        <h2 id="health" className="text-lg font-semibold">
          Accounts and deliveries
        </h2>
        <p className="text-[0.8125rem] text-soft">
          Counted <Ago at={asOf} now={now} />
        </p>
      </div>
      <div className="grid gap-4 lg:grid-cols-[14rem_1fr_1fr]">
        <div className="card p-5">
          <h3 className="text-[0.8125rem] text-soft">Sync success</h3>
          <p className={`mt-1 text-3xl font-semibold tracking-tight tabular-nums ${success !== null && success < 80 ? "text-bad" : ""}`}>{success === null ? "–" : `${Math.round(success)}%`}</p>
          <p className="mt-1 text-[0.8125rem] text-soft">{success === null ? "No account has been synced yet" : `${exact(connections["READY"] ?? 0)} of ${plural(settled, "account")}`}</p>
        </div>
        <States title="Accounts" counts={connections} tone={(state) => SYNC[state] ?? "neutral"} label={(state) => state} />
        <States title="Deliveries" counts={deliveries ?? {}} tone={(state) => deliveryState({ status: state }).tone} label={(state) => deliveryState({ status: state }).label} />
      </div>
    </section>
  );
}

function States({ title, counts, tone, label }: { title: string; counts: Record<string, number>; tone: (state: string) => Tone; label: (state: string) => string }) {
  const rows = Object.entries(counts).filter(([, n]) => n > 0).sort(([, a], [, b]) => b - a);
  const sum = rows.reduce((total, [, n]) => total + n, 0);
  return (
    <div className="card p-5">
      <h3 className="text-[0.8125rem] text-soft">
        {title} <span className="tabular-nums">{exact(sum)}</span>
      </h3>
      {rows.length === 0 ? (
        <p className="mt-3 text-[0.875rem] text-soft">None yet</p>
      ) : (
        <>
          <div aria-hidden className="mt-3 flex h-2 gap-0.5 overflow-hidden rounded-full">
            {rows.map(([state, n]) => (
              <span key={state} className={`${FILLS[tone(state)]} min-w-1`} style={{ flexGrow: n }} />
            ))}
          </div>
          <dl className="mt-3 flex flex-wrap gap-x-5 gap-y-1.5 text-[0.8125rem]">
            {rows.map(([state, n]) => (
              <div key={state} className="flex items-center gap-2">
                <span aria-hidden className={`size-2 rounded-full ${FILLS[tone(state)]}`} />
                <dt className="text-soft">{label(state)}</dt>
                <dd className="font-medium tabular-nums">{exact(n)}</dd>
              </div>
            ))}
          </dl>
        </>
      )}
    </div>
  );
}

function Queues({ stats }: { stats: QueueStats }) {
  const { api } = useHerald();
  const client = useQueryClient();
  const toast = useToast();
  const redrive = useMutation({
    mutationFn: (queue: string) => data(api.POST("/api/admin/queues/{queue}/redrive", { params: { path: { queue } }, headers: { "Idempotency-Key": idempotencyKey() } })),
    onSuccess: ({ messages }) => toast({ tone: "good", text: messages == null ? "Put back." : `${plural(messages, "message")} put back.` }),
    onError: (error) => toast({ tone: "bad", text: sentence(error) }),
    onSettled: () => client.invalidateQueries({ queryKey: ["queue-stats"] }),
  });
  const dead = stats.queues.reduce((sum, queue) => sum + queue.dead, 0);
  return (
    <section aria-labelledby="queues" className="grid grid-cols-[minmax(0,1fr)] gap-4">
      <div className="flex flex-wrap items-baseline justify-between gap-2">
        <h2 id="queues" className="text-lg font-semibold">
          Queues
        </h2>
        <Badge tone={dead > 0 ? "bad" : "good"}>{dead > 0 ? `${plural(dead, "message")} died` : "Nothing died"}</Badge>
      </div>
      <div className="card relative overflow-x-auto" tabIndex={0} role="region" aria-label="Queues">
        <table className="w-full min-w-[40rem] text-left text-[0.875rem]">
          <thead className="border-b border-line text-[0.75rem] text-soft">
            <tr>
              <th scope="col" className="px-5 py-2 font-medium">Work</th>
              {["Waiting", "In flight", "Delayed", "Oldest overdue", "Died"].map((name) => (
                <th key={name} scope="col" className="px-3 py-2 text-right font-medium">
                  {name}
                </th>
              ))}
              <th scope="col" className="px-5 py-2 text-right font-medium">
                <span className="sr-only">Action</span>
              </th>
            </tr>
          </thead>
          <tbody className="divide-y divide-line">
            {stats.queues.map((queue) => (
              <tr key={queue.name} data-queue={queue.name}>
                <th scope="row" className="px-5 py-3 font-medium">
                  {QUEUES[queue.name] ?? queue.name} <span className="ml-1 text-[0.75rem] font-normal text-soft">{queue.name}</span>
                </th>
                <td className="px-3 py-3 text-right tabular-nums">{exact(queue.waiting)}</td>
                <td className="px-3 py-3 text-right tabular-nums">{exact(queue.inFlight)}</td>
                <td className="px-3 py-3 text-right tabular-nums">{exact(queue.delayed)}</td>
                <td className="px-3 py-3 text-right tabular-nums">{age(queue.oldestAgeSeconds)}</td>
                <td className={`px-3 py-3 text-right tabular-nums ${queue.dead > 0 ? "font-semibold text-bad" : ""}`}>{exact(queue.dead)}</td>
                <td className="px-5 py-2 text-right">
                  {queue.dead > 0 ? (
                    <Button small icon={<RotateCw aria-hidden size={14} />} busy={redrive.isPending && redrive.variables === queue.name} onClick={() => redrive.mutate(queue.name)}>
                      Put back
                    </Button>
                  ) : (
                    <span className="text-[0.8125rem] text-soft">Fine</span>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function age(seconds: number | null | undefined): string {
  if (seconds == null) return "–";
  if (seconds === 0) return "None";
  return seconds < 120 ? `${seconds} s` : seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
