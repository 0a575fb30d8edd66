import { describe, expect, test } from "vitest";

import type { Benchmark, Foreseen, Point, Publication, Trends } from "../../api/types";
import { spaced } from "../../ui/chart/Axes";
import { change, isComparable } from "./change";
import { rowsOf as benchmarkRows } from "./Compare";
import { isAlone, rowsOf, seriesOf, stacksOf, valuesText } from "./steps";
import { aheadOf, lacking, worth } from "./foresee";
import { dayIn, intervalsOf, rangeOf } from "./range";
import { sorted } from "./sort";
import { adviceOf, strengthOf } from "./times";
import { reasonOf, why } from "./words";

const point = (day: number, value: number | null, state = value === null ? "not_measured" : "number"): Point => ({ at: `2026-11-0${day}T00:00:00Z`, value, state });

describe("the time before", () => {
  test("is as long as the time itself, and they touch, over a change of the clocks too", () => {
    expect(rangeOf(7, "2026-11-10")).toEqual({ range: { from: "2026-11-04", to: "2026-11-10" }, before: { from: "2026-10-28", to: "2026-11-03" } });
    expect(rangeOf(365, "2026-11-10").before.from).toBe("2024-11-11");
  });

  test("is counted in the zone of the figures, not of the reader", () => {
    const late = Date.parse("2026-11-10T22:30:00Z");
    expect([dayIn("UTC", late), dayIn("Asia/Tokyo", late), dayIn("America/New_York", late)]).toEqual(["2026-11-10", "2026-11-11", "2026-11-10"]);
  });

  test("is compared with where there is a number in both", () => {
    expect(change("followers", 110, 100)).toEqual({ text: "+10.0%", direction: "up" });
    expect(change("views", 50, 200)).toEqual({ text: "−75.0%", direction: "down" });
    expect(change("views", 200, 200)).toEqual({ text: "±0.0%", direction: "same" });
    expect(change("engagementRate", 4.5, 5)).toEqual({ text: "−0.50 points", direction: "down" });
    expect([change("views", null, 10), change("views", 10, null), change("views", 10, 0)]).toEqual([null, null, null]);
  });

  test("is compared with only where the same accounts were measured in all of it", () => {
    const before = { from: "2026-10-01", to: "2026-10-30" };
    const since = (createdAt: string) => [{ createdAt: "2026-01-01T00:00:00Z" }, { createdAt }];
    const is = (metric: "followers" | "views", createdAt: string) => isComparable(metric, since(createdAt), before, "UTC");
    expect([is("views", "2026-09-30T10:00:00Z"), is("views", "2026-10-01T10:00:00Z")]).toEqual([true, false]);
    expect([is("followers", "2026-10-30T10:00:00Z"), is("followers", "2026-10-31T10:00:00Z")]).toEqual([true, false]);
  });
});

test("not offered, not yet, not measured and zero are four things", () => {
  expect([why("not_offered").short, why("pending").short, why("not_measured").short]).toEqual(["Not offered", "Not yet", "Not measured"]);
  expect(why("not_offered", true).short).toBe("No sum");
  expect([reasonOf(undefined), reasonOf("not_offered"), reasonOf("something else")]).toEqual(["pending", "not_offered", "pending"]);
});

test("posts without a figure stand last, whichever way they are sorted", () => {
  const posts = [{ id: "a", views: null }, { id: "b", views: 0 }, { id: "c", views: 5 }] as unknown as Publication[];
  expect(sorted(posts, "views", true).map(({ id }) => id)).toEqual(["c", "b", "a"]);
  expect(sorted(posts, "views", false).map(({ id }) => id)).toEqual(["b", "c", "a"]);
});

