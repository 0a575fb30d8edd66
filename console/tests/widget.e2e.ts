import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { launch, open, serious, shoot } from "./browser";
import { Stack } from "./stack";

const folder = join(import.meta.dirname, "../widget");

let stack: Stack;
let browser: Browser;
let server: Server;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  // A plain web server of somebody else's: another origin than Herald's.
  server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://x").pathname);
    try {
      const file = readFileSync(join(folder, path.endsWith("/") ? `${path}index.html` : path));
      response.writeHead(200, { "content-type": path.endsWith(".js") ? "text/javascript" : "text/html" }).end(file);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  stack = await Stack.start({ HERALD_ALLOWED_ORIGINS: origin });
  browser = await launch();
  const opened = await open(browser);
  page = opened.page;
  complaints = opened.watched.complaints;
  await page.goto(`${origin}/example/?herald=${encodeURIComponent(stack.origin)}&token=${await stack.token()}`);
});
afterAll(async () => {
  await browser.close();
  server.close();
  await stack.stop();
});

describe("the custom element in a plain page of another origin", () => {
  test("it begins empty and connects an account", async () => {
    // Playwright looks into open shadow roots by itself.
    await page.getByRole("button", { name: "Add Your First Profile" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "YouTube" }).click();
    await page.getByLabel("Handle or profile address").fill("@harborroasters");
    await page.getByRole("button", { name: "Confirm & Connect" }).click();
    await page.locator('article[data-state="READY"]').waitFor();
  });

  test("the host is told of every change", async () => {
    expect(await page.locator("#count").textContent()).toBe("1");
  });

  test("a consent leads back to the host's page and says how it ended", async () => {
    await page.getByRole("button", { name: "Connect Profile" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "X", exact: true }).click();
    await page.getByRole("button", { name: "Continue to X" }).click();
    await page.locator('input[name="account"]').fill("harbor_r");
    await page.getByRole("button", { name: "Allow" }).click();
    await page.getByText("Connected. The first sync is under way.").waitFor();
    await page.locator('article[data-platform="TWITTER"][data-state="READY"]').waitFor();
    expect(new URL(page.url()).pathname).toBe("/example/");
    expect(page.url()).not.toContain("connectionId");
  });

  test("the host's styles do not reach the card, nor the card's the host", async () => {
    const button = page.getByRole("button", { name: "Connect Profile" });
    expect(await button.evaluate((element) => getComputedStyle(element).textTransform)).toBe("none");
    expect(await button.evaluate((element) => getComputedStyle(element).backgroundColor)).toBe("rgb(43, 63, 214)");
    expect(await page.locator('article[data-platform="TWITTER"]').evaluate((element) => getComputedStyle(element).borderTopStyle)).toBe("solid");
    expect(await page.locator("body").evaluate((element) => getComputedStyle(element).fontFamily)).toContain("Georgia");
  });

  test("a platform's mark stands alone as well", async () => {
    expect(await page.locator("herald-platform-icon svg").getAttribute("width")).toBe("44");
  });

  test("axe finds nothing serious, and the page complains of nothing", async () => {
    await shoot(page, "widget-light-desktop");
    expect(await serious(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });
});
