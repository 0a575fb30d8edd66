import { readFileSync } from "node:fs";

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { inOrder, launch, login, openInTime, type Watched } from "./browser";
import { Stack } from "./stack";

let stack: Stack;
let browser: Browser;
let page: Page;
let watched: Watched;

const HOUR = 3_600;
const DAY = 24 * HOUR;
/** Accounts whose figures grow. */
const ACCOUNTS = [
  ["INSTAGRAM", "growing.harbor"],
  ["YOUTUBE", "growingharbor"],
  ["MASTODON", "growing@mastodon.social"],
] as const;
const TEXTS = ["Fresh beans today #coffee", "How we dial in", "Cupping on Thursday, twelve seats", "New from Huila, roasted this morning #coffee"];

interface Handed {
  accessToken: string;
  refreshToken?: string | null;
  expiresIn?: number | null;
}

/** An account whose owner consented elsewhere. */
async function handOver(platform: string, handle: string): Promise<void> {
  const { accessToken, refreshToken, expiresIn } = await stack.world<Handed>("POST", `/accounts/${platform}/${handle}/issue-token`, {});
  const expiresAt = expiresIn == null ? null : new Date(Date.now() + expiresIn * 1000).toISOString();
  const body = { talentId: "talent_demo", platform, handle, accessToken, ...(refreshToken == null ? {} : { refreshToken }), ...(expiresAt === null ? {} : { expiresAt }) };
  expect((await stack.call("POST", "/api/socials/oauth/callback", body)).status).toBe(201);
}

/** Looks that are due are taken. */
async function sweep(): Promise<void> {
  await stack.control("POST", "/schedules/schedules.analytics_sweep");
  await stack.idle(["sweep"]);
}

/** Time goes by, with the syncs and looks that are due in it. */
async function pass(seconds: number): Promise<void> {
  await stack.pass(seconds, ["schedules.ring_due"], ["refresh", "ingest"]);
  await sweep();
}

const posts = () => page.getByRole("region", { name: "Table of posts" });
const settled = async (on: Page = page) => {
  await on.getByRole("region", { name: "Table of posts" }).locator("tbody tr").first().waitFor();
  await on.getByRole("region", { name: "Accounts side by side" }).locator("tbody tr").first().waitFor();
  await on.locator("main [role=\"slider\"] svg").first().waitFor();
  await on.locator("main .skeleton").first().waitFor({ state: "detached" });
};
async function opened(path: string, who: "staff" | "talent" = "staff"): Promise<{ page: Page; watched: Watched }> {
  const fresh = await openInTime(browser, stack);
  await login(fresh.page, stack, who, path);
  return fresh;
}

beforeAll(async () => {
  stack = await Stack.start();
  for (const [platform, handle] of ACCOUNTS) await handOver(platform, handle);
  await stack.idle(["ingest"]);
  await pass(60);
  // A forecast takes ninety days of history. Long strides first, then day by day; something is posted in between.
  const strides = [...Array.from({ length: 6 }, () => 14 * DAY), ...Array.from({ length: 10 }, () => DAY)];
  for (const [n, stride] of strides.entries()) {
    const at = n % ACCOUNTS.length;
    const [platform, handle] = ACCOUNTS[at] ?? ACCOUNTS[0];
    await stack.world("POST", `/accounts/${platform}/${handle}/posts`, { text: `${TEXTS[n % TEXTS.length]} · ${n}`, ageSeconds: 60 });
    // A look that comes before the day's sync leaves the account's own figures to the next one, so there is a short step after each.
    await pass(stride - 80 * 60);
    await pass(80 * 60);
  }
  browser = await launch();
  ({ page, watched } = await opened("/analytics?talent=talent_demo"));
  await settled();
}, 180_000);
afterAll(async () => {
  await browser.close();
  await stack.stop();
});

