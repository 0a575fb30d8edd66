import type { Connection } from "../../api/types";
import { dayIn, type Range } from "./range";
import { isGain, type Metric } from "./words";

export interface Change {
  text: string;
  direction: "up" | "down" | "same";
}

/**
 * Whether the time before was measured for the same accounts. What was added is known only from the day on which an account
 * was connected, and a level of fewer accounts is another level.
 */
export function isComparable(metric: Metric, accounts: Pick<Connection, "createdAt">[], before: Range, zone: string): boolean {
  return accounts.every(({ createdAt }) => {
    const day = dayIn(zone, new Date(createdAt).getTime());
    return isGain(metric) || metric === "engagementRate" ? day < before.from : day <= before.to;
  });
}

const signed = (value: number, text: string) => `${value > 0 ? "+" : value < 0 ? "−" : "±"}${text}`;
const direction = (value: number) => (value > 0 ? "up" : value < 0 ? "down" : "same");

/** The change from one range to the one before it; `null` where it cannot be told. */
export function change(metric: Metric, now: number | null | undefined, before: number | null | undefined): Change | null {
  if (now == null || before == null) return null;
  if (metric === "engagementRate") {
    const points = Math.round((now - before) * 100) / 100;
    return { text: signed(points, `${Math.abs(points).toFixed(2)} points`), direction: direction(points) };
  }
  // Of nothing there is no percentage.
  if (before <= 0) return null;
  const percent = Math.round(((now - before) / before) * 1000) / 10;
  return { text: signed(percent, `${Math.abs(percent).toFixed(1)}%`), direction: direction(percent) };
}
