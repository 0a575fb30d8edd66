import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { consent, inOrder, launch, login, open, type Watched } from "./browser";
import { Stack } from "./stack";

/** The most compressed script of a first load, in bytes. */
const MOST_SCRIPT = 250_000;

let stack: Stack;
let browser: Browser;
let postId = "";

const HOUR = 3_600_000;
const soon = new Date(Date.now() + 300 * HOUR).toISOString();
const TEXTS = ["Fresh beans today. Come by before noon.", "New from Huila, roasted this morning #coffee", "How we dial in", "Weekend hours: 8 to 18", "We are hiring a roaster", "Cupping on Thursday, twelve seats"];

beforeAll(async () => {
  stack = await Stack.start();
  browser = await launch();
  const { page, context } = await open(browser);
  await login(page, stack, "staff", "/talents/talent_demo");
  await consent(page, "Mastodon", "harbor@mastodon.social", "mastodon.social");
  await consent(page, "X", "harbor_r");
  await consent(page, "TikTok", "harborroasters");
  await context.close();
  for (const [id, name] of [["ann_lowe", "Ann Löwe"], ["bo_tanaka", "Bo Tanaka"], ["cleo_marsh", "Cleo Marsh"]]) await stack.call("PUT", `/api/admin/talents/${id}`, { name });
  for (const handle of ["harborroasters", "teatree"]) await stack.call("POST", "/api/admin/socials/connect-manual", { talentId: "talent_demo", platform: handle === "teatree" ? "INSTAGRAM" : "YOUTUBE", handle });
  for (const [at, content] of TEXTS.entries()) {
    await stack.call("POST", "/api/social/posts", { talentId: "talent_demo", content, platforms: at % 2 === 0 ? ["MASTODON", "TWITTER"] : ["MASTODON"], scheduledAt: new Date(Date.now() + (at * 31 + 5) * HOUR).toISOString() });
  }
  await stack.call("POST", "/api/social/posts", { talentId: "talent_demo", content: "An idea for spring" });
  const { body } = await stack.call<{ id: string }>("POST", "/api/social/posts/publish", { talentId: "talent_demo", content: "We are open", platforms: ["MASTODON", "TWITTER"] });
  postId = body.id;
  await fetch(`${stack.origin}/local/schedules/schedules.count_states`, { method: "POST" });
});
afterAll(async () => {
  await browser.close();
  await stack.stop();
});

interface Screen {
  name: string;
  path: () => string;
  who?: "talent";
  ready: (page: Page) => Promise<unknown>;
}

