import type { BestTimes } from "../../api/types";
import { plural } from "../../ui/number";

export type Cell = BestTimes["cells"][number];

export const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
export const hourText = (hour: number): string => `${String(hour).padStart(2, "0")}:00`;

/** How strongly an hour is coloured, between the weakest and the best that there is: scores lie close together. */
export function strengthOf(cells: Cell[]): (cell: Cell) => number {
  const scores = cells.map(({ score }) => score);
  const [least, most] = [Math.min(...scores), Math.max(...scores)];
  return ({ score }) => (most > least ? 0.2 + (0.8 * (score - least)) / (most - least) : 0.6);
}

/** What the hours come to. A recommendation takes enough posts; without them there is none. */
export function adviceOf(times: BestTimes): string {
  const base = plural(times.posts, "post");
  if (!times.sufficient) return `${base} of the last year ${times.posts === 1 ? "is" : "are"} too few to recommend a time; it takes ${times.minimumPosts}.`;
  if (times.best.length === 0) return `No hour stands out among ${base} of the last year; it takes ${times.minimumPostsPerTime} posts in one.`;
  const best = times.best.slice(0, 3).map((cell) => `${DAYS[cell.weekday - 1]} ${hourText(cell.hour)}`);
  return `Best so far: ${best.join(", ")}. From ${base} of the last year.`;
}
