import { expect, test } from "vitest";

import { edgeOfDay } from "./time";

test("a day is meant whole, in the reader's zone", () => {
  expect(edgeOfDay("2026-11-05", false)).toBe(new Date(2026, 10, 5).toISOString());
  expect(edgeOfDay("2026-11-05", true)).toBe(new Date(2026, 10, 5, 23, 59, 59, 999).toISOString());
  expect([edgeOfDay(undefined, true), edgeOfDay("yesterday", true), edgeOfDay("2026-13-45", false)]).toEqual([undefined, undefined, undefined]);
});
