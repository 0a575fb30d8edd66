import { expect, test } from "vitest";

import type { Capability } from "../api/types";
import { checkHandle } from "./handle";

const instagram = {
  platform: "INSTAGRAM",
  name: "Instagram",
  handle: "1 to 30 letters, digits, dots or underscores",
  handleRule: { pattern: "[a-z0-9._]{1,30}", hosts: ["instagram.com"], pathPrefixes: [""], federated: false },
} as unknown as Capability;
const mastodon = {
  platform: "MASTODON",
  name: "Mastodon",
  handle: "user@host",
  handleRule: { pattern: "[a-z0-9_]+@[a-z0-9.-]+", hosts: [], pathPrefixes: ["@", "users/"], federated: true },
} as unknown as Capability;

test("a handle is sent without its @ and whatever its case", () => {
  expect(checkHandle(instagram, " @Harbor.Roasters ")).toEqual({ value: { handle: "Harbor.Roasters" }, problem: null, reads: "Harbor.Roasters" });
});

test("an address of the platform is sent as it is, and says whom it names", () => {
  expect(checkHandle(instagram, "https://www.instagram.com/harbor/?hl=de").reads).toBe("harbor");
  expect(checkHandle(instagram, "instagram.com/harbor").value).toEqual({ profileUrl: "https://instagram.com/harbor" });
  expect(checkHandle(mastodon, "https://any.social/@ann").reads).toBe("ann");
});

test("what cannot be an account is told in the API's own words", () => {
  expect(checkHandle(instagram, "a b").problem).toBe("Invalid handle. A Instagram handle is 1 to 30 letters, digits, dots or underscores.");
  expect(checkHandle(instagram, "https://tiktok.com/@a").problem).toBe("Invalid profileUrl. It must be the address of a Instagram profile.");
  expect(checkHandle(instagram, "https://instagram.com/").value).toBeNull();
  expect(checkHandle(mastodon, "ann").value).toBeNull();
});

test("nothing typed is nothing wrong", () => {
  expect(checkHandle(instagram, "  ")).toEqual({ value: null, problem: null, reads: null });
});
