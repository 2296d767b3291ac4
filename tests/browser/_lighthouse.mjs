// Lighthouse gives home, product, checkout, wallet and library at least 95 of 100 in all four of its categories.
//
// It reckons a slow phone and a slow line from what it sees: bytes and round trips weigh, and how fast this machine and this binary
// are, little. The processor's share is not slowed down beyond this machine, which is a busy one already, and the binary a debug
// one.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import lighthouse from "lighthouse";
import { chromium } from "playwright-core";
import { CHROMIUM, FLAGS } from "./_browser.mjs";
import { buyer } from "./_people.mjs";
import { freePorts } from "./_shop.mjs";

const LEAST = 95;
const CATEGORIES = ["performance", "accessibility", "best-practices", "seo"];
// Lighthouse asks for it from within the page, whose policy lets nothing be asked for; so it is looked at below.
const NOWHERE = ["robots-txt"];
// And it keeps search engines out of what is somebody's own, as it must.
const OWN = ["is-crawlable"];
const THROTTLING = { rttMs: 150, throughputKbps: 1_638.4, cpuSlowdownMultiplier: 1 };

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

async function judged(url, port, own) {
  const flags = {
    port,
    output: "json",
    logLevel: "error",
    onlyCategories: CATEGORIES,
    skipAudits: own ? [...NOWHERE, ...OWN] : NOWHERE,
    disableStorageReset: true,
    disableFullPageScreenshot: true,
    throttling: THROTTLING,
    // Nothing of these pages comes later by itself.
    pauseAfterFcpMs: 200,
    pauseAfterLoadMs: 200,
    networkQuietThresholdMs: 500,
    cpuQuietThresholdMs: 500,
  };
  const { lhr } = await lighthouse(url, flags);
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
  const failed = refs.map(({ id }) => lhr.audits[id]).filter((audit) => audit && audit.score !== null && audit.score < 0.9);
  return failed.map(({ id, title, displayValue, explanation }) => `${id}: ${title} ${displayValue ?? ""} ${explanation ?? ""}`).join("\n");
}

/** Each line of robots.txt is one that search engines know (RFC 9309). */
async function robots({ vendor }) {
  const answer = await fetch(`${vendor.url}/robots.txt`);
  const lines = (await answer.text()).split("\n").filter((line) => line.trim() !== "");
  const known = /^(User-agent: \*|(Dis)?allow: \/\S*|Sitemap: https?:\/\/\S+)$/;
  const strange = lines.filter((line) => !known.test(line));
  if (!answer.ok || lines.length === 0 || strange.length > 0) throw new Error(`robots.txt, ${answer.status}: ${strange}`);
}

export function lighthouses(town) {
  const { vendor } = town;
  const pages = async () =>
    withProfile(async (context, port) => {
      await buyer(vendor)(context);
      const product = `${vendor.url}/products/tallow`;
      // An order that waits to be confirmed.
      const page = await context.newPage();
      await page.goto(product);
      await page.getByRole("button", { name: "Buy now" }).click();
      await page.waitForURL("**/checkout/ord_*");
      const checkout = page.url();
      await page.close();
      const all = [
        [`${vendor.url}/`, false],
        [product, false],
        [checkout, true],
        [`${vendor.url}/wallet`, true],
        [`${vendor.url}/library`, true],
      ];
      const faults = [];
      for (const [url, own] of all) {
        console.log(`        ${new URL(url).pathname}`);
        await judged(url, port, own).catch((error) => faults.push(`${url}:\n${error.message}`));
      }
      if (faults.length > 0) throw new Error(faults.join("\n"));
    });
  return [["robots.txt", () => robots(town)], ["Lighthouse on home, product, checkout, wallet and library", pages]];
}
