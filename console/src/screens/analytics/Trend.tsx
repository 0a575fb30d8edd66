import type { Trends } from "../../api/types";
import { Course } from "./Course";
import { CourseTable } from "./CourseTable";
import { rowsOf, seriesOf } from "./steps";
import { type Metric, NAMES, reasonOf, why } from "./words";

/** The chosen figure over time, in a sentence, as a chart and as a table. */
export function Trend({ trends, metric, each }: { trends: Trends; metric: Metric; each: boolean }) {
  const series = seriesOf(trends, each);
  const rows = rowsOf(series);
  const { timezone: zone, interval } = trends;
  const known = rows.filter(({ isEmpty }) => !isEmpty);
  const last = known.at(-1);
  if (last === undefined) {
    const { short, long } = why(reasonOf(trends.points.at(-1)?.state), trends.accounts.length > 1);
    return (
      <div className="grid h-64 place-content-center gap-1 text-center">
        <p className="font-medium">
          {NAMES[metric]}: {short.toLowerCase()}
        </p>
        <p className="max-w-sm text-[0.875rem] text-soft">{long}</p>
      </div>
    );
  }
  const props = { metric, series, rows, zone, interval };
  const isSplit = series.length > 1 || (trends.accounts.length > 1 && series[0]?.id !== "all");
  return (
    <>
      {isSplit && !each && (
        <p className="mb-3 text-[0.8125rem] text-soft">
          There is no sum, as not all accounts have this figure. {series.length === 1 ? `Only ${series[0]?.name} has it.` : "Each one that has it is shown."}
        </p>
      )}
      <Course {...props} />
      <CourseTable {...props} />
    </>
  );
}
