import { useEffect, useState } from "react";

export const userZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** A zone as people read it: "Berlin (GMT+1)". */
export function zoneName(zone: string, at: Date = new Date()): string {
  const city = zone.split("/").at(-1)?.replaceAll("_", " ") ?? zone;
  const parts = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "shortOffset" }).formatToParts(at);
  const offset = parts.find((part) => part.type === "timeZoneName")?.value ?? "";
  return city === offset ? city : `${city} (${offset})`;
}

/** "Tue 3 Nov, 09:00", with the year where it is another one. */
export function dateTime(at: Date | string, zone: string = userZone()): string {
  const date = new Date(at);
  const year = (value: Date) => new Intl.DateTimeFormat("en", { timeZone: zone, year: "numeric" }).format(value);
  const isOther = year(date) !== year(new Date());
  return new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    ...(isOther ? { year: "numeric" as const } : {}),
  }).format(date);
}

/** The first or the last instant of a day such as 2026-11-05, in the reader's zone; nothing for what is no day. */
export function edgeOfDay(day: string | undefined, end: boolean): string | undefined {
  if (day === undefined || !/^\d{4}-\d{2}-\d{2}$/.test(day)) return undefined;
  const at = new Date(`${day}T${end ? "23:59:59.999" : "00:00:00"}`);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

export function clock(at: Date | string, zone: string = userZone()): string {
  return new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" }).format(new Date(at));
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** "3 minutes ago", "in 2 days". */
export function relative(at: Date | string, now: number): string {
  const seconds = (new Date(at).getTime() - now) / 1000;
  const size = Math.abs(seconds);
  if (size < 5) return "just now";
  const [unit, length] = UNITS.find(([, length]) => size >= length) ?? ["second", 1];
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(Math.round(seconds / length), unit);
}

/** The time, once in `every` milliseconds. */
export function useNow(every = 15_000): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), every);
    return () => window.clearInterval(timer);
  }, [every]);
  return now;
}

/** An instant in words, and in full for whoever asks. */
export function Ago({ at, now }: { at: string; now: number }) {
  return (
    <time dateTime={at} title={`${dateTime(at)}, ${zoneName(userZone(), new Date(at))}`}>
      {relative(at, now)}
    </time>
  );
}
