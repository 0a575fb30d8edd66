import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

import { inOrder, launch, login, openInTime, PHONE, type Watched } from "./browser";
import { Stack } from "./stack";

let stack: Stack;
let browser: Browser;
let page: Page;
let watched: Watched;

beforeAll(async () => {
  stack = await Stack.start();
  browser = await launch();
  // A worker that cannot reach the table gives its message back; after the fifth time it is dead.
  await stack.control("POST", "/faults", { kind: "throttle", on: true, handler: "workers.ingest" });
  await stack.call("POST", "/api/admin/socials/connect-manual", { talentId: "talent_demo", platform: "MASTODON", handle: "harbor@mastodon.social" });
  await vi.waitFor(
    async () => {
      await stack.pass(400);
      const { ingest } = await stack.control<{ ingest: { dead: number } }>("GET", "/queues");
      expect(ingest.dead).toBe(1);
    },
    { timeout: 30_000, interval: 100 },
  );
  ({ page, watched } = await openInTime(browser, stack, { permissions: ["clipboard-read", "clipboard-write"] }));
  await login(page, stack, "staff", "/operations");
});
afterAll(async () => {
  await browser.close();
  await stack.stop();
});

describe("operations", () => {
  test("a dead letter is seen, put back, and its work done", async () => {
    const row = page.locator('tr[data-queue="ingest"]');
    await page.getByText("1 message died").waitFor();
    await stack.control("POST", "/faults", { kind: "throttle", on: false });
    await row.getByRole("button", { name: "Put back" }).click();
    await page.getByText("1 message put back.").waitFor();
    await row.getByText("Fine").waitFor();
    await page.getByText("Nothing died").waitFor();
    await vi.waitFor(
      async () => {
        const { body } = await stack.call<{ connections: { syncStatus: string }[] }>("GET", "/api/admin/talent/talent_demo/social-connections");
        expect(body.connections[0]?.syncStatus).toBe("READY");
      },
      { timeout: 15_000, interval: 100 },
    );
  });
});

