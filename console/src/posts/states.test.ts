import { expect, test } from "vitest";

import type { Post } from "../api/types";
import { badgeOf, canMove } from "./states";

const post = (status: string, ...deliveries: string[]) => ({ status, deliveries: deliveries.map((status) => ({ status })) }) as unknown as Post;

test("what waits for a person's decision is shown before everything else", () => {
  expect(badgeOf(post("queued", "published", "unconfirmed")).label).toBe("Unconfirmed");
  expect(badgeOf(post("failed", "missed", "failed")).label).toBe("Missed");
  expect(badgeOf(post("partial", "published", "failed")).label).toBe("Partly out");
  expect(badgeOf(post("archived", "missed")).label).toBe("Archived");
});

test("only what is not at work is moved", () => {
  expect(["draft", "scheduled", "queued", "published", "partial", "failed", "archived"].filter((status) => canMove(post(status)))).toEqual(["draft", "scheduled"]);
});
