const DAY = 86_400_000;

/** How long a new key lives. */
export const ENDS: [string, string][] = [
  ["30", "In 30 days"],
  ["90", "In 90 days"],
  ["365", "In a year"],
  ["date", "On a day"],
  ["never", "Never"],
];

/** When a key dies by itself: `null` for never, `undefined` while no day that can be is named. */
export function endOf(choice: string, day: string, now: number): string | null | undefined {
  if (choice === "never") return null;
  if (choice !== "date") return new Date(now + Number(choice) * DAY).toISOString();
  // The day is meant whole, in the zone of whoever names it.
  const end = new Date(`${day}T23:59:59`);
  return Number.isNaN(end.getTime()) || end.getTime() <= now ? undefined : end.toISOString();
}

/** A key that dies within a fortnight is worth a look. */
export const endsSoon = (expiresAt: string, now: number): boolean => new Date(expiresAt).getTime() - now < 14 * DAY;
