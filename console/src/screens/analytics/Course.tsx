import { scaleBand, scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import { type KeyboardEvent, type PointerEvent, useId, useState } from "react";

import { Foot, MARGIN, Rows } from "../../ui/chart/Axes";
import { useWidth } from "../../ui/chart/useWidth";
import { compact } from "../../ui/number";
import { isAlone, type Row, type Series, stacksOf, stepText, valuesText } from "./steps";
import { Legend } from "./Legend";
import { colour, stroke } from "./series";
import { isGain, type Metric, NAMES, reasonOf, shown, why } from "./words";

const HEIGHT = 264;
/** A zero is drawn, too: it is something else than nothing. */
const LEAST = 2;

interface Props {
  metric: Metric;
  series: Series[];
  rows: Row[];
  zone: string;
  interval: string;
}

/**
 * A figure over time: what was added as bars, a level or a rate as a line. A step without a figure is hatched; a zero is not.
 * With the pointer or the arrow keys each step tells its numbers.
 */
export function Course({ metric, series, rows, zone, interval }: Props) {
  const [box, width] = useWidth<HTMLDivElement>();
  const [at, setAt] = useState<number | null>(null);
  const hatch = useId();
  const gains = isGain(metric);
  const stacks = gains ? stacksOf(rows) : [];
  const numbers = gains ? stacks.flat().flatMap((part) => (part === null ? [] : part)) : rows.flatMap(({ values }) => values.filter((value) => value !== null));
  // A level moves little against its height, so its line does not begin at zero; bars always do.
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  const domain = metric === "followers" ? [least, most > least ? most : least + 1] : [Math.min(0, least), Math.max(most, 1)];
  const y = scaleLinear(domain, [HEIGHT - MARGIN.bottom, MARGIN.top]).nice(4);
  const x = scaleBand(rows.map((_, index) => index), [MARGIN.left, Math.max(MARGIN.left, width - MARGIN.right)]).paddingInner(rows.length > 100 ? 0 : 0.25);
  const middle = (index: number) => (x(index) ?? 0) + x.bandwidth() / 2;
  const row = at === null ? undefined : rows[at];

  const point = (event: PointerEvent<HTMLDivElement>) => {
    const offset = event.clientX - event.currentTarget.getBoundingClientRect().left - MARGIN.left;
    setAt(Math.max(0, Math.min(rows.length - 1, Math.floor(offset / x.step()))));
  };
  const press = (event: KeyboardEvent) => {
    const last = rows.length - 1;
    const now = at ?? last;
    const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    setAt(Math.max(0, Math.min(last, to)));
  };
  const told = at ?? rows.length - 1;
  return (
    <>
      <div
        ref={box}
        role="slider"
        tabIndex={0}
        aria-label={`${NAMES[metric]} over time`}
        aria-valuemin={0}
        aria-valuemax={rows.length - 1}
        aria-valuenow={told}
        aria-valuetext={valuesText(metric, series, rows[told], zone, interval)}
        onPointerMove={point}
        onPointerDown={point}
        onPointerLeave={() => setAt(null)}
        onKeyDown={press}
        onFocus={() => setAt((now) => now ?? rows.length - 1)}
        onBlur={() => setAt(null)}
        className="relative touch-pan-y rounded"
      >
        {width > 0 && (
          <svg aria-hidden width={width} height={HEIGHT} className="block select-none">
            <defs>
              <pattern id={hatch} width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                <path d="M0 0v6" stroke="var(--line)" strokeWidth="3" />
              </pattern>
            </defs>
            {rows.map(({ isEmpty }, index) => isEmpty && <rect key={index} x={x(index)} y={MARGIN.top} width={Math.max(x.step(), 1)} height={HEIGHT - MARGIN.bottom - MARGIN.top} fill={`url(#${hatch})`} />)}
            <Rows y={y} width={width} text={(value) => (metric === "engagementRate" ? `${value}%` : compact(value))} />
            <Foot marks={rows.map(({ at }, index) => ({ x: middle(index), text: stepText(at, zone, interval) }))} {...{ width }} height={HEIGHT} />
            {at !== null && <rect x={x(at)} y={MARGIN.top} width={Math.max(x.bandwidth(), 1)} height={HEIGHT - MARGIN.bottom - MARGIN.top} fill="var(--edge)" opacity={0.14} />}
            {series.map(({ id }, which) =>
              gains ? (
                <g key={id} fill={colour(which)}>
                  {stacks.map((parts, index) => {
                    const part = parts[which];
                    if (part == null) return null;
                    const [low, high] = [y(part[0]), y(part[1])];
                    const tall = Math.max(LEAST, Math.abs(low - high));
                    return <rect key={index} x={(x(index) ?? 0) + Math.max(0, x.bandwidth() - 40) / 2} width={Math.max(1, Math.min(40, x.bandwidth()))} y={Math.min(low, high) - (tall === LEAST ? LEAST : 0)} height={tall} />;
                  })}
                </g>
              ) : (
                <g key={id}>
                  <path
                    d={line<Row>((_, index) => middle(index), ({ values }) => y(values[which] ?? 0)).defined(({ values }) => values[which] != null)(rows) ?? undefined}
                    fill="none"
                    stroke={colour(which)}
                    strokeWidth={2}
                    strokeLinejoin="round"
                    strokeDasharray={stroke(which)}
                  />
                  {rows.map(({ values }, index) => (isAlone(rows, which, index) || (index === at && values[which] != null)) && <circle key={index} cx={middle(index)} cy={y(values[which] ?? 0)} r={3.5} fill={colour(which)} />)}
                </g>
              ),
            )}
          </svg>
        )}
        {width === 0 && <div className="h-64" />}
        {row !== undefined && at !== null && (
          <div
            aria-hidden
            className="pointer-events-none absolute top-2 z-10 max-w-64 rounded-lg border border-line bg-surface px-3 py-2 text-[0.8125rem] shadow-float"
            style={middle(at) > width / 2 ? { right: width - middle(at) + 12 } : { left: middle(at) + 12 }}
          >
            <p className="text-soft">{stepText(row.at, zone, interval)}</p>
            {series.map(({ id, name }, which) => {
              const value = row.values[which];
              return (
                <p key={id} className="flex items-baseline justify-between gap-4">
                  {series.length > 1 && <span className="truncate text-soft">{name}</span>}
                  <span className="font-semibold whitespace-nowrap tabular-nums">{value == null ? why(reasonOf(row.states[which])).short : shown(metric, value)}</span>
                </p>
              );
            })}
          </div>
        )}
      </div>
      <Legend series={series} gains={gains} hatched={rows.some(({ isEmpty }) => isEmpty)} />
    </>
  );
}
