import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

import { consent, launch, login, open, openInTime, type Watched } from "./browser";
import { Stack } from "./stack";

let stack: Stack;
let browser: Browser;
let page: Page;
let watched: Watched;

const HOUR = 3_600_000;
/** A wall-clock time for the address of the composer, in the browser's zone. */
const wall = (ms: number) => new Date(ms).toLocaleString("sv-SE", { timeZone: "Europe/Berlin" }).slice(0, 16).replace(" ", "T");
/** Lets the stack's clock go on, and rings for what is due then. */
const later = async (seconds: number) => {
  await stack.control("POST", "/clock", { advanceSeconds: seconds });
  await stack.control("POST", "/schedules/schedules.ring_due");
  await stack.idle(["publish"]);
};
/** Lets time go by until a delivery is where it is meant to be, and the page has asked again. */
const until = async (step: number, platform: string, status: string) => {
  await vi.waitFor(
    async () => {
      await later(step);
      const { body } = await stack.call<{ deliveries: { platform: string; status: string }[] }>("GET", `/api/social/posts/${new URL(page.url()).pathname.split("/").at(-1)}`);
      expect(body.deliveries.find((one) => one.platform === platform)?.status).toBe(status);
    },
    { timeout: 60_000, interval: 50 },
  );
  await page.clock.fastForward(11_000);
  await delivery(platform, status).waitFor();
};
const compose = async (query = "") => {
  await page.goto(`${stack.origin}/console/compose${query}`);
  await page.locator("main h1").waitFor();
  await page.getByLabel("Talent", { exact: true }).selectOption("talent_demo");
};
const choose = async (...platforms: string[]) => {
  for (const platform of platforms) await page.getByRole("checkbox", { name: new RegExp(`^${platform} `) }).click();
};
const text = () => page.getByRole("textbox", { name: "Text", exact: true });
const delivery = (platform: string, status: string) => page.locator(`article[data-platform="${platform}"][data-status="${status}"]`);

beforeAll(async () => {
  stack = await Stack.start();
  browser = await launch();
  ({ page, watched } = await openInTime(browser, stack));
  await login(page, stack, "staff", "/talents/talent_demo");
  await consent(page, "Mastodon", "harbor@mastodon.social", "mastodon.social");
  await consent(page, "X", "harbor_r");
  await consent(page, "LinkedIn", "harbor-roasters");
  await page.locator('article[data-platform="LINKEDIN"][data-state="READY"]').waitFor();
});
afterAll(async () => {
  await browser.close();
  await stack.stop();
});

