import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";

import { sentence } from "../../api/errors";
import type { Benchmark, Benchmarks } from "../../api/types";
import { useHerald } from "../../connections/api";
import { nameOf } from "../../platforms/marks";
import { PlatformIcon } from "../../platforms/PlatformIcon";
import { Badge } from "../../ui/Badge";
import { Button, IconButton } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { compact, exact } from "../../ui/number";
import { Ago, useNow } from "../../ui/time";
import { useToast } from "../../ui/Toasts";
import { removeCompetitor } from "./api";
import { CompetitorDialog } from "./CompetitorDialog";
import { Missing, MissingLegend } from "./Missing";
import { type Reason, reasonOf } from "./words";

const COLUMNS = [
  ["followers", "Followers"],
  ["postsLast30Days", "Posts, 30 days"],
  ["avgViews", "Views a post"],
  ["avgEngagement", "Engagement a post"],
  ["avgEngagementRate", "Rate a post"],
] as const;

/** The posts of an account are counted by the first look at it. */
const lacking = (row: Benchmark, name: (typeof COLUMNS)[number][0]): Reason => reasonOf(name === "postsLast30Days" ? "pending" : row.unavailable[name]);

interface Row extends Benchmark {
  own: boolean;
}

/** Own accounts beside those that they compare with, platform by platform, the largest first. */
export function rowsOf({ own, competitors }: Benchmarks): Row[] {
  const rows = [...own.map((row) => ({ ...row, own: true })), ...competitors.map((row) => ({ ...row, own: false }))];
  return rows.sort((a, b) => a.platform.localeCompare(b.platform) || (b.followers ?? -1) - (a.followers ?? -1));
}

export function Compare({ talentId, benchmarks }: { talentId: string; benchmarks: Benchmarks }) {
  const now = useNow(30_000);
  const [isAdding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Benchmark | null>(null);
  const rows = rowsOf(benchmarks);
  const missing = rows.flatMap((row) => COLUMNS.flatMap(([name]) => (row[name] == null ? [lacking(row, name)] : [])));
  return (
    <>
      {rows.length > 0 && (
        <div className="relative overflow-x-auto" tabIndex={0} role="region" aria-label="Accounts side by side">
          <table className="w-full min-w-[52rem] text-left text-[0.875rem]">
            <thead className="border-y border-line text-[0.75rem] text-soft">
              <tr>
                <th scope="col" className="px-5 py-2 font-medium">
                  Account
                </th>
                {COLUMNS.map(([name, label]) => (
                  <th key={name} scope="col" className="px-3 py-2 text-right font-medium whitespace-nowrap">
                    {label}
                  </th>
                ))}
                <th scope="col" className="px-3 py-2 text-right font-medium">
                  As of
                </th>
                <th scope="col" className="py-2 pr-5 font-medium">
                  <span className="sr-only">Action</span>
                </th>
              </tr>
            </thead>
            <tbody className="divide-y divide-line">
              {rows.map((row) => (
                <tr key={row.id} data-competitor={row.own ? undefined : row.handle}>
                  <th scope="row" className="max-w-64 px-5 py-2 font-medium">
                    <span className="flex min-w-0 items-center gap-3">
                      <PlatformIcon platform={row.platform} size="sm" />
                      <span className="truncate">{row.handle}</span>
                      {row.own && <Badge tone="info">Own</Badge>}
                    </span>
                    {row.error != null && <span className="mt-0.5 block text-[0.75rem] font-normal text-bad">{row.error}</span>}
                  </th>
                  {COLUMNS.map(([name]) => (
                    <td key={name} className="px-3 py-2 text-right whitespace-nowrap tabular-nums">
                      {row[name] == null ? <Missing bare reason={lacking(row, name)} /> : name === "avgEngagementRate" ? `${row[name].toFixed(2)}%` : <span title={exact(row[name])}>{compact(row[name])}</span>}
                    </td>
                  ))}
                  <td className="px-3 py-2 text-right whitespace-nowrap text-soft">{row.asOf == null ? "Not yet" : <Ago at={row.asOf} now={now} />}</td>
                  <td className="w-12 py-1 pr-3 text-right">
                    {!row.own && (
                      <IconButton label={`Stop comparing with ${row.handle} on ${nameOf(row.platform)}`} onClick={() => setRemoving(row)} className="hover:!text-bad">
                        <Trash2 aria-hidden size={16} />
                      </IconButton>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <MissingLegend reasons={missing} />
      <div className="flex flex-wrap items-center gap-3 border-t border-line px-5 py-3">
        <Button small icon={<Plus aria-hidden size={15} />} onClick={() => setAdding(true)}>
          Compare with an account
        </Button>
        {benchmarks.competitors.length === 0 && <span className="text-[0.8125rem] text-soft">Any public account that its platform shows without log-in.</span>}
      </div>
      {isAdding && <CompetitorDialog talentId={talentId} onClose={() => setAdding(false)} />}
      {removing !== null && <RemoveDialog competitor={removing} onClose={() => setRemoving(null)} />}
    </>
  );
}

function RemoveDialog({ competitor, onClose }: { competitor: Benchmark; onClose: () => void }) {
  const herald = useHerald();
  const client = useQueryClient();
  const toast = useToast();
  const remove = useMutation({
    mutationFn: () => removeCompetitor(herald, competitor.id),
    onSuccess: () => {
      toast({ tone: "good", text: `${competitor.handle} is no longer compared with.` });
      onClose();
    },
    onError: (error) => toast({ tone: "bad", text: sentence(error) }),
    onSettled: () => client.invalidateQueries({ queryKey: ["analytics", "benchmarks"] }),
  });
  return (
    <Dialog
      title={`Stop comparing with ${competitor.handle}?`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Keep it</Button>
          <Button look="danger" busy={remove.isPending} onClick={() => remove.mutate()}>
            Stop comparing
          </Button>
        </>
      }
    >
      <p className="text-[0.875rem]">What was seen of it on {nameOf(competitor.platform)} is deleted here. The account itself is not touched, and can be added again.</p>
    </Dialog>
  );
}
