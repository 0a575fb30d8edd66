import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";

import type { Connection, Step } from "../../api/types";
import { Tiles } from "./Tiles";

const step = (figures: Partial<Step>, unavailable: Record<string, string> = {}): Step => ({ start: "2026-11-01T00:00:00Z", unavailable, ...figures });
const account = (createdAt: string) => ({ id: createdAt, createdAt }) as Connection;
const BEFORE = { from: "2026-10-01", to: "2026-10-30" };

function show(now: Step, earlier: Step, accounts: Connection[], onChoose = vi.fn()) {
  render(<Tiles now={now} earlier={earlier} accounts={accounts} before={BEFORE} zone="UTC" chosen="followers" onChoose={onChoose} />);
  return onChoose;
}
const tile = (name: string) => screen.getByRole("button", { name: new RegExp(`^${name}`) });

test("a zero is a number, and what is not there is a word", () => {
  show(step({ likes: 0, views: null, reach: null }, { views: "not_offered", reach: "pending" }), step({ likes: 4 }), [account("2026-01-01T00:00:00Z")]);
  expect(tile("Likes")).toHaveTextContent("Likes0−100.0% against the time before");
  expect(tile("Views")).toHaveTextContent(/^ViewsNot offered$/);
  expect(tile("Reach")).toHaveTextContent(/^ReachNot yet$/);
});

test("a sum that lacks a part says so", () => {
  show(step({}, { views: "not_offered" }), step({}), [account("2026-01-01T00:00:00Z"), account("2026-01-02T00:00:00Z")]);
  expect(tile("Views")).toHaveTextContent(/^ViewsNo sum$/);
});

test("nothing is compared with a time in which an account was not measured", () => {
  show(step({ views: 100 }), step({ views: 10 }), [account("2026-10-15T00:00:00Z")]);
  expect(tile("Views")).toHaveTextContent("Views100Nothing before to compare");
});

test("a tile chooses what is drawn", async () => {
  const onChoose = show(step({ likes: 1 }), step({}), []);
  expect(tile("Followers")).toHaveAttribute("aria-pressed", "true");
  await userEvent.click(tile("Likes"));
  expect(onChoose).toHaveBeenCalledWith("likes");
});
