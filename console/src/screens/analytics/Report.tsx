import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo } from "react";

import type { Connection } from "../../api/types";
import { PageHead } from "../../app/Page";
import { useHerald } from "../../connections/api";
import { nameOf } from "../../platforms/marks";
import { cx } from "../../ui/classes";
import { Ago, useNow, userZone, zoneName } from "../../ui/time";
import { AdviceList } from "./AdviceList";
import { adviceQuery, audienceQuery, benchmarksQuery, bestTimesQuery, figuresQuery, forecastQuery, publicationsQuery, type Subject, summaryQuery, trendsQuery } from "./api";
import { Audiences } from "./Audiences";
import { ByPlatform } from "./ByPlatform";
import { Compare } from "./Compare";
import { ExportButtons } from "./ExportButton";
import { Forecast } from "./Forecast";
import { HeatMap } from "./HeatMap";
import { Loaded, Panel } from "./Panel";
import { Posts } from "./Posts";
import { dayIn, rangeOf, rangeText } from "./range";
import { Tiles } from "./Tiles";
import { adviceOf } from "./times";
import { Trend } from "./Trend";
import type { Metric } from "./words";

interface Props {
  subject: Subject;
  connections: Connection[] | undefined;
  days: number;
  interval: string;
  metric: Metric;
  /** Each account for itself in the chart. */
  each: boolean;
  filters: ReactNode;
  onMetric: (metric: Metric) => void;
  onEach: (each: boolean) => void;
}

export function Report({ subject, connections, days, interval, metric, each, filters, onMetric, onEach }: Props) {
  const herald = useHerald();
  const now = useNow(30_000);
  const times = useQuery(bestTimesQuery(herald, subject));
  // Days begin in the workspace's zone; every answer names it, and this one needs no days to be asked for.
  const zone = times.data?.timezone ?? userZone();
  const today = dayIn(zone, now);
  const { range, before } = useMemo(() => rangeOf(days, today), [days, today]);
  const figures = useQuery(figuresQuery(herald, subject, range));
  const earlier = useQuery(figuresQuery(herald, subject, before));
  const trends = useQuery(trendsQuery(herald, subject, range, metric, interval));
  const summary = useQuery({ ...summaryQuery(herald, subject), enabled: subject.connectionId === undefined });
  const posts = useInfiniteQuery(publicationsQuery(herald, subject));
  const forecast = useQuery(forecastQuery(herald, subject));
  const audience = useQuery(audienceQuery(herald, subject));
  const advice = useQuery(adviceQuery(herald, subject));
  const benchmarks = useQuery(benchmarksQuery(herald, subject));
  const accounts = (connections ?? []).filter(({ id }) => figures.data?.accounts.includes(id) === true);
  return (
    <>
      <PageHead title="Analytics" actions={<ExportButtons subject={subject} range={range} />}>
        {rangeText(range)}, today so far; days in {zoneName(zone)}
      </PageHead>
      {filters}
      <div className="grid grid-cols-[minmax(0,1fr)] gap-6">
        <Panel title="Key figures" about={<>Against {rangeText(before)}. Followers at the end; of the others, what was added.</>} action={accounts.length > 1 && <Split each={each} onEach={onEach} />}>
          <Loaded query={figures} room="h-52">
            {({ totals }) => <Tiles now={totals} earlier={earlier.data?.totals} accounts={accounts} before={before} zone={zone} chosen={metric} onChoose={onMetric} />}
          </Loaded>
          <div className="mt-6">
            <Loaded query={trends} room="h-64">
              {(data) => <Trend trends={data} metric={metric} each={each} />}
            </Loaded>
          </div>
          <AsOf accounts={accounts} now={now} />
        </Panel>
        {subject.connectionId === undefined && (
          <Panel title="By platform" about="The last 30 days.">
            <Loaded query={summary} room="h-48">
              {(platforms) => <ByPlatform platforms={platforms} />}
            </Loaded>
          </Panel>
        )}
        <Panel title="Posts" about="All that were read, whenever they went out." flush>
          <Loaded query={posts} room="m-5 h-64">
            {(list) => <Posts posts={list} more={posts.hasNextPage ? () => void posts.fetchNextPage() : null} busy={posts.isFetchingNextPage} />}
          </Loaded>
        </Panel>
        <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-6 xl:grid-cols-2">
          <div className="grid grid-cols-[minmax(0,1fr)] gap-6">
            <Panel title="Best times" about={times.data === undefined ? undefined : <>{adviceOf(times.data)} Hours in {zoneName(zone)}.</>}>
              <Loaded query={times} room="h-48">
                {(data) => <HeatMap times={data} />}
              </Loaded>
            </Panel>
            <Panel title="What works" about="Kinds of posts that do better or worse than the rest, beyond chance.">
              <Loaded query={advice} room="h-32">
                {(data) => <AdviceList advice={data} />}
              </Loaded>
            </Panel>
            <Panel title="Where it is heading" about="Forecasts, each judged on the account's own past.">
              <Loaded query={forecast} room="h-48">
                {(data) => <Forecast subject={subject} accounts={data.accounts} coverage={data.coverage} zone={zone} />}
              </Loaded>
            </Panel>
          </div>
          <Panel title="Audience" about="Who follows, as far as the platforms tell.">
            <Loaded query={audience} room="h-48">
              {(data) => <Audiences accounts={data} />}
            </Loaded>
          </Panel>
        </div>
        <Panel title="Compare" about="The last 30 days, beside other accounts." flush>
          <Loaded query={benchmarks} room="m-5 h-48">
            {(data) => <Compare talentId={subject.talentId} benchmarks={data} />}
          </Loaded>
        </Panel>
      </div>
    </>
  );
}

function Split({ each, onEach }: { each: boolean; onEach: (each: boolean) => void }) {
  const choices: [boolean, string][] = [
    [false, "Together"],
    [true, "Each account"],
  ];
  return (
    <div role="group" aria-label="Accounts in the chart" className="flex rounded-control bg-sunken p-0.5">
      {choices.map(([value, label]) => (
        <button
          key={label}
          type="button"
          aria-pressed={each === value}
          onClick={() => onEach(value)}
          className={cx("min-h-8 rounded-[7px] px-3 text-[0.8125rem] font-medium", each === value ? "bg-surface text-ink shadow-card" : "text-soft hover:text-ink")}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

/** When each account was read last. */
function AsOf({ accounts, now }: { accounts: Connection[]; now: number }) {
  if (accounts.length === 0) return null;
  return (
    <ul aria-label="As of" className="mt-4 flex flex-wrap gap-x-5 gap-y-1 border-t border-line pt-3 text-[0.75rem] text-soft">
      {accounts.map(({ id, platform, handle, lastSyncedAt }) => (
        <li key={id}>
          {nameOf(platform)} {handle}: {lastSyncedAt == null ? "not read yet" : <>as of <Ago at={lastSyncedAt} now={now} /></>}
        </li>
      ))}
    </ul>
  );
}