describe("the chart", () => {
  const trends = (points: Point[], ...accounts: Point[][]): Trends =>
    ({ points, accounts: accounts.map((points, n) => ({ connectionId: `c${n}`, platform: n === 0 ? "TWITTER" : "MASTODON", handle: `h${n}`, points })) }) as unknown as Trends;

  test("shows the sum, or each account, or each that has the figure where there is no sum", () => {
    const [some, none] = [[point(1, 4)], [point(1, null, "not_offered")]];
    expect(seriesOf(trends(some, some, some), false).map(({ id }) => id)).toEqual(["all"]);
    expect(seriesOf(trends(some, some, some), true).map(({ name }) => name)).toEqual(["X h0", "Mastodon h1"]);
    expect(seriesOf(trends(none, some, none), false).map(({ name }) => name)).toEqual(["X h0"]);
    expect(seriesOf(trends(none, none, none), false).map(({ id }) => id)).toEqual(["all"]);
  });

  test("keeps a zero apart from nothing", () => {
    const rows = rowsOf([{ id: "all", name: "", points: [point(1, 0), point(2, null), point(3, 7)] }]);
    expect(rows.map(({ isEmpty }) => isEmpty)).toEqual([false, true, false]);
    expect([0, 1, 2].map((index) => isAlone(rows, 0, index))).toEqual([true, false, true]);
  });

  test("stacks what was added, and what was lost below the line", () => {
    const rows = rowsOf([{ id: "a", name: "A", points: [point(1, 3), point(2, -2)] }, { id: "b", name: "B", points: [point(1, 4), point(2, null)] }]);
    expect(stacksOf(rows)).toEqual([[[0, 3], [3, 7]], [[0, -2], null]]);
    expect(valuesText("views", [{ id: "a", name: "A", points: [] }, { id: "b", name: "B", points: [] }], rows[1], "UTC", "day")).toBe("2 Nov: A -2, B not measured");
  });

  test("has as many words at its foot as there is room for", () => {
    const marks = Array.from({ length: 30 }, (_, n) => ({ x: 50 + n * 10, text: "12 Nov" }));
    const shown = spaced(marks, 360);
    expect(shown.length).toBeGreaterThan(3);
    expect(shown.every(({ x }, n) => n === 0 || x - (shown[n - 1]?.x ?? 0) >= 6 * 6.6 + 20)).toBe(true);
  });

  test("goes by the hour in a week alone", () => {
    expect([intervalsOf(7)[0]?.[0], intervalsOf(30)[0]?.[0]]).toEqual(["hour", "day"]);
  });
});

describe("a forecast", () => {
  const ahead = { days: 30, at: "2026-12-05T00:00:00Z", value: 120, low: 90, high: 150, method: "ets", beatsNaive: true, modelError: 8.4, naiveError: 31, tried: 9 };
  const figure = (part: Partial<Foreseen>): Foreseen => ({ now: 100, daysOfHistory: 95, daysNeeded: 90, reason: null, forecasts: [ahead], ...part });

  test("says what it is worth, and when nothing is better than nothing changes", () => {
    expect(worth(ahead)).toBe("Off by 8 on average, tried on 9 earlier days; “nothing changes” by 31.");
    expect(worth({ ...ahead, method: "naive", beatsNaive: false, modelError: 40 })).toBe("“Nothing changes”: no model did better, tried on 9 earlier days (off by 31, the model by 40).");
  });

  test("that is not there says why", () => {
    expect(lacking(figure({ forecasts: [], reason: "too_little_history", daysOfHistory: 12 }))).toBe("12 of 90 days of history are there.");
    expect(lacking(figure({ forecasts: [], reason: "not_offered" }))).toBe("The platform does not offer this figure.");
  });

  test("begins at the present, where its interval has no width", () => {
    const now = Date.parse("2026-11-05T00:00:00Z");
    const points = aheadOf([point(3, 98), point(4, null), point(6, 999)], figure({}), now);
    expect(points.map(({ value, forecast, interval }) => [value, forecast, interval])).toEqual([[98, null, null], [100, 100, [100, 100]], [null, 120, [90, 150]]]);
  });
});

describe("best times", () => {
  const cell = (weekday: number, hour: number, score: number) => ({ weekday, hour, score, mean: score, posts: 3 });
  const times = { average: 4, metric: "engagementRate", minimumPosts: 20, minimumPostsPerTime: 3, timezone: "UTC", posts: 40, sufficient: true, best: [cell(2, 9, 6)], cells: [cell(2, 9, 6), cell(3, 9, 4)] };

  test("are recommended from enough posts only", () => {
    expect(adviceOf(times)).toBe("Best so far: Tue 09:00. From 40 posts of the last year.");
    expect(adviceOf({ ...times, sufficient: false, best: [], posts: 1 })).toBe("1 post of the last year is too few to recommend a time; it takes 20.");
    expect(adviceOf({ ...times, best: [] })).toMatch(/^No hour stands out/);
  });

  test("are coloured between the weakest and the best", () => {
    expect(times.cells.map(strengthOf(times.cells))).toEqual([1, 0.2]);
    expect(strengthOf([cell(1, 1, 5)])(cell(1, 1, 5))).toBe(0.6);
  });
});

test("accounts stand side by side by platform, the largest first, and unknown ones last", () => {
  const row = (id: string, platform: string, followers: number | null) => ({ id, platform, followers }) as Benchmark;
  const rows = benchmarkRows({ own: [row("a", "TWITTER", 10), row("b", "MASTODON", 5)], competitors: [row("c", "MASTODON", 50), row("d", "MASTODON", null)] });
  expect(rows.map(({ id, own }) => [id, own])).toEqual([["c", false], ["b", true], ["d", false], ["a", true]]);
});