describe("API keys", () => {
  const row = (name: string) => page.locator(`li[data-key="${name}"]`);

  test("a key is made, shown once, copied, and opens what it may", async () => {
    await page.getByRole("link", { name: "API keys" }).click();
    await page.getByText("No keys yet").waitFor();
    await inOrder(page, "api-keys-empty");
    await page.getByRole("button", { name: "Make a key" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Nightly report");
    expect(await dialog.getByRole("button", { name: "Make it" }).isDisabled()).toBe(true);
    await dialog.getByLabel("Talent", { exact: true }).selectOption("talent_demo");
    await dialog.getByLabel("Ends").selectOption("365");
    await inOrder(page, "api-keys-make");
    await dialog.getByRole("button", { name: "Make it" }).click();
    await dialog.getByRole("heading", { name: "Copy Nightly report now" }).waitFor();
    // It is not lost by a slip.
    await page.keyboard.press("Escape");
    await dialog.getByText("You have not copied it, and it cannot be shown again.").waitFor();
    await inOrder(page, "api-keys-shown");
    await dialog.getByRole("button", { name: "Copy", exact: true }).click();
    await dialog.getByRole("button", { name: "Copied" }).waitFor();
    const key = await page.evaluate(() => navigator.clipboard.readText());
    expect(key).toMatch(/^hk_/);
    expect((await stack.call("GET", "/api/exclusive/socials", undefined, key)).status).toBe(200);
    expect((await stack.call("GET", "/api/admin/talents", undefined, key)).status).toBe(403);
    await dialog.getByRole("button", { name: "Done" }).click();
    await row("Nightly report").getByText("in 365 days").waitFor();
    expect(await page.content()).not.toContain(key);
  });

  test("a key for staff is warned of", async () => {
    await page.getByRole("button", { name: "Make a key" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Back office");
    await dialog.getByLabel("May do").selectOption("admin");
    await dialog.getByText(/sees every talent/).waitFor();
    await dialog.getByLabel("Ends").selectOption("never");
    await dialog.getByRole("button", { name: "Make it" }).click();
    await dialog.getByRole("button", { name: "Copy", exact: true }).click();
    await dialog.getByRole("button", { name: "Done" }).click();
    await row("Back office").getByText("Everything, as staff").waitFor();
    await inOrder(page, "api-keys");
  });

  test("a key is revoked, and refused from then on", async () => {
    const { body } = await stack.call<{ key: string }>("POST", "/api/admin/api-keys", { name: "Old one", role: "admin" });
    await page.reload();
    await page.getByRole("button", { name: "Revoke Old one" }).click();
    await page.getByText("Every program that uses it is refused from now on.").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await row("Old one").waitFor({ state: "detached" });
    expect((await stack.call("GET", "/api/admin/talents", undefined, body.key)).status).toBe(401);
  });
});

describe("the audit log", () => {
  const actions = () => page.locator("li[data-action]").evaluateAll((rows) => rows.map((row) => row.getAttribute("data-action")));

  test("shows who changed what, the latest first", async () => {
    await page.getByRole("link", { name: "Audit log" }).click();
    await page.locator('li[data-action="api_key.revoke"]').first().waitFor();
    const seen = await actions();
    expect(seen[0]).toBe("api_key.revoke");
    expect(seen).toEqual(expect.arrayContaining(["queue.redrive", "connection.connect_manual", "api_key.create"]));
    await inOrder(page, "audit-log");
  });

  test("is filtered by action, actor and day", async () => {
    await page.getByLabel("Action").selectOption("queue.redrive");
    await vi.waitFor(async () => expect(await actions()).toEqual(["queue.redrive"]));
    expect(new URL(page.url()).searchParams.get("action")).toBe("queue.redrive");
    await page.locator("li[data-action]").getByTitle("Only what this one did").click();
    expect(await page.getByLabel("Actor").inputValue()).toBe("local|admin");
    const { now } = await stack.control<{ now: string }>("GET", "/clock");
    await page.getByLabel("From").fill(now.slice(0, 10));
    await vi.waitFor(async () => expect(await actions()).toEqual(["queue.redrive"]));
    await page.getByLabel("Actor").fill("nobody");
    await page.getByLabel("Actor").press("Enter");
    await page.getByText("No entry fits the filter").waitFor();
    await inOrder(page, "audit-log-none");
    await page.getByRole("button", { name: "Clear" }).click();
    await page.locator('li[data-action="api_key.revoke"]').first().waitFor();
  });

  test("shows older entries page by page", async () => {
    for (let n = 0; n < 55; n++) await stack.call("PUT", "/api/admin/talents/bo_tanaka", { name: `Bo Tanaka ${n}` });
    await page.reload();
    await vi.waitFor(async () => expect(await actions()).toHaveLength(50), { timeout: 10_000 });
    await page.getByRole("button", { name: "Show older ones" }).click();
    await page.locator('li[data-action="queue.redrive"]').waitFor();
  });
});

describe("roles and narrow screens", () => {
  test("on a phone what is rarer stands behind More", async () => {
    await page.setViewportSize(PHONE);
    await page.getByRole("button", { name: "More" }).click();
    await inOrder(page, "more");
    await page.setViewportSize(PHONE);
    await page.getByRole("dialog").getByRole("link", { name: "Operations" }).click();
    await page.getByRole("heading", { name: "Operations" }).waitFor();
    await page.getByRole("dialog").waitFor({ state: "detached" });
  });

  test("a talent reaches neither keys nor the audit log", async () => {
    const own = await openInTime(browser, stack);
    await login(own.page, stack, "talent", "/accounts");
    await own.page.getByRole("heading", { name: "My accounts" }).waitFor();
    for (const name of ["API keys", "Audit log", "Operations"]) expect(await own.page.getByRole("link", { name }).count()).toBe(0);
    for (const path of ["/api-keys", "/audit-log"]) {
      await own.page.goto(`${stack.origin}/console${path}`);
      await own.page.getByRole("heading", { name: "This page is for staff" }).waitFor();
    }
    await own.context.close();
  });

  test("no page complained", () => expect(watched.complaints).toEqual([]));
});
