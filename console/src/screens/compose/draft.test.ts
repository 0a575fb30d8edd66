import { expect, test } from "vitest";

import type { Post } from "../../api/types";
import { bodyOf, draftOf, emptyDraft, wallClock } from "./draft";
import { instantOf } from "./instant";

test("a wall-clock time is that of its own zone, on both sides of a change of the clocks", () => {
  expect(wallClock("2026-10-25T00:30:00Z", "Europe/Berlin")).toBe("2026-10-25T02:30");
  expect(wallClock("2026-10-25T01:30:00Z", "Europe/Berlin")).toBe("2026-10-25T02:30");
  expect(instantOf("2026-10-25T02:30", "Europe/Berlin")?.toISOString()).toBe("2026-10-25T00:30:00.000Z");
  expect(instantOf("2026-07-01T09:00", "America/New_York")?.toISOString()).toBe("2026-07-01T13:00:00.000Z");
  expect(instantOf("soon", "UTC")).toBeNull();
});

test("texts and options of platforms that it does not go to stay behind", () => {
  const draft = { ...emptyDraft("t", "UTC"), overrides: { TWITTER: "short", TIKTOK: "other" }, options: { TIKTOK: { privacyLevel: "SELF_ONLY" }, TWITTER: {} }, at: "2026-11-05T09:00" };
  const body = bodyOf(draft, new Set(["TWITTER"]), true);
  expect(body.overrides).toEqual({ TWITTER: { content: "short" } });
  expect(body.options).toEqual({});
  expect([body.scheduledAt, body.timezone]).toEqual(["2026-11-05T09:00:00", "UTC"]);
  expect(bodyOf(draft, new Set(), false).scheduledAt).toBeUndefined();
});

test("what differs on a platform goes out and comes back whole", () => {
  const overrides = { BLUESKY: { content: "Short", mediaUrls: ["https://a.example/1.jpg"] }, MASTODON: { content: null, mediaUrls: [] } };
  const post = { talentId: "t", connectionIds: ["c"], content: "Long", overrides, options: {}, mediaUrls: [], hashtags: ["x"], campaign: "c", lateAfterMinutes: 60 } as unknown as Post;
  const body = bodyOf(draftOf(post, "UTC"), new Set(["BLUESKY", "MASTODON"]), true);
  expect(body.overrides).toEqual({ BLUESKY: { content: "Short", mediaUrls: ["https://a.example/1.jpg"] }, MASTODON: { mediaUrls: [] } });
  expect([body.hashtags, body.campaign]).toEqual([["x"], "c"]);
});

test("a copy of a post has no time yet, the post itself has its own", () => {
  const post = { talentId: "t", connectionIds: ["c"], content: "Hi", overrides: {}, options: {}, mediaUrls: [], hashtags: [], campaign: null, scheduledAt: "2026-11-05T08:00:00Z", timezone: "Europe/Berlin", lateAfterMinutes: 60 } as unknown as Post;
  expect(draftOf(post, "UTC").at).toBe("2026-11-05T09:00");
  expect(draftOf(post, "UTC", true).at).toBe("");
});