describe("composer", () => {
  test("what is too long for one platform is told before anything goes out, and another text there mends it", async () => {
    await compose();
    await choose("X", "Mastodon");
    await text().fill("a ".repeat(150));
    await page.locator('[data-findings="TWITTER"]').getByText(/280/).waitFor();
    expect(await page.locator('[data-findings="MASTODON"]').count()).toBe(0);
    await page.getByRole("tab", { name: /^X/ }).click();
    await page.getByRole("textbox", { name: "Text on X" }).fill("Short enough for X");
    await page.getByText("Every platform will take it.").waitFor();
    // X counts with weights: a picture of a family is two, whatever it is made of.
    await page.getByRole("textbox", { name: "Text on X" }).fill("👨‍👩‍👧‍👦");
    await page.locator('[data-count="TWITTER"]', { hasText: "2/280" }).first().waitFor();
  });

  test("nothing typed is lost by a reload", async () => {
    await page.reload();
    await page.getByText("This is what you wrote before.").waitFor();
    expect(await text().inputValue()).toBe("a ".repeat(150));
    await page.getByRole("button", { name: "Start afresh" }).click();
    expect(await text().inputValue()).toBe("");
  });

  test("the same text and a near time are warned of", async () => {
    await stack.call("POST", "/api/social/posts", { talentId: "talent_demo", content: "Twice", platforms: ["MASTODON"], scheduledAt: new Date(Date.now() + 26 * HOUR).toISOString() });
    await compose(`?at=${wall(Date.now() + 26 * HOUR)}`);
    await choose("Mastodon");
    await text().fill("Twice");
    await page.locator('[data-findings="MASTODON"]').getByText(/same text/).waitFor();
    await page.locator('[data-findings="MASTODON"]').getByText(/within 5 minutes/).waitFor();
    await page.getByText(/Goes out .* in Berlin \(GMT\+\d\)/).waitFor();
  });

  test("scheduled to three platforms, two publish, one fails with its reason and is retried", async () => {
    await stack.world("POST", "/faults", { platform: "TWITTER", operation: "submit", times: 0, fault: { kind: "reject", status: 403 } });
    await compose(`?at=${wall(Date.now() + 90_000)}`);
    await page.getByRole("button", { name: "All", exact: true }).click();
    await text().fill("Fresh beans today");
    await page.getByText("Every platform will take it.").waitFor();
    await page.getByRole("button", { name: "Schedule" }).click();
    await page.getByText("Scheduled.", { exact: true }).waitFor();
    await page.locator("article[data-status]").first().waitFor();
    expect(await page.locator('article[data-status="scheduled"]').count()).toBe(3);
    await until(120, "MASTODON", "published");
    await until(10, "LINKEDIN", "published");
    // A refusal is looked behind before it is called one; that takes the platform's own time.
    await until(60, "TWITTER", "failed");
    expect(await delivery("MASTODON", "published").getByRole("link", { name: "Open on Mastodon" }).getAttribute("href")).toMatch(/^https:\/\/mastodon\.social\//);
    expect((await delivery("TWITTER", "failed").locator("p.text-bad").first().textContent())?.length).toBeGreaterThan(10);
    await page.getByText("Partly out").waitFor();
    await stack.world("DELETE", "/faults");
    await page.getByRole("button", { name: "Retry" }).click();
    await page.getByText("Trying again.").waitFor();
    await until(10, "TWITTER", "published");
    await page.getByText("Published", { exact: true }).first().waitFor();
  });
});

describe("editing", () => {
  test("a scheduled post is edited, and who was slower is told", async () => {
    const { body } = await stack.call<{ id: string }>("POST", "/api/social/posts", { talentId: "talent_demo", content: "First words", platforms: ["MASTODON"], scheduledAt: new Date(Date.now() + 400 * HOUR).toISOString() });
    await page.goto(`${stack.origin}/console/posts/${body.id}`);
    await page.getByRole("link", { name: "Edit" }).click();
    await text().fill("Second words");
    await page.getByText("Every platform will take it.").waitFor();
    await page.getByRole("button", { name: "Schedule" }).click();
    await page.getByRole("heading", { name: "Second words" }).waitFor();
    const stored = async () => (await stack.call<{ content: string; status: string }>("GET", `/api/social/posts/${body.id}`)).body;
    expect(await stored()).toMatchObject({ content: "Second words", status: "scheduled" });

    await page.getByRole("link", { name: "Edit" }).click();
    await text().fill("Third words");
    const headers = { authorization: `Bearer ${await stack.token()}`, "content-type": "application/json", "if-match": "*" };
    await fetch(`${stack.origin}/api/social/posts/${body.id}`, { method: "PATCH", headers, body: JSON.stringify({ content: "Somebody was faster" }) });
    await page.getByRole("button", { name: "Schedule" }).click();
    await page.getByText(/Your text is kept here\./).waitFor();
    expect((await stored()).content).toBe("Somebody was faster");
    expect(await text().inputValue()).toBe("Third words");
  });

  test("a draft keeps what differs on a platform", async () => {
    const overrides = { MASTODON: { content: "For Mastodon", mediaUrls: [] } };
    const { body } = await stack.call<{ id: string }>("POST", "/api/social/posts", { talentId: "talent_demo", content: "For all", platforms: ["MASTODON"], mediaUrls: ["https://media.example/photo.jpg?w=1080&h=1080"], overrides });
    await page.goto(`${stack.origin}/console/compose?post=${body.id}`);
    await text().fill("For everyone");
    await page.getByRole("button", { name: "Save draft" }).click();
    await page.getByRole("heading", { name: "For everyone" }).waitFor();
    const { body: after } = await stack.call<{ content: string; overrides: unknown; mediaUrls: string[] }>("GET", `/api/social/posts/${body.id}`);
    expect(after).toMatchObject({ content: "For everyone", overrides, mediaUrls: ["https://media.example/photo.jpg?w=1080&h=1080"] });
  });
});

describe("doubt", () => {
  test("what nothing can show is decided by a person", async () => {
    const issued = await stack.world<{ accessToken: string }>("POST", "/accounts/TELEGRAM/harbor_news/issue-token", {});
    await stack.call("POST", "/api/socials/oauth/callback", { talentId: "talent_demo", platform: "TELEGRAM", handle: "harbor_news", accessToken: issued.accessToken });
    await page.goto(`${stack.origin}/console/talents/talent_demo`);
    await page.locator('article[data-platform="TELEGRAM"][data-state="READY"]').waitFor();
    await stack.world("POST", "/faults", { platform: "TELEGRAM", operation: "submit", fault: { kind: "drop_after" } });
    await compose();
    await choose("Telegram");
    await text().fill("Are we there?");
    await page.getByText("Every platform will take it.").waitFor();
    // What stands there is of this text, not of the one before it.
    await page.getByRole("img", { name: "Checking" }).waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Post now" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Post now" }).click();
    await page.getByRole("heading", { name: "Are we there?" }).waitFor();
    await until(10, "TELEGRAM", "unconfirmed");
    await page.getByRole("link", { name: "Calendar" }).first().click();
    await page.getByText("Unconfirmed · decide").first().click();
    await page.getByRole("button", { name: "Say what happened" }).click();
    await page.getByLabel("Its address, if you have it").fill("https://t.me/harbor_news/1");
    await page.getByRole("button", { name: "Confirm" }).click();
    await delivery("TELEGRAM", "published").waitFor();
    expect(await page.getByRole("link", { name: "Open on Telegram" }).getAttribute("href")).toBe("https://t.me/harbor_news/1");
  });
});

