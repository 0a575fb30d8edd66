import { parseDate } from "@internationalized/date";
import { expect, test } from "vitest";

import { daysOf, movedTo, step, titleOf } from "./dates";

test("a month is shown in whole weeks that begin on Monday", () => {
  const days = daysOf("month", parseDate("2026-11-15"));
  expect([days[0]?.toString(), days.at(-1)?.toString(), days.length]).toEqual(["2026-10-26", "2026-12-06", 42]);
  expect(daysOf("week", parseDate("2026-11-15")).map(String)[0]).toBe("2026-11-09");
});

test("a post keeps its time of day when it is moved across a change of the clocks", () => {
  expect(movedTo("2026-10-24T07:00:00Z", parseDate("2026-10-26"), "Europe/Berlin").toISOString()).toBe("2026-10-26T08:00:00.000Z");
  expect(movedTo("2026-10-24T07:30:00Z", parseDate("2026-10-24"), "Europe/Berlin", 18).toISOString()).toBe("2026-10-24T16:00:00.000Z");
});

test("one goes on by what is shown", () => {
  expect(step("month", parseDate("2026-01-31"), 1).toString()).toBe("2026-02-28");
  expect(titleOf("week", parseDate("2026-11-05"), "UTC")).toBe("2 – 8 Nov 2026");
});
