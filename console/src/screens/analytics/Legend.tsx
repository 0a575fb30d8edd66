import { useId } from "react";

import type { Series } from "./steps";
import { colour, stroke } from "./series";

/** What the colours and the hatching of the chart mean. */
export function Legend({ series, gains, hatched }: { series: Series[]; gains: boolean; hatched: boolean }) {
  const hatch = useId();
  return (
    <ul aria-hidden className="mt-2 flex flex-wrap gap-x-5 gap-y-1 text-[0.75rem] text-soft empty:hidden">
      {series.length > 1 &&
        series.map(({ id, name }, index) => (
          <li key={id} className="flex min-w-0 items-center gap-2">
            <svg width="18" height="10" className="shrink-0">
              <path d="M0 5h18" stroke={colour(index)} strokeWidth={gains ? 10 : 3} strokeDasharray={gains ? "none" : stroke(index)} />
            </svg>
            <span className="truncate">{name}</span>
          </li>
        ))}
      {hatched && (
        <li className="flex items-center gap-2">
          <svg width="18" height="10" className="shrink-0 rounded-[2px]">
            <pattern id={hatch} width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
              <path d="M0 0v6" stroke="var(--edge)" strokeWidth="2" />
            </pattern>
            <rect width="18" height="10" fill={`url(#${hatch})`} />
          </svg>
          No figure, which is not zero
        </li>
      )}
    </ul>
  );
}
