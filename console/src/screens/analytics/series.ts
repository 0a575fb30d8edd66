const COLOURS = 6;
/** Series of one colour are told apart by their strokes. */
const STROKES = ["none", "6 3", "2 3", "10 3 2 3"];

export const colour = (index: number): string => `var(--series-${(index % COLOURS) + 1})`;
export const stroke = (index: number): string => STROKES[Math.floor(index / COLOURS) % STROKES.length] ?? "none";
