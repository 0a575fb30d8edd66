import { fromDate, parseDate, toCalendarDate } from "@internationalized/date";

/** Whole days, both ends included. */
export interface Range {
  from: string;
  to: string;
}

export const RANGES: [string, string][] = [
  ["7", "7 days"],
  ["30", "30 days"],
  ["90", "90 days"],
  ["365", "1 year"],
];

/** The step of a chart. By the hour there would be too many of them in a longer range. */
export const intervalsOf = (days: number): [string, string][] => [
  ...(days <= 7 ? ([["hour", "By hour"]] as [string, string][]) : []),
  ["day", "By day"],
  ["week", "By week"],
  ["month", "By month"],
];

/** The day that an instant lies in, as the zone's people write it. */
export const dayIn = (zone: string, at: number): string => toCalendarDate(fromDate(new Date(at), zone)).toString();

/** The last days up to this one, and as many before them. */
export function rangeOf(days: number, today: string): { range: Range; before: Range } {
  const back = (n: number) => parseDate(today).subtract({ days: n }).toString();
  return { range: { from: back(days - 1), to: back(0) }, before: { from: back(2 * days - 1), to: back(days) } };
}

/** "3 Nov – 2 Dec 2026". */
export function rangeText({ from, to }: Range): string {
  // A day has no zone of its own; it is written as it was counted.
  const format = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", day: "numeric", month: "short", year: "numeric" });
  return format.formatRange(new Date(`${from}T00:00:00Z`), new Date(`${to}T00:00:00Z`));
}
