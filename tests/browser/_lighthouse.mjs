// Lighthouse gives home, product, checkout, wallet and library at least 95 of 100 in all four of its categories.
//
// Run by hand so far (`SCRIP_BIN=target/debug/scrip node tests/browser/_lighthouse.mjs`): it is not among the checks of xtask yet.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import lighthouse from "lighthouse";
import { chromium } from "playwright-core";
import { CHROMIUM, FLAGS, report } from "./_browser.mjs";
import { buyer } from "./_people.mjs";
import { ask, freePorts, withTown } from "./_shop.mjs";

const LEAST = 95;
const CATEGORIES = ["performance", "accessibility", "best-practices", "seo"];

/** A browser whose one context is signed in, and which Lighthouse can reach. */
async function withProfile(work) {
  const folder = mkdtempSync(join(tmpdir(), "scrip-lighthouse-"));
  const port = await freePorts(1);
  const args = [...FLAGS, `--remote-debugging-port=${port}`];
  const context = await chromium.launchPersistentContext(folder, { executablePath: CHROMIUM, args });
  try {
    return await work(context, port);
  } finally {
    await context.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function judged(url, port) {
  const settings = { port, output: "json", logLevel: "error", onlyCategories: CATEGORIES, disableStorageReset: true };
  const { lhr } = await lighthouse(url, settings);
  if (lhr.runtimeError) throw new Error(`${url}: ${lhr.runtimeError.message}`);
  const scores = Object.values(lhr.categories).map(({ id, score }) => [id, Math.round(score * 100)]);
  console.log(`        ${scores.map(([id, score]) => `${id} ${score}`).join(", ")}`);
  if (scores.length !== CATEGORIES.length) throw new Error(`only ${scores.length} categories were judged`);
  // Where a page asks for a sign-in, that would have been judged in its place.
  if (new URL(lhr.finalDisplayedUrl).pathname !== new URL(url).pathname) throw new Error(`ended at ${lhr.finalDisplayedUrl}`);
  if (scores.some(([, score]) => score < LEAST)) throw new Error(why(lhr));
}

function why(lhr) {
  const refs = Object.values(lhr.categories).flatMap(({ auditRefs }) => auditRefs.filter(({ weight }) => weight > 0));
  const failed = refs.map(({ id }) => lhr.audits[id]).filter(({ score }) => score !== null && score < 0.9);
  return failed.map(({ id, title, displayValue }) => `${id}: ${title} ${displayValue ?? ""}`).join("\n");
}

await withTown(({ vendor }) =>
  withProfile(async (context, port) => {
    await buyer(vendor)(context);
    const { data } = await ask(vendor.url, "GET", "/v1/products?sort=-price");
    const product = `${vendor.url}/products/${data[0].slug}`;
    // An order that waits to be confirmed.
    const page = await context.newPage();
    await page.goto(product);
    await page.getByRole("button", { name: "Buy now" }).click();
    await page.waitForURL("**/checkout/ord_*");
    const checkout = page.url();
    await page.close();
    const pages = { home: `${vendor.url}/`, product, checkout, wallet: `${vendor.url}/wallet`, library: `${vendor.url}/library` };
    await report(Object.entries(pages).map(([name, url]) => [name, () => judged(url, port)]));
  }),
);
