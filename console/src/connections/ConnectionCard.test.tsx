import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";

import type { Capability, Connection } from "../api/types";
import { ConnectionCard } from "./ConnectionCard";
import type { Action } from "./state";

const NOW = Date.parse("2026-11-05T09:00:00Z");
const ALL = new Set<Action>(["view", "refresh", "retry", "reconnect", "resume", "pause", "disconnect", "remove"]);

const connection = (part: Partial<Connection> = {}): Connection => ({
  id: "conn_1",
  talentId: "t",
  platform: "TIKTOK",
  handle: "teatree",
  profileUrl: "https://www.tiktok.com/@teatree",
  connected: true,
  paused: false,
  connectionType: "OAUTH",
  syncStatus: "READY",
  syncError: null,
  syncErrorCode: null,
  nextRetryAt: null,
  lastSyncedAt: "2026-11-05T08:57:00Z",
  createdAt: "2026-11-01T00:00:00Z",
  updatedAt: "2026-11-05T08:57:00Z",
  tokenExpiresAt: null,
  scopes: [],
  missingScopes: [],
  platformAccountId: "1",
  accountType: null,
  profile: {
    displayName: "Tea Tree",
    bio: null,
    profileImageUrl: null,
    followerCount: 0,
    followingCount: null,
    postCount: null,
    averageViews: null,
    averageEngagement: null,
    engagementRate: null,
    isVerified: true,
    externalId: "1",
    unavailable: { postCount: "not_offered", engagementRate: "pending" },
  },
  ...part,
});
const capability = { name: "TikTok", connect: { oauth: true, appPassword: false }, token: { renewal: "none" } } as unknown as Capability;

const show = (part: Partial<Connection> = {}, allowed: ReadonlySet<Action> = ALL) => {
  const onAction = vi.fn();
  render(<ConnectionCard connection={connection(part)} capability={capability} now={NOW} busy={null} allowed={allowed} onAction={onAction} />);
  return onAction;
};

test("zero, not offered and not yet look different", () => {
  show();
  expect(screen.getByText("0")).toBeInTheDocument();
  expect(screen.getByText("Not offered")).toBeInTheDocument();
  expect(screen.getByText("Not yet")).toBeInTheDocument();
});

test("a ready account says when it was read, and can be read again", async () => {
  const onAction = show();
  expect(screen.getByText("READY")).toBeInTheDocument();
  expect(screen.getByText("3 minutes ago")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Refresh TikTok teatree" }));
  expect(onAction).toHaveBeenCalledWith("refresh");
});

test("while it is read its actions are off", () => {
  show({ syncStatus: "SYNCING" });
  expect(screen.getByText("SYNCING")).toBeInTheDocument();
  expect(screen.getByRole("button", { name: /^Refresh/ })).toBeDisabled();
  expect(screen.getByRole("button", { name: /^Disconnect/ })).toBeDisabled();
});

test("an error says why and when it is tried again, and offers the retry", async () => {
  const onAction = show({ syncStatus: "ERROR", syncError: "API rate limit. Retrying...", syncErrorCode: "rate_limited", nextRetryAt: "2026-11-05T09:10:00Z" });
  expect(screen.getByText(/API rate limit\. Retrying\.\.\. Next try in 10 minutes\./)).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: /^Retry/ }));
  expect(onAction).toHaveBeenCalledWith("retry");
});

test("a spent token offers to reconnect, and nothing that would not help", () => {
  show({ syncStatus: "ERROR", syncError: "Token expired. Reconnect via OAuth.", syncErrorCode: "token_expired" });
  expect(screen.getByRole("button", { name: /^Reconnect/ })).toBeEnabled();
  expect(screen.queryByRole("button", { name: /^Retry/ })).toBeNull();
});

test("a token that soon dies and rights that are missing are told", () => {
  show({ tokenExpiresAt: "2026-11-07T09:00:00Z", missingScopes: ["video.publish"] });
  expect(screen.getByText(/Expires in 2 days/)).toHaveClass("text-warn");
  expect(screen.getByText(/Not granted: video\.publish/)).toBeInTheDocument();
});

test("what someone may not do is not there", () => {
  show({}, new Set<Action>(["refresh"]));
  expect(screen.queryByRole("button", { name: /^Delete/ })).toBeNull();
  expect(screen.queryByRole("button", { name: /^Pause/ })).toBeNull();
});
