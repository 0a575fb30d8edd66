import type { BestTimes } from "../../api/types";
import { plural } from "../../ui/number";
import { DAYS, hourText, strengthOf } from "./times";

/** Every hour of the week, stronger where posts did better. */
export function HeatMap({ times }: { times: BestTimes }) {
  const strength = strengthOf(times.cells);
  const unit = times.metric === "engagementRate" ? "%" : " engagements";
  return (
    <>
      <div className="relative overflow-x-auto" tabIndex={0} role="region" aria-label="Hours of the week">
        <table className="w-full min-w-[28rem] table-fixed border-separate border-spacing-0.5 text-[0.6875rem]">
          <thead>
            <tr className="text-soft">
              <th scope="col" className="w-10">
                <span className="sr-only">Day</span>
              </th>
              {Array.from({ length: 24 }, (_, hour) => (
                <th key={hour} scope="col" className="text-left font-normal">
                  {hour % 3 === 0 ? hourText(hour) : <span className="sr-only">{hourText(hour)}</span>}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {DAYS.map((name, row) => (
              <tr key={name}>
                <th scope="row" className="pr-2 text-left font-normal text-soft">
                  {name}
                </th>
                {Array.from({ length: 24 }, (_, hour) => {
                  const cell = times.cells.find((cell) => cell.weekday === row + 1 && cell.hour === hour);
                  const text = cell === undefined ? "no post" : `${plural(cell.posts, "post")}, ${cell.mean.toFixed(2)}${unit} on average`;
                  const isBest = times.best.some((best) => best.weekday === row + 1 && best.hour === hour);
                  return (
                    <td key={hour} title={`${name} ${hourText(hour)}: ${text}`} className="p-0">
                      <span className="relative block h-6 overflow-hidden rounded-[3px] bg-sunken">
                        {cell !== undefined && <span className="absolute inset-0 bg-accent" style={{ opacity: strength(cell) }} />}
                        {isBest && <span className="absolute inset-0 rounded-[3px] ring-2 ring-ink ring-inset" />}
                        <span className="sr-only">{isBest ? `${text}, among the best` : text}</span>
                      </span>
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p aria-hidden className="mt-3 flex flex-wrap items-center gap-x-4 gap-y-1 text-[0.75rem] text-soft">
        <span className="flex items-center gap-1.5">
          Weaker
          {[0.2, 0.45, 0.7, 1].map((opacity) => (
            <span key={opacity} className="size-3 rounded-[3px] bg-accent" style={{ opacity }} />
          ))}
          stronger
        </span>
        <span className="flex items-center gap-1.5">
          <span className="size-3 rounded-[3px] bg-sunken ring-1 ring-line ring-inset" /> No post
        </span>
        {times.best.length > 0 && (
          <span className="flex items-center gap-1.5">
            <span className="size-3 rounded-[3px] ring-2 ring-ink ring-inset" /> Best
          </span>
        )}
      </p>
    </>
  );
}
