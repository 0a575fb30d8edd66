import type { ScaleLinear } from "d3-scale";

/** Room around the drawing for the words of its axes. */
export const MARGIN = { top: 10, right: 12, bottom: 26, left: 52 };

/** Lines across, each with its number. */
export function Rows({ y, width, text }: { y: ScaleLinear<number, number>; width: number; text: (value: number) => string }) {
  return (
    <g>
      {y.ticks(4).map((value) => (
        <g key={value} transform={`translate(0 ${y(value)})`}>
          <line x1={MARGIN.left} x2={width - MARGIN.right} stroke="var(--line)" />
          <text x={MARGIN.left - 10} dy="0.32em" textAnchor="end" className="fill-soft text-[0.75rem]">
            {text(value)}
          </text>
        </g>
      ))}
    </g>
  );
}

export interface Mark {
  x: number;
  text: string;
}

/** Words along the foot, as many as do not touch, whole ones only. */
export function Foot({ marks, width, height }: { marks: Mark[]; width: number; height: number }) {
  return (
    <g>
      {spaced(marks, width).map(({ x, text }) => (
        <text key={x} x={x} y={height - 6} textAnchor="middle" className="fill-soft text-[0.75rem]">
          {text}
        </text>
      ))}
    </g>
  );
}

/** Pixels that a letter of an axis takes at most. */
const LETTER = 6.6;
const GAP = 20;

/** Every so-manieth mark, so that their words keep apart and inside. */
export function spaced(marks: Mark[], width: number): Mark[] {
  const longest = Math.max(0, ...marks.map(({ text }) => text.length)) * LETTER;
  const apart = marks.length > 1 ? Math.abs((marks.at(-1)?.x ?? 0) - (marks[0]?.x ?? 0)) / (marks.length - 1) : width;
  const every = Math.max(1, Math.ceil((longest + GAP) / Math.max(apart, 0.001)));
  return marks.filter(({ x }, index) => index % every === 0 && x - longest / 2 >= 0 && x + longest / 2 <= width);
}