describe("calendar", () => {
  test("a post is dragged to another day, and undone", async () => {
    const at = new Date(Date.now() + 290 * HOUR);
    const { body } = await stack.call<{ id: string; scheduledAt: string }>("POST", "/api/social/posts", { talentId: "talent_demo", content: "Drag me", platforms: ["MASTODON"], scheduledAt: at.toISOString() });
    const scheduled = async () => new Date((await stack.call<{ scheduledAt: string }>("GET", `/api/social/posts/${body.id}`)).body.scheduledAt).getTime();
    const to = wall(at.getTime() + 24 * HOUR).slice(0, 10);
    await page.goto(`${stack.origin}/console/calendar?view=month&day=${to}`);
    await page.setViewportSize({ width: 1360, height: 1200 });
    const chip = page.locator(`[data-post="${body.id}"]`);
    await chip.waitFor();
    await chip.dragTo(page.locator(`[data-day="${to}"]`));
    await page.getByText(/^Moved to /).waitFor();
    expect(await scheduled()).toBe(new Date(body.scheduledAt).getTime() + 24 * HOUR);
    await page.locator(`[data-day="${to}"] [data-post="${body.id}"]`).waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("Back where it was.").waitFor();
    expect(await scheduled()).toBe(new Date(body.scheduledAt).getTime());
  });

  test("a post is moved with the keyboard alone", async () => {
    const at = new Date(Date.now() + 340 * HOUR);
    const { body } = await stack.call<{ id: string; scheduledAt: string }>("POST", "/api/social/posts", { talentId: "talent_demo", content: "Carry me", platforms: ["MASTODON"], scheduledAt: at.toISOString() });
    await page.goto(`${stack.origin}/console/calendar?view=month&day=${wall(at.getTime()).slice(0, 10)}`);
    await page.locator(`[data-post="${body.id}"]`).waitFor();
    await page.getByRole("button", { name: "Move Carry me" }).focus();
    await page.keyboard.press("Enter");
    for (let n = 0; n < 50; n++) {
      const focused = await page.evaluate(() => document.activeElement?.closest("[data-day]")?.getAttribute("data-day") ?? "");
      if (focused === wall(at.getTime() + 24 * HOUR).slice(0, 10)) break;
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Enter");
    await page.getByText(/^Moved to /).waitFor();
    const moved = await stack.call<{ scheduledAt: string }>("GET", `/api/social/posts/${body.id}`);
    expect(new Date(moved.body.scheduledAt).getTime()).toBe(new Date(body.scheduledAt).getTime() + 24 * HOUR);
  });

  test("what is out is not moved", async () => {
    const { body } = await stack.call<{ posts: { id: string; status: string }[] }>("GET", "/api/social/posts?status=published");
    await page.goto(`${stack.origin}/console/calendar?view=month`);
    const chip = page.locator(`[data-post="${body.posts[0]?.id}"]`);
    await chip.waitFor();
    expect(await chip.getAttribute("draggable")).not.toBe("true");
  });

  test("the list is filtered by platform, state and the days of writing", async () => {
    await page.goto(`${stack.origin}/console/calendar?view=list`);
    const rows = () => page.locator("main ul li").allTextContents();
    const fits = (words: string, is: boolean) => vi.waitFor(async () => expect((await rows()).some((row) => row.includes(words))).toBe(is), { timeout: 10_000 });
    await fits("For everyone", true);
    await fits("Fresh beans today", true);
    await page.getByLabel("State").selectOption("draft");
    await fits("Fresh beans today", false);
    await fits("For everyone", true);
    await page.getByLabel("Platform").selectOption("TELEGRAM");
    await page.getByText("No post fits the filter").waitFor();
    await page.getByLabel("Platform").selectOption("");
    await fits("For everyone", true);
    await page.getByLabel("Written from").fill("2020-01-01");
    await page.getByLabel("to", { exact: true }).fill("2020-01-02");
    await page.getByText("No post fits the filter").waitFor();
    await page.getByLabel("to", { exact: true }).fill("2037-01-02");
    await fits("For everyone", true);
  });

  test("a post is duplicated into the composer", async () => {
    const { body } = await stack.call<{ posts: { id: string; content: string }[] }>("GET", "/api/social/posts?status=published");
    const published = body.posts.find(({ content }) => content === "Fresh beans today");
    await page.goto(`${stack.origin}/console/posts/${published?.id}`);
    await page.getByRole("link", { name: "Duplicate" }).click();
    await page.getByRole("textbox", { name: "Text", exact: true }).waitFor();
    expect(await text().inputValue()).toBe("Fresh beans today");
  });

  test("a file of posts is checked first, and made when that is said", async () => {
    await page.goto(`${stack.origin}/console/import`);
    const at = new Date(Date.now() + 200 * HOUR).toISOString();
    const rows = [`talent_demo,From a file,MASTODON,${at}`, `talent_demo,${"b ".repeat(150)},TWITTER,${at}`];
    await page.locator('input[type="file"]').setInputFiles({ name: "posts.csv", mimeType: "text/csv", buffer: Buffer.from(`talentId,content,platforms,scheduledAt\n${rows.join("\n")}\n`) });
    await page.getByText("1 row is good, 1 to mend").waitFor({ timeout: 30_000 });
    await page.getByText(/280/).waitFor();
    await page.getByRole("button", { name: "Make 1 post" }).click();
    await page.getByText("1 post made, 1 row left out").waitFor({ timeout: 30_000 });
  });
});

describe("sessions and roles", () => {
  test("a broken line is told, and what was written stays", async () => {
    await compose();
    await text().fill("Written on a train");
    await page.context().setOffline(true);
    await page.getByText(/You are offline/).waitFor();
    await page.context().setOffline(false);
    await page.getByText(/You are offline/).waitFor({ state: "detached" });
  });

  test("the end of a session takes nothing along", async () => {
    await later(7_200);
    await page.clock.fastForward(11_000);
    await page.getByRole("heading", { name: "Your session is over" }).waitFor();
    await page.getByRole("button", { name: "Log in again" }).click();
    await page.getByRole("button", { name: "Come in as staff" }).click();
    await page.getByText("This is what you wrote before.").waitFor();
    expect(await text().inputValue()).toBe("Written on a train");
  });

  test("a talent reaches no staff page and nobody else's posts", async () => {
    await stack.call("PUT", "/api/admin/talents/other", { name: "Somebody Else" });
    const { body } = await stack.call<{ id: string }>("POST", "/api/social/posts", { talentId: "other", content: "Not yours" });
    const own = await open(browser);
    await login(own.page, stack, "talent", "/accounts");
    await own.page.getByRole("heading", { name: "My accounts" }).waitFor();
    expect(await own.page.getByRole("link", { name: "Operations" }).count()).toBe(0);
    for (const path of ["/talents", "/talents/other", "/operations"]) {
      await own.page.goto(`${stack.origin}/console${path}`);
      await own.page.getByRole("heading", { name: "This page is for staff" }).waitFor();
    }
    await own.page.goto(`${stack.origin}/console/posts/${body.id}`);
    await own.page.getByRole("heading", { name: "There is no such page" }).waitFor();
    await own.page.goto(`${stack.origin}/console/calendar?view=list`);
    await own.page.getByText("Fresh beans today").first().waitFor();
    expect(await own.page.getByText("Not yours").count()).toBe(0);
    await own.page.getByRole("link", { name: "Write" }).first().click();
    await own.page.getByRole("textbox", { name: "Text", exact: true }).fill("By the talent");
    await own.page.getByRole("button", { name: "Save draft" }).click();
    await own.page.getByRole("heading", { name: "By the talent" }).waitFor();
    await own.context.close();
  });

  test("no page complained", () => expect(watched.complaints).toEqual([]));
});
