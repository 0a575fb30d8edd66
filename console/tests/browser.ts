import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

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
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { violations } = await (window as unknown as { axe: { run: () => Promise<{ violations: { id: string; impact: string; help: string; nodes: { html: string; failureSummary: string }[] }[] }> } }).axe.run();
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, impact, help, nodes }) => ({ id, impact, help, nodes: nodes.slice(0, 4).map((node) => `${node.html.slice(0, 200)} ${node.failureSummary.slice(0, 300)}`) }));
  });
}

export async function shoot(page: Page, name: string): Promise<void> {
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
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
