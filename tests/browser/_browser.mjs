// Debian's Chromium, driven over the pages: how a browser is opened, how a page is judged, where its pictures are kept.

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const SHOTS = join(process.env.CARGO_TARGET_DIR ?? "target", "browser", "shots");

export const CHROMIUM = process.env.SCRIP_CHROMIUM ?? "/usr/bin/chromium";
// As root, on a machine for tests, Chromium has no sandbox to go into.
export const FLAGS = process.getuid() === 0 ? ["--no-sandbox"] : [];

/** The settings in which every page must hold: each colour scheme, and each width, once. */
export const LOOKS = [
  { name: "light-wide", colorScheme: "light", viewport: { width: 1280, height: 900 } },
  { name: "dark-phone", colorScheme: "dark", viewport: { width: 320, height: 640 } },
];

/** Opens Chromium for `work`, and closes it. */
export async function withBrowser(work) {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  try {
    return await work(browser);
  } finally {
    await browser.close();
  }
}

/** A picture of the whole page, kept as test output. */
export async function shot(page, name) {
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
}

/** Throws with every violation of WCAG 2.2 AA that axe-core finds on the page, and if it is wider than the window. */
export async function judge(page, name) {
  await page.evaluate(AXE);
  const found = await page.evaluate((rules) => axe.run({ runOnly: rules }), RULES);
  if (found.passes.length === 0) throw new Error(`${name}: axe-core looked at nothing`);
  const faults = found.violations.map(({ id, help, nodes }) => {
    const where = nodes.slice(0, 3).map((node) => `${node.target} ${node.html.slice(0, 160)}`);
    return `  ${id}: ${help}\n    ${where.join("\n    ")}`;
  });
  const [page_width, window_width] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  if (page_width > window_width) faults.push(`  it is ${page_width} wide in a window of ${window_width}`);
  if (faults.length > 0) throw new Error(`${name} (${page.url()}):\n${faults.join("\n")}`);
}

/** Runs what `checks` names, one after the other, tells each, and ends the process with what failed. */
export async function report(checks) {
  let failed = 0;
  for (const [name, check] of checks) {
    try {
      await check();
      console.log(`    ok  ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`    NO  ${name}\n${String(error.stack ?? error).replace(/^/gm, "        ")}`);
    }
  }
  if (failed > 0) process.exitCode = 1;
}
