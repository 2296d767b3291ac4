// Debian's Chromium, driven over the pages: how a browser is opened, how a page is judged, where its pictures are kept.

import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Where things are built, and what tests leave behind lies. */
export const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
const SHOTS = join(TARGET, "browser", "shots");

// Higher pages are painted for longer than anybody looks at their picture.
const HIGH = 6_000;

export const CHROMIUM = process.env.SCRIP_CHROMIUM ?? "/usr/bin/chromium";
// As root, on a machine for tests, Chromium has no sandbox to go into.
export const FLAGS = ["--disable-gpu", ...(process.getuid() === 0 ? ["--no-sandbox"] : [])];

/** The settings in which every page must hold: each colour scheme, and each width, once. */
export const LOOKS = [
  { name: "dark-phone", colorScheme: "dark", viewport: { width: 320, height: 640 } },
  { name: "light-wide", colorScheme: "light", viewport: { width: 1280, height: 900 } },
];

/** How somebody with a phone, at night, opens pages. */
export const PHONE = { colorScheme: LOOKS[0].colorScheme, viewport: LOOKS[0].viewport };

/** Waits until all have come to their end, and throws what is wrong with any. */
export async function together(all) {
  const wrong = (await Promise.allSettled(all)).filter(({ status }) => status === "rejected");
  if (wrong.length > 0) throw new Error(wrong.map(({ reason }) => reason.stack ?? reason).join("\n"));
}

/** Opens an address, and gives its answer; null where it is a file, which is asked for and not opened. */
export async function arrives(page, url) {
  const file = page.waitForEvent("download", { timeout: 0 }).catch(() => null);
  let answer;
  try {
    answer = await page.goto(url);
  } catch (error) {
    if (!String(error).includes("Download is starting")) throw error;
    await (await file).cancel();
    return null;
  }
  if (answer.status() >= 400) throw new Error(`${url}: ${answer.status()}`);
  return answer;
}

/** Opens Chromium for `work`, and closes it. */
export async function withBrowser(work) {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  try {
    return await work(browser);
  } finally {
    await browser.close();
  }
}

/** Throws the pictures of the run before away. */
export function forgets() {
  rmSync(SHOTS, { recursive: true, force: true });
}

/** A picture of the page, as far down as somebody scrolls, kept as test output. */
export async function shot(page, name) {
  mkdirSync(SHOTS, { recursive: true });
  const file = `${name.replace(/[^\w.-]+/g, "_").slice(0, 150)}.png`;
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.screenshot({ path: join(SHOTS, file), fullPage: height < HIGH });
}

// More elements than axe-core judges in a second.
const MANY = 2_500;

/** Leaves of everything that comes many times, side by side, the first few: one operation of the reference is like the other. */
function thin(many) {
  if (document.querySelectorAll("*").length <= many) return;
  for (const parent of document.querySelectorAll("main *, main")) {
    const seen = new Map();
    for (const child of [...parent.children]) {
      const kind = `${child.tagName}.${child.className}`;
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
      if (seen.get(kind) > 12) child.remove();
    }
  }
}

/** How much wider than its window the page is, said; or nothing. */
export async function wider(page) {
  const [page_width, window_width] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  return page_width > window_width ? `it is ${page_width} wide in a window of ${window_width}` : null;
}

/** Throws with every violation of WCAG 2.2 AA that axe-core finds on the page, and if it is wider than the window. Where it is
 * `only_looked_at`, the page stays whole. */
export async function judge(page, name, only_looked_at = false) {
  const wide = await wider(page);
  if (!only_looked_at) await page.evaluate(thin, MANY);
  await page.evaluate(AXE);
  const found = await page.evaluate((rules) => axe.run({ runOnly: rules, resultTypes: ["violations"] }), RULES);
  if (found.passes.length === 0) throw new Error(`${name}: axe-core looked at nothing`);
  const faults = found.violations.map(({ id, help, nodes }) => {
    const where = nodes.slice(0, 3).map((node) => `${node.target} ${node.html.slice(0, 160)}`);
    return `  ${id}: ${help}\n    ${where.join("\n    ")}`;
  });
  if (wide) faults.push(`  ${wide}`);
  if (faults.length > 0) throw new Error(`${name} (${page.url()}):\n${faults.join("\n")}`);
}

/** Runs what `checks` names, so many side by side, tells each, and ends the process with what failed. */
export async function report(checks, side_by_side = 1) {
  const queue = [...checks];
  const run = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [name, check] = next;
      try {
        await check();
        console.log(`    ok  ${name}`);
      } catch (error) {
        process.exitCode = 1;
        console.log(`    NO  ${name}\n${String(error.stack ?? error).replace(/^/gm, "        ")}`);
      }
    }
  };
  await Promise.all(Array.from({ length: side_by_side }, run));
}