const SCREENS: Screen[] = [
  { name: "talents", path: () => "/talents", ready: (page) => page.getByRole("link", { name: /Ann Löwe/ }).waitFor() },
  { name: "talent", path: () => "/talents/talent_demo", ready: (page) => page.locator("article[data-state]").first().waitFor() },
  { name: "talent-empty", path: () => "/talents/ann_lowe", ready: (page) => page.getByText("No accounts yet").waitFor() },
  {
    name: "connect",
    path: () => "/talents/ann_lowe",
    ready: async (page) => {
      await page.getByRole("button", { name: "Add Your First Profile" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Bluesky" }).click();
      await page.getByLabel("Handle or profile address").fill("not a handle");
      await page.getByText(/^Invalid handle/).waitFor();
    },
  },
  { name: "accounts", who: "talent", path: () => "/accounts", ready: (page) => page.locator("article[data-state]").first().waitFor() },
  ...(["month", "week", "day", "list"] as const).map((view) => ({
    name: `calendar-${view}`,
    path: () => `/calendar?view=${view}`,
    ready: (page: Page) => page.locator(view === "list" ? "main ul li" : "[data-day]").first().waitFor(),
  })),
  {
    name: "compose",
    path: () => "/compose?talent=talent_demo",
    ready: async (page) => {
      await page.getByRole("checkbox", { name: /^X / }).waitFor();
      await page.getByRole("button", { name: "All", exact: true }).click();
      await page.getByRole("textbox", { name: "Text", exact: true }).fill("Fresh beans today. Come by before noon, we kept some of the Huila for you. #coffee https://harborroasters.example");
      await page.getByText(/TikTok needs/).first().waitFor();
    },
  },
  {
    name: "compose-options",
    path: () => "/compose?talent=talent_demo",
    ready: async (page) => {
      await page.getByRole("checkbox", { name: /^X / }).waitFor();
      await page.getByRole("tab", { name: /^X/ }).click();
      await page.getByRole("button", { name: "Add a poll" }).click();
      await page.getByLabel("Choice 1").fill("Filter");
    },
  },
  { name: "post", path: () => `/posts/${postId}`, ready: (page) => page.locator('article[data-status="published"]').first().waitFor() },
  {
    name: "import",
    path: () => "/import",
    ready: async (page) => {
      await page.locator('input[type="file"]').setInputFiles({ name: "posts.csv", mimeType: "text/csv", buffer: Buffer.from(`talentId,content,platforms,scheduledAt\ntalent_demo,Good,MASTODON,${soon}\ntalent_demo,${"b ".repeat(150)},TWITTER,${soon}\n`) });
      await page.getByText("1 row is good, 1 to mend").waitFor({ timeout: 30_000 });
    },
  },
  { name: "operations", path: () => "/operations", ready: (page) => page.locator("table tbody tr").first().waitFor() },
  { name: "not-found", path: () => "/nowhere", ready: (page) => page.getByRole("heading", { name: "There is no such page" }).waitFor() },
];

describe("every screen", () => {
  let staff: { page: Page; watched: Watched };
  let talent: { page: Page; watched: Watched };
  beforeAll(async () => {
    staff = await open(browser);
    await login(staff.page, stack, "staff");
    talent = await open(browser);
    await login(talent.page, stack, "talent");
  });
  afterAll(async () => {
    await staff.page.context().close();
    await talent.page.context().close();
  });

  test.each(SCREENS)("$name: nothing serious by axe, nothing wider than the screen, no complaint", async ({ name, path, who, ready }) => {
    const { page, watched } = who === "talent" ? talent : staff;
    await page.goto(`${stack.origin}/console${path()}`);
    await page.locator("main h1").first().waitFor();
    await ready(page);
    await inOrder(page, name);
    expect(watched.complaints).toEqual([]);
  });
});

describe("what comes over the line", () => {
  test("the content policy begins with nothing allowed", async () => {
    const response = await fetch(`${stack.origin}/console`);
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; /);
    expect(policy).not.toContain("unsafe");
    expect(response.headers.get("cache-control")).toBe("no-cache");
    const script = /src="(\/console\/assets\/[^"]+\.js)"/.exec(await response.text())?.[1] ?? "";
    expect((await fetch(stack.origin + script)).headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect((await fetch(`${stack.origin}/console/assets/gone-1.js`)).status).toBe(404);
    expect(await (await fetch(`${stack.origin}/api/nothing`)).json()).toEqual({ message: "Not Found" });
  });

  describe("a first load is at most 250 kB of compressed script", () => {
    let page: Page;
    const scripts = new Map<string, number>();
    beforeAll(async () => {
      ({ page } = await open(browser));
      await login(page, stack, "staff", "/not-yours");
      const cdp = await page.context().newCDPSession(page);
      await cdp.send("Network.enable");
      // Each load is a first one.
      await cdp.send("Network.setCacheDisabled", { cacheDisabled: true });
      const kinds = new Set<string>();
      cdp.on("Network.responseReceived", ({ requestId, type }) => type === "Script" && kinds.add(requestId));
      cdp.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => kinds.has(requestId) && scripts.set(requestId, encodedDataLength));
    });
    afterAll(() => page.context().close());

    test.each(["/talents", "/calendar?view=month", "/compose", "/analytics?talent=talent_demo", "/operations", "/audit-log", "/api-keys"])("of %s", async (path) => {
      scripts.clear();
      await page.goto(`${stack.origin}/console${path}`);
      await page.locator("main h1").first().waitFor();
      await page.waitForLoadState("networkidle");
      const sum = [...scripts.values()].reduce((total, bytes) => total + bytes, 0);
      console.log(`first load of ${path}: ${scripts.size} scripts, ${Math.round(sum / 1000)} kB compressed`);
      expect(scripts.size).toBeGreaterThan(2);
      expect(sum).toBeLessThanOrEqual(MOST_SCRIPT);
    });
  });
});