describe("analytics", () => {
  test("key figures are the API's own, against the time before", async () => {
    await page.getByLabel("Accounts", { exact: true }).selectOption({ label: "Instagram growing.harbor" });
    const id = new URL(page.url()).searchParams.get("account");
    const { body } = await stack.call<{ data: { totals: { followers: number } } }>("GET", `/api/admin/talent/talent_demo/analytics?connectionId=${id}`);
    const tile = page.getByRole("button", { name: /^Followers/ });
    await tile.getByTitle(body.data.totals.followers.toLocaleString("en"), { exact: true }).waitFor();
    await tile.getByText(/^\+\d+\.\d% against the time before$/).waitFor();
  });

  test("what a platform does not offer is not zero, and a sum without a part is none", async () => {
    await page.getByLabel("Accounts", { exact: true }).selectOption({ label: "Mastodon growing@mastodon.social" });
    await page.getByRole("button", { name: /^Views\s*Not offered/ }).waitFor();
    await page.getByLabel("Accounts", { exact: true }).selectOption("");
    await page.getByRole("button", { name: /^Impressions\s*No sum/ }).waitFor();
  });

  test("a figure is drawn for each account, and told step by step and as a table", async () => {
    await page.getByRole("group", { name: "Figure in the chart" }).getByRole("button", { name: /^Views/ }).click();
    await page.getByRole("button", { name: "Each account" }).click();
    await page.getByText("No figure, which is not zero").waitFor();
    expect(new URL(page.url()).searchParams.get("metric")).toBe("views");
    const slider = page.getByRole("slider", { name: "Views over time" });
    await slider.focus();
    const last = await slider.getAttribute("aria-valuetext");
    expect(last).toMatch(/^\d+ \w+: Instagram growing\.harbor [\d.,K]+, YouTube growingharbor [\d.,K]+$/);
    await page.keyboard.press("ArrowLeft");
    expect(await slider.getAttribute("aria-valuetext")).not.toBe(last);
    await page.keyboard.press("Home");
    expect(await slider.getAttribute("aria-valuetext")).toContain("not measured");
    await page.getByText("As a table").click();
    const table = page.getByRole("region", { name: "Views, as a table" });
    expect(await table.locator("thead th").allTextContents()).toEqual(["From", "Instagram growing.harbor", "YouTube growingharbor"]);
    expect(await table.locator("tbody tr").count()).toBe(30);
  });

  test("posts are sorted by a figure, and one is opened with the keyboard", async () => {
    await posts().getByRole("button", { name: "Likes", exact: true }).click();
    const { body } = await stack.call<{ publications: { likes: number | null }[] }>("GET", "/api/admin/talent/talent_demo/analytics/posts?limit=200");
    const most = Math.max(...body.publications.map(({ likes }) => likes ?? 0));
    expect(await posts().locator('th[aria-sort="descending"]').textContent()).toBe("Likes");
    await posts().locator("tbody tr").first().getByRole("button").focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").getByText(most.toLocaleString("en"), { exact: true }).first().waitFor();
    await page.getByRole("dialog").getByText(/As of/).waitFor();
    await inOrder(page, "analytics-post");
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  });

  test("a forecast has an interval and says what it is worth", async () => {
    const panel = page.getByRole("region", { name: "Where it is heading" });
    await panel.getByText(/[\d,.K]+ to [\d,.K]+, 80% likely/).first().waitFor();
    await panel.getByText(/Off by [\d,]+ on average|“Nothing changes”: no model did better/).first().waitFor();
    await panel.getByLabel("Figure").selectOption("views");
    await panel.getByText(/No forecast: \d+ of 90 days of history are there\./).first().waitFor();
  });

  test("the report is exported as it is shown", async () => {
    const file = async (name: string) => {
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: `Export ${name}` }).click()]);
      expect(download.suggestedFilename()).toMatch(new RegExp(`^herald-talent_demo-\\d{4}-\\d\\d-\\d\\d-to-\\d{4}-\\d\\d-\\d\\d\\.${name.toLowerCase()}$`));
      return readFileSync(await download.path());
    };
    expect((await file("CSV")).toString("utf8").trim().split("\n").length).toBeGreaterThan(5);
    expect((await file("PDF")).subarray(0, 5).toString("latin1")).toBe("%PDF-");
  });

  test("an account is compared with, looked at, and no longer", async () => {
    const panel = page.getByRole("region", { name: "Compare" });
    await panel.getByRole("button", { name: "Compare with an account" }).click();
    const dialog = page.getByRole("dialog");
    expect(await dialog.getByLabel("Platform").locator("option").allTextContents()).not.toContain("Instagram");
    await dialog.getByLabel("Platform").selectOption("MASTODON");
    await dialog.getByLabel("Handle or profile address").fill("not a handle");
    await dialog.getByText(/^Invalid handle/).waitFor();
    await dialog.getByLabel("Handle or profile address").fill("teatree@mastodon.social");
    await dialog.getByRole("button", { name: "Compare", exact: true }).click();
    const row = panel.locator('tr[data-competitor="teatree@mastodon.social"]');
    await row.getByText("Not yet").first().waitFor();
    await sweep();
    await page.reload();
    await settled();
    await row.getByText(/ago|now/).waitFor();
    await inOrder(page, "analytics");
    await row.getByRole("button", { name: /^Stop comparing with teatree/ }).click();
    await dialog.getByRole("button", { name: "Stop comparing" }).click();
    await row.waitFor({ state: "detached" });
  });

  test("a talent sees its own, and what has no account yet says so", async () => {
    const own = await opened("/analytics", "talent");
    await settled(own.page);
    expect(await own.page.getByLabel("Talent", { exact: true }).count()).toBe(0);
    await own.page.getByRole("button", { name: "Each account" }).click();
    await own.page.getByText("As a table").click();
    await own.page.getByRole("columnheader", { name: "YouTube growingharbor" }).waitFor();
    await own.page.context().close();
    await stack.call("PUT", "/api/admin/talents/bo_tanaka", { name: "Bo Tanaka" });
    await page.goto(`${stack.origin}/console/analytics?talent=bo_tanaka`);
    await page.getByRole("heading", { name: "No accounts yet" }).waitFor();
    await inOrder(page, "analytics-empty");
  });

  test("no page complained", () => expect(watched.complaints).toEqual([]));
});
