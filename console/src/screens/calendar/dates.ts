import { CalendarDate, endOfMonth, fromDate, getDayOfWeek, isSameDay, parseDate, startOfMonth, startOfWeek, toCalendarDate, toCalendarDateTime, today, toZoned } from "@internationalized/date";

export type View = "month" | "week" | "day" | "list";

/** Weeks begin on Monday here; the heads of the columns say so. */
const LOCALE = "en-GB";

export function dayOf(text: string | undefined, zone: string): CalendarDate {
  try {
    return text === undefined ? today(zone) : parseDate(text);
  } catch {
    return today(zone);
  }
}

/** The days that a view shows. */
export function daysOf(view: View, day: CalendarDate): CalendarDate[] {
  if (view === "day") return [day];
  const first = view === "week" ? startOfWeek(day, LOCALE) : startOfWeek(startOfMonth(day), LOCALE);
  const last = view === "week" ? first.add({ days: 6 }) : endOfMonth(day);
  const days: CalendarDate[] = [];
  for (let at = first; at.compare(last) <= 0 || days.length % 7 !== 0; at = at.add({ days: 1 })) days.push(at);
  return days;
}

export function step(view: View, day: CalendarDate, by: 1 | -1): CalendarDate {
  if (view === "day") return day.add({ days: by });
  return view === "week" ? day.add({ weeks: by }) : day.add({ months: by });
}

/** The day on which an instant falls for someone in `zone`. */
export const localDay = (instant: string, zone: string): CalendarDate => toCalendarDate(fromDate(new Date(instant), zone));

/** The same wall-clock time on another day, or at another hour of it. */
export function movedTo(instant: string, day: CalendarDate, zone: string, hour?: number): Date {
  const time = toCalendarDateTime(fromDate(new Date(instant), zone)).set({ year: day.year, month: day.month, day: day.day });
  return toZoned(hour === undefined ? time : time.set({ hour, minute: 0 }), zone, "compatible").toDate();
}

export function titleOf(view: View, day: CalendarDate, zone: string): string {
  const format = (date: CalendarDate, options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(LOCALE, { ...options, timeZone: zone }).format(date.toDate(zone));
  if (view === "day") return format(day, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
  if (view === "week") {
    const first = startOfWeek(day, LOCALE);
    const last = first.add({ days: 6 });
    return `${format(first, { day: "numeric", month: first.month === last.month ? undefined : "short" })} – ${format(last, { day: "numeric", month: "short", year: "numeric" })}`;
  }
  return format(day, { month: "long", year: "numeric" });
}

export const weekdays = (zone: string): string[] => {
  const first = startOfWeek(today(zone), LOCALE);
  return [0, 1, 2, 3, 4, 5, 6].map((n) => new Intl.DateTimeFormat(LOCALE, { weekday: "short", timeZone: zone }).format(first.add({ days: n }).toDate(zone)));
};

export const longDay = (day: CalendarDate, zone: string): string =>
  new Intl.DateTimeFormat(LOCALE, { weekday: "long", day: "numeric", month: "long", timeZone: zone }).format(day.toDate(zone));

export const isWeekend = (day: CalendarDate): boolean => getDayOfWeek(day, LOCALE) > 4;
export { isSameDay, today };
