import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { expect } from "vitest";

import type { Stack } from "./stack";

const shots = join(import.meta.dirname, "../screenshots");
const axe = readFileSync(join(import.meta.dirname, "../node_modules/axe-core/axe.min.js"), "utf8");

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });

export const DESKTOP = { width: 1360, height: 900 };
export const PHONE = { width: 390, height: 844 };

/** What a page complained of. Pictures of the simulated platforms are nowhere, so that they cannot be loaded is right. */
export interface Watched {
  complaints: string[];
}

export async function open(browser: Browser, options: Parameters<Browser["newContext"]>[0] = {}): Promise<{ context: BrowserContext; page: Page; watched: Watched }> {
  const context = await browser.newContext({ viewport: DESKTOP, locale: "en-GB", timezoneId: "Europe/Berlin", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const watched: Watched = { complaints: [] };
  page.on("pageerror", (error) => watched.complaints.push(`error: ${error.message}`));
  page.on("console", (message) => {
    const text = message.text();
    if (message.type() === "error" && !/ERR_NAME_NOT_RESOLVED|ERR_INTERNET_DISCONNECTED|status of (4|5)\d\d/.test(text)) watched.complaints.push(text);
  });
  return { context, page, watched };
}

/** A browser whose clock is that of the stack, after that was moved. */
export async function openInTime(browser: Browser, stack: Stack, options: Parameters<typeof open>[1] = {}): ReturnType<typeof open> {
  const opened = await open(browser, options);
  const { now } = await stack.control<{ now: string }>("GET", "/clock");
  await opened.context.clock.install({ time: new Date(now) });
  return opened;
}

/** Comes in by the issuer's own page, as people do. */
export async function login(page: Page, stack: Stack, who: "staff" | "talent", path = "", talent = "talent_demo"): Promise<void> {
  await page.goto(`${stack.origin}/console${path}`);
  if (who === "talent") await page.getByLabel("Talent").fill(talent);
  await page.getByRole("button", { name: who === "staff" ? "Come in as staff" : "Come in as a talent" }).click();
  await page.locator("main h1").first().waitFor();
}

export interface Finding {
  id: string;
  impact: string;
  help: string;
  nodes: string[];
}

/** What axe finds serious or critical on the page as it stands. */
export async function serious(page: Page): Promise<Finding[]> {
  // Colours that are on their way from one to another are neither.
  await page.evaluate(() => Promise.allSettled(document.getAnimations().map((animation) => (animation.effect?.getTiming().iterations === Infinity ? null : animation.finished))));
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
  return page.evaluate(async () => {
    const { violations } = await (window as unknown as { axe: { run: (options: { resultTypes: string[] }) => Promise<{ violations: { id: string; impact: string; help: string; nodes: { html: string; failureSummary: string }[] }[] }> } }).axe.run({ resultTypes: ["violations"] });
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, impact, help, nodes }) => ({ id, impact, help, nodes: nodes.slice(0, 4).map((node) => `${node.html.slice(0, 200)} ${node.failureSummary.slice(0, 300)}`) }));
  });
}

export async function shoot(page: Page, name: string): Promise<void> {
  mkdirSync(shots, { recursive: true });
  // What is open above the page stands in the window, not on the page.
  const fullPage = (await page.locator("dialog[open]").count()) === 0;
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage });
}

/** The four ways in which every screen is looked at. */
const LOOKS = [
  { colours: "light", size: "desktop", viewport: DESKTOP },
  { colours: "light", size: "phone", viewport: PHONE },
  { colours: "dark", size: "phone", viewport: PHONE },
  { colours: "dark", size: "desktop", viewport: DESKTOP },
] as const;

/**
 * A screen as it stands: in both colours, on a desktop and on a phone, nothing serious by axe and nothing wider than the
 * screen. Pictures are taken on the way. The page stays open between them, as a window does that is made smaller.
 */
export async function inOrder(page: Page, name: string): Promise<void> {
  for (const { colours, size, viewport } of LOOKS) {
    await page.emulateMedia({ colorScheme: colours, reducedMotion: "reduce" });
    await page.setViewportSize(viewport);
    await page.locator(`html[data-theme="${colours}"]`).waitFor();
    await shoot(page, `${name}-${colours}-${size}`);
    expect(await serious(page), `${name}, ${colours}, ${size}`).toEqual([]);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(wide, `${name}, ${colours}, ${size}: wider than the screen`).toBeLessThanOrEqual(0);
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  await page.setViewportSize(DESKTOP);
}

/** Connects an account of the demo talent through the console and the simulated platform's own page. */
export async function consent(page: Page, platform: string, account: string, server?: string): Promise<void> {
  await page.getByRole("button", { name: /^(Connect Profile|Add Your First Profile)$/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: platform, exact: true }).click();
  if (server !== undefined) await page.getByLabel("Account or server").fill(server);
  await page.getByRole("button", { name: `Continue to ${platform}` }).click();
  await page.locator('input[name="account"]').fill(account);
  await page.getByRole("button", { name: "Allow" }).click();
  await page.waitForURL(/\/console\//);
}
