import { parseDateTime, toZoned } from "@internationalized/date";

/** The instant of a wall-clock time in a zone; of an hour that comes twice the first. `null` where there is none. */
export function instantOf(at: string, zone: string): Date | null {
  if (at === "") return null;
  try {
    return toZoned(parseDateTime(at), zone, "earlier").toDate();
  } catch {
    return null;
  }
}
