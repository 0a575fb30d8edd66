import { ArrowDownRight, ArrowRight, ArrowUpRight } from "lucide-react";

import type { Connection, Step } from "../../api/types";
import { cx } from "../../ui/classes";
import { exact } from "../../ui/number";
import { change, isComparable } from "./change";
import { Missing } from "./Missing";
import type { Range } from "./range";
import { type Metric, METRICS, NAMES, reasonOf, shown } from "./words";

interface Props {
  now: Step;
  earlier: Step | undefined;
  accounts: Connection[];
  before: Range;
  zone: string;
  chosen: Metric;
  onChoose: (metric: Metric) => void;
}

const ARROWS = { up: ArrowUpRight, down: ArrowDownRight, same: ArrowRight };
const TONES = { up: "text-good", down: "text-bad", same: "text-soft" };

/** Key figures against the time before; the chosen one is drawn. */
export function Tiles({ now, earlier, accounts, before, zone, chosen, onChoose }: Props) {
  return (
    <div role="group" aria-label="Figure in the chart" className="grid grid-cols-2 gap-2 sm:grid-cols-3 xl:grid-cols-5">
      {METRICS.map((metric) => {
        const value = now[metric];
        const differs = isComparable(metric, accounts, before, zone) ? change(metric, value, earlier?.[metric]) : null;
        const Arrow = ARROWS[differs?.direction ?? "same"];
        return (
          <button
            key={metric}
            type="button"
            aria-pressed={chosen === metric}
            onClick={() => onChoose(metric)}
            className={cx(
              "grid min-h-24 content-start justify-items-start gap-0.5 rounded-xl border px-4 py-3 text-left transition-colors",
              chosen === metric ? "border-accent bg-accent-wash" : "border-line hover:bg-sunken",
            )}
          >
            <span className="text-[0.8125rem] text-soft">{NAMES[metric]}</span>
            {value == null ? (
              <span className="flex min-h-8 items-center">
                <Missing reason={reasonOf(now.unavailable[metric])} many={accounts.length > 1} />
              </span>
            ) : (
              <>
                <span className="text-2xl leading-8 font-semibold tracking-tight tabular-nums" title={metric === "engagementRate" ? undefined : exact(value)}>
                  {shown(metric, value)}
                </span>
                {differs === null ? (
                  <span className="text-[0.75rem] text-soft">Nothing before to compare</span>
                ) : (
                  <span className={cx("flex items-center gap-1 text-[0.75rem] tabular-nums", TONES[differs.direction])}>
                    <Arrow aria-hidden size={13} />
                    {differs.text}
                    <span className="sr-only"> against the time before</span>
                  </span>
                )}
              </>
            )}
          </button>
        );
      })}
    </div>
  );
}
