import type { Point, Trends } from "../../api/types";
import { nameOf } from "../../platforms/marks";
import { type Metric, reasonOf, shown, why } from "./words";

/** A line or a stack of bars of the chart. */
export interface Series {
  id: string;
  name: string;
  points: Point[];
}

/** A step of the chart: each series' number, and whether the step has any at all. */
export interface Row {
  at: string;
  values: (number | null)[];
  states: string[];
  isEmpty: boolean;
}

/** All accounts as one, or each for itself; for itself also where there is no sum, because not all of them have the figure. */
export function seriesOf(trends: Trends, each: boolean): Series[] {
  const has = (points: Point[]) => points.some(({ value }) => value != null);
  const known = trends.accounts.filter(({ points }) => has(points));
  if (trends.accounts.length > 1 && (each || !has(trends.points)) && known.length > 0) {
    return known.map(({ connectionId, platform, handle, points }) => ({ id: connectionId, name: `${nameOf(platform)} ${handle}`, points }));
  }
  return [{ id: "all", name: trends.accounts.length > 1 ? "All accounts" : "", points: trends.points }];
}

export function rowsOf(series: Series[]): Row[] {
  return (series[0]?.points ?? []).map((point, index) => {
    const points = series.map(({ points }) => points[index]);
    const values = points.map((point) => point?.value ?? null);
    return { at: point.at, values, states: points.map((point) => point?.state ?? "not_measured"), isEmpty: values.every((value) => value === null) };
  });
}

/** A number that stands alone has no line to either side; it is drawn as a dot. */
export function isAlone(rows: Row[], series: number, index: number): boolean {
  const there = (at: number) => rows[at]?.values[series] != null;
  return there(index) && !there(index - 1) && !there(index + 1);
}

/** A step's beginning in words, in the zone that its days begin in. */
export function stepText(at: string, zone: string, interval: string): string {
  const parts: Intl.DateTimeFormatOptions =
    interval === "month" ? { month: "short", year: "numeric" } : interval === "hour" ? { weekday: "short", hour: "2-digit", minute: "2-digit" } : { day: "numeric", month: "short" };
  return new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...parts }).format(new Date(at));
}

/** From where to where each series' bar reaches in a step: one upon the other, and what was lost below the line. */
export function stacksOf(rows: Row[]): ([number, number] | null)[][] {
  return rows.map(({ values }) => {
    let [above, below] = [0, 0];
    return values.map((value) => {
      if (value === null) return null;
      const from = value < 0 ? below : above;
      if (value < 0) below += value;
      else above += value;
      return [from, from + value];
    });
  });
}

/** A step as it is read out. */
export function valuesText(metric: Metric, series: Series[], row: Row | undefined, zone: string, interval: string): string {
  if (row === undefined) return "";
  const values = series.map(({ name }, index) => {
    const value = row.values[index];
    return `${name === "" ? "" : `${name} `}${value == null ? why(reasonOf(row.states[index])).short.toLowerCase() : shown(metric, value)}`;
  });
  return `${stepText(row.at, zone, interval)}: ${values.join(", ")}`;
}
