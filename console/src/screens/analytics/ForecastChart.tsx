import { scaleLinear } from "d3-scale";
import { area, line } from "d3-shape";

import { Foot, MARGIN, Rows } from "../../ui/chart/Axes";
import { useWidth } from "../../ui/chart/useWidth";
import { compact } from "../../ui/number";
import type { Ahead } from "./foresee";

const HEIGHT = 200;
const MARKS = 12;
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** The past as a line, what is foreseen as a broken one, and the interval around it. What it says stands below it in words. */
export function ForecastChart({ points }: { points: Ahead[] }) {
  const [box, width] = useWidth<HTMLDivElement>();
  const numbers = points.flatMap(({ value, forecast, interval }) => [value, forecast, ...(interval ?? [])].filter((number) => number !== null));
  const [first, last] = [points[0]?.at ?? 0, points.at(-1)?.at ?? 1];
  const x = scaleLinear([first, last], [MARGIN.left, Math.max(MARGIN.left, width - MARGIN.right)]);
  const y = scaleLinear([Math.min(...numbers), Math.max(...numbers)], [HEIGHT - MARGIN.bottom, MARGIN.top]).nice(4);
  const past = line<Ahead>(({ at }) => x(at), ({ value }) => y(value ?? 0)).defined(({ value }) => value !== null);
  const ahead = line<Ahead>(({ at }) => x(at), ({ forecast }) => y(forecast ?? 0)).defined(({ forecast }) => forecast !== null);
  const band = area<Ahead>(({ at }) => x(at), ({ interval }) => y(interval?.[0] ?? 0), ({ interval }) => y(interval?.[1] ?? 0)).defined(({ interval }) => interval !== null);
  const marks = Array.from({ length: MARKS + 1 }, (_, n) => first + ((last - first) * n) / MARKS);
  return (
    <div ref={box} aria-hidden className="min-h-[200px]">
      {width > 0 && (
        <svg width={width} height={HEIGHT} className="block">
          <Rows y={y} width={width} text={compact} />
          <Foot marks={marks.map((at) => ({ x: x(at), text: DAY.format(at) }))} width={width} height={HEIGHT} />
          <path d={band(points) ?? undefined} fill="var(--series-1)" opacity={0.18} />
          <path d={past(points) ?? undefined} fill="none" stroke="var(--series-1)" strokeWidth={2} strokeLinejoin="round" />
          <path d={ahead(points) ?? undefined} fill="none" stroke="var(--series-1)" strokeWidth={2} strokeDasharray="5 4" />
          {points.map(({ at, forecast, value }) => forecast !== null && value === null && <circle key={at} cx={x(at)} cy={y(forecast)} r={3.5} fill="var(--series-1)" />)}
        </svg>
      )}
    </div>
  );
}
