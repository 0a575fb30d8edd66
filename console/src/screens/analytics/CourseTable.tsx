import { exact } from "../../ui/number";
import { type Row, type Series, stepText } from "./steps";
import { Missing } from "./Missing";
import { type Metric, NAMES, reasonOf } from "./words";

interface Props {
  metric: Metric;
  series: Series[];
  rows: Row[];
  zone: string;
  interval: string;
}

/** The chart's numbers, to be read one by one. */
export function CourseTable({ metric, series, rows, zone, interval }: Props) {
  return (
    <details className="mt-3 text-[0.8125rem]">
      <summary className="inline-block rounded font-medium text-accent hover:underline">As a table</summary>
      <div className="relative mt-2 max-h-72 overflow-auto rounded-lg border border-line" tabIndex={0} role="region" aria-label={`${NAMES[metric]}, as a table`}>
        <table className="w-full text-left">
          <thead className="sticky top-0 bg-surface text-[0.75rem] text-soft">
            <tr>
              <th scope="col" className="px-4 py-2 font-medium">
                From
              </th>
              {series.map(({ id, name }) => (
                <th key={id} scope="col" className="px-4 py-2 text-right font-medium">
                  {name === "" ? NAMES[metric] : name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody className="divide-y divide-line">
            {rows.map((row) => (
              <tr key={row.at}>
                <th scope="row" className="px-4 py-1.5 font-normal">
                  {stepText(row.at, zone, interval)}
                </th>
                {row.values.map((value, index) => (
                  <td key={series[index]?.id} className="px-4 py-1.5 text-right tabular-nums">
                    {value === null ? <Missing reason={reasonOf(row.states[index])} /> : metric === "engagementRate" ? `${value.toFixed(2)}%` : exact(value)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
