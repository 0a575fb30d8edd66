import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";

import type { AccountForecast, Foreseen, Point } from "../../api/types";
import { useHerald } from "../../connections/api";
import { nameOf } from "../../platforms/marks";
import { PlatformIcon } from "../../platforms/PlatformIcon";
import { compact, exact } from "../../ui/number";
import { Pick } from "../../ui/Pick";
import { dateTime } from "../../ui/time";
import { type Subject, trendsQuery } from "./api";
import { aheadOf, isForeseen, lacking, worth } from "./foresee";
import { ForecastChart } from "./ForecastChart";
import { dayIn, rangeOf } from "./range";

const FIGURES: ["followers" | "views", string][] = [
  ["followers", "Followers"],
  ["views", "Views in 28 days"],
];
/** How much of the past stands before what is foreseen. */
const PAST_DAYS = 90;

interface Props {
  subject: Subject;
  accounts: AccountForecast[];
  coverage: number;
  zone: string;
}

/** Where accounts are heading, with the interval, and whether a model knows better than "nothing changes". */
export function Forecast({ subject, accounts, coverage, zone }: Props) {
  const herald = useHerald();
  const [figure, setFigure] = useState<"followers" | "views">("followers");
  const [chosen, setChosen] = useState<string | null>(null);
  const [now] = useState(() => Date.now());
  const range = useMemo(() => rangeOf(PAST_DAYS, dayIn(zone, now)).range, [zone, now]);
  const foreseen = accounts.filter((account) => isForeseen(account[figure]));
  const account = foreseen.find(({ connectionId }) => connectionId === chosen) ?? foreseen[0];
  const past = useQuery({ ...trendsQuery(herald, subject, range, "followers", "day"), enabled: account !== undefined && figure === "followers" });
  if (accounts.length === 0) return <p className="text-[0.875rem] text-soft">There is no account to foresee.</p>;
  return (
    <>
      <div className="mb-4 flex flex-wrap gap-2">
        <Pick label="Figure" value={figure} choices={FIGURES} onPick={(name) => setFigure(name === "views" ? "views" : "followers")} />
        {foreseen.length > 1 && <Pick label="Account in the chart" value={account?.connectionId} choices={foreseen.map(({ connectionId, platform, handle }) => [connectionId, `${nameOf(platform)} ${handle}`])} onPick={(id) => setChosen(id ?? null)} />}
      </div>
      {account !== undefined && <Chart past={figure === "followers" ? past.data?.accounts.find(({ connectionId }) => connectionId === account.connectionId)?.points : undefined} figure={account[figure]} now={now} />}
      <ul className="divide-y divide-line">
        {accounts.map((account) => (
          <li key={account.connectionId} className="py-4 first:pt-2 last:pb-0">
            <h3 className="flex min-w-0 items-center gap-2 text-[0.875rem] font-medium">
              <PlatformIcon platform={account.platform} size="sm" />
              <span className="truncate">{account.handle}</span>
            </h3>
            <Told figure={account[figure]} coverage={coverage} />
          </li>
        ))}
      </ul>
    </>
  );
}

function Chart({ past, figure, now }: { past: Point[] | undefined; figure: Foreseen; now: number }) {
  const points = useMemo(() => aheadOf(past ?? [], figure, now), [past, figure, now]);
  return <ForecastChart points={points} />;
}

function Told({ figure, coverage }: { figure: Foreseen; coverage: number }) {
  if (!isForeseen(figure)) {
    return (
      <p className="mt-1 text-[0.8125rem] text-soft">
        {figure.now != null && <>{exact(figure.now)} now. </>}No forecast: {lacking(figure)}
      </p>
    );
  }
  return (
    <dl className="mt-2 grid gap-3">
      {figure.forecasts.map((forecast) => (
        <div key={forecast.days}>
          <dt className="text-[0.75rem] text-soft" title={dateTime(forecast.at)}>
            In {forecast.days} days
          </dt>
          <dd>
            <span className="text-lg font-semibold tabular-nums" title={exact(Math.round(forecast.value))}>
              {compact(Math.round(forecast.value))}
            </span>{" "}
            <span className="text-[0.8125rem] text-soft tabular-nums">
              {compact(Math.round(forecast.low))} to {compact(Math.round(forecast.high))}, {coverage}% likely
            </span>
            <span className="block text-[0.75rem] text-soft">{worth(forecast)}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}
