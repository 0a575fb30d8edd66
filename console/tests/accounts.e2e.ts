import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { consent, launch, login, openInTime, type Watched } from "./browser";
import { Stack } from "./stack";

let stack: Stack;
let browser: Browser;
let page: Page;
let watched: Watched;

beforeAll(async () => {
  stack = await Stack.start();
  browser = await launch();
  ({ page, watched } = await openInTime(browser, stack));
  await login(page, stack, "staff", "/talents/talent_demo");
});
afterAll(async () => {
  await browser.close();
  await stack.stop();
});

const card = (platform: string) => page.locator(`article[data-platform="${platform}"]`);

describe("accounts", () => {
  test("a talent without accounts is offered one clear thing to do", async () => {
    await page.getByText("No accounts yet").waitFor();
    expect(await page.getByRole("button", { name: "Add Your First Profile" }).count()).toBe(1);
  });

  test("a wrong handle is told by the platform's rule while it is typed", async () => {
    await page.getByRole("button", { name: "Add Your First Profile" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "YouTube" }).click();
    await page.getByLabel("Handle or profile address").fill("@harbor roasters!");
    await page.getByText(/^Invalid handle\. A YouTube handle is 3 to 30 letters/).waitFor();
    expect(await page.getByRole("button", { name: "Confirm & Connect" }).isDisabled()).toBe(true);
    await page.getByLabel("Handle or profile address").fill("https://www.instagram.com/harborroasters");
    await page.getByText(/^Invalid profileUrl/).waitFor();
  });

  test("a handle becomes READY with the platform's numbers, live", async () => {
    await page.getByLabel("Handle or profile address").fill("@HarborRoasters");
    await page.getByText("Will link HarborRoasters on YouTube.").waitFor();
    await page.getByRole("button", { name: "Confirm & Connect" }).click();
    await page.getByText("Connected (manual)").waitFor();
    await page.locator('article[data-platform="YOUTUBE"][data-state="READY"]').waitFor();
    const { body } = await stack.call<{ connections: { profile: { followerCount: number } }[] }>("GET", "/api/admin/talent/talent_demo/social-connections");
    const followers = body.connections[0]?.profile.followerCount ?? 0;
    expect(followers).toBeGreaterThan(0);
    expect(await card("YOUTUBE").getByTitle(followers.toLocaleString("en")).count()).toBe(1);
    expect(await card("YOUTUBE").getByText("Manual", { exact: true }).count()).toBe(1);
  });

  test("a consent at the platform's own page comes back with a message and an OAuth card", async () => {
    await consent(page, "Mastodon", "harbor@mastodon.social", "mastodon.social");
    await page.getByText("Connected. The first sync is under way.").waitFor();
    await page.locator('article[data-platform="MASTODON"][data-state="READY"]').waitFor();
    expect(await card("MASTODON").getByText("OAuth", { exact: true }).count()).toBe(1);
    expect(page.url()).not.toContain("connectionId");
  });

  test("who says no at the platform's page is told that nothing was connected", async () => {
    await page.getByRole("button", { name: "Connect Profile" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Instagram" }).click();
    await page.getByRole("button", { name: "Continue to Instagram" }).click();
    await page.getByRole("button", { name: "Deny" }).click();
    await page.getByText("Nothing was connected: access was not granted.").waitFor();
    expect(await card("INSTAGRAM").count()).toBe(0);
  });

  test("an account that Instagram does not show without consent says so and asks to be reconnected", async () => {
    await page.getByRole("button", { name: "Connect Profile" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Instagram" }).click();
    await page.getByLabel("Handle or profile address").fill("harborroasters");
    await page.getByRole("button", { name: "Confirm & Connect" }).click();
    await page.locator('article[data-platform="INSTAGRAM"][data-state="ERROR"]').waitFor();
    await card("INSTAGRAM").getByText(/Connect via OAuth/).waitFor();
    await card("INSTAGRAM").getByRole("button", { name: /^Reconnect/ }).click();
    await page.getByRole("button", { name: "Continue to Instagram" }).click();
    await page.locator('input[name="account"]').fill("harborroasters");
    await page.getByRole("button", { name: "Allow" }).click();
    await page.locator('article[data-platform="INSTAGRAM"][data-state="READY"]').waitFor();
  });

  test("an account that took its consent back is told so, and reconnected", async () => {
    await stack.world("POST", "/accounts/MASTODON/harbor@mastodon.social/revoke-tokens");
    await card("MASTODON").getByRole("button", { name: /^Refresh/ }).click();
    await page.getByText("Sync triggered. Refreshing data...").waitFor();
    await page.locator('article[data-platform="MASTODON"][data-state="ERROR"]').waitFor();
    await card("MASTODON").getByText(/Token expired\. Reconnect via OAuth\./).waitFor();
    await card("MASTODON").getByRole("button", { name: /^Reconnect/ }).click();
    await page.getByRole("button", { name: "Continue to Mastodon" }).click();
    await page.locator('input[name="account"]').fill("harbor@mastodon.social");
    await page.getByRole("button", { name: "Allow" }).click();
    await page.locator('article[data-platform="MASTODON"][data-state="READY"]').waitFor();
    expect(await card("MASTODON").count()).toBe(1);
  });

  test("disconnecting keeps the card, and says so", async () => {
    await card("MASTODON").getByRole("button", { name: /^Disconnect/ }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Disconnect", exact: true }).click();
    await page.locator('article[data-platform="MASTODON"][data-state="DISCONNECTED"]').waitFor();
  });

  test("deleting says what goes, and it goes", async () => {
    await card("YOUTUBE").getByRole("button", { name: /^Delete/ }).click();
    await page.getByText("The connection, its profile, its figures and everything read from it are deleted.").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByText("Social connection removed").waitFor();
    await card("YOUTUBE").waitFor({ state: "detached" });
  });

  test("what did not change costs a 304, and a hidden tab asks for nothing", async () => {
    const reads = (url: string) => url.endsWith("/social-connections");
    const asked: string[] = [];
    page.on("request", (request) => void (reads(request.url()) && asked.push(request.url())));
    const [answer] = await Promise.all([page.waitForResponse((response) => reads(response.url())), page.clock.fastForward(11_000)]);
    expect(answer.status()).toBe(304);
    await page.evaluate(() => {
      Object.defineProperty(document, "visibilityState", { configurable: true, get: () => "hidden" });
      document.dispatchEvent(new Event("visibilitychange"));
    });
    asked.length = 0;
    await page.clock.fastForward(11_000);
    // What the page had asked for before this request would be seen by now.
    await page.evaluate(() => fetch("/health"));
    expect(asked).toEqual([]);
    await page.evaluate(() => {
      Reflect.deleteProperty(document, "visibilityState");
      document.dispatchEvent(new Event("visibilitychange"));
    });
    await Promise.all([page.waitForResponse((response) => reads(response.url())), page.clock.fastForward(11_000)]);
  });

  test("a handle passes here exactly if the API takes it", async () => {
    const { body } = await stack.call<{ platforms: { platform: string; handleRule: { pattern: string } }[] }>("GET", "/api/capabilities");
    const good: Record<string, string[]> = {
      INSTAGRAM: ["a", "harbor.roasters_1"], TIKTOK: ["ab", "tea.tree_1"], YOUTUBE: ["abc", "zoë-1"], TWITTER: ["a", "tea_tree"], LINKEDIN: ["ann-lee-42", "12345"],
      TELEGRAM: ["harbor", "a1_b"], BLUESKY: ["a.bsky.social", "did:plc:abcdefghijklmnopqrstuvwx"], MASTODON: ["a@b.social", "ann_1@mastodon.social"],
    };
    const bad: Record<string, string[]> = {
      INSTAGRAM: ["a b", "x".repeat(31)], TIKTOK: ["a", "ab."], YOUTUBE: ["ab", "a b c"], TWITTER: ["x".repeat(16), "a-b"], LINKEDIN: ["ab", "a b c"],
      TELEGRAM: ["abc", "1abc"], BLUESKY: ["nodots", "did:plc:short"], MASTODON: ["ann", "ann@"],
    };
    for (const { platform, handleRule } of body.platforms) {
      const passes = (handle: string) => new RegExp(`^(?:${handleRule.pattern})$`, "iu").test(handle);
      for (const [handles, expected] of [[good[platform] ?? [], true], [bad[platform] ?? [], false]] as const) {
        expect(handles.length).toBeGreaterThan(1);
        for (const handle of handles) {
          const { status } = await stack.call("POST", "/api/admin/socials/connect-manual", { talentId: "talent_demo", platform, handle });
          expect([platform, handle, passes(handle)]).toEqual([platform, handle, expected]);
          expect([platform, handle, status]).toEqual([platform, handle, expected ? 201 : 400]);
        }
      }
    }
  });

  test("no page complained", () => expect(watched.complaints).toEqual([]));
});
