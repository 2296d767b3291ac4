// Every page that links lead to, as a visitor, as a buyer who owns something and as the shop's owner: each answers, holds to
// WCAG 2.2 AA in both colour schemes, fits a phone of 320 px, and has one first heading.
//
// Run by hand so far (`SCRIP_BIN=target/debug/scrip node tests/browser/_crawl.mjs`): it is not among the checks of xtask yet.

import { LOOKS, judge, report, shot, withBrowser } from "./_browser.mjs";
import { withTown } from "./_shop.mjs";
import { buyer, owner } from "./_people.mjs";

// Pages that differ only in what they show are one kind: ids, digests, slugs and what was asked for are left out.
const kind = (url) => {
  const { pathname, search } = new URL(url);
  const path = pathname
    .replace(/\/[a-z]{3}_[0-9a-hjkmnp-tv-z]{13}/g, "/{id}")
    .replace(/\/[0-9a-f]{64}/g, "/{sha256}")
    .replace(/^\/products\/[^/]+/, "/products/{slug}")
    .replace(/^\/problems\/[^/]+/, "/problems/{code}");
  return path + [...new URLSearchParams(search).keys()].sort().map((name) => `&${name}`).join("");
};

// How many pages of one kind are looked at: a product with pictures and one without, a bundle, a service.
const EACH = { "/products/{slug}": 4 };

async function links(page) {
  const all = await page.$$eval("a[href], link[rel=canonical]", (found) => found.map((one) => one.href));
  return all.map((href) => href.split("#")[0]);
}

/** Goes wherever links lead on this server, and judges each kind of page. */
async function crawl(browser, who, context, start) {
  const page = await context.newPage();
  const seen = new Map();
  const known = new Set(start);
  const queue = [...start];
  const faults = [];
  while (queue.length > 0) {
    const url = queue.shift();
    const of = kind(url);
    if ((seen.get(of) ?? 0) >= (EACH[of] ?? 1)) continue;
    seen.set(of, (seen.get(of) ?? 0) + 1);
    try {
      const answer = await visit(page, url);
      if (answer) for (const link of await looked(page, `${who} ${of}`, seen.get(of) === 1)) {
        if (new URL(link).origin === new URL(url).origin && !known.has(link)) {
          known.add(link);
          queue.push(link);
        }
      }
    } catch (error) {
      faults.push(String(error.message ?? error));
    }
  }
  await context.close();
  if (seen.size < 8) faults.push(`only ${seen.size} kinds of pages were found`);
  console.log(`        ${who}: ${[...seen.values()].reduce((sum, n) => sum + n)} pages of ${seen.size} kinds`);
  if (faults.length > 0) throw new Error(faults.join("\n"));
}

/** Opens a page; what is no page, but a file to download or data, is only asked for. */
async function visit(page, url) {
  const answer = await page.request.get(url, { maxRedirects: 5 });
  if (answer.status() >= 400) throw new Error(`${url}: ${answer.status()}`);
  if (!answer.headers()["content-type"]?.startsWith("text/html")) return null;
  const faults = [];
  const heard = (message) => {
    if (message.type() === "error") faults.push(message.text());
  };
  page.on("console", heard);
  await page.goto(url);
  page.off("console", heard);
  // A policy that something on the page breaks is told here, and nowhere else.
  if (faults.length > 0) throw new Error(`${url}: ${faults.join("; ")}`);
  return answer;
}

async function looked(page, name, first) {
  const found = await links(page);
  for (const { name: look, colorScheme, viewport } of LOOKS) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(viewport);
    await judge(page, `${name} ${look}`);
    if (first) await shot(page, `crawl-${name}-${look}`.replace(/[^\w.-]+/g, "_"));
  }
  const headings = await page.locator("h1").count();
  if (headings !== 1) throw new Error(`${name} (${page.url()}): ${headings} first headings`);
  return found;
}

await withTown((town) =>
  withBrowser(async (browser) => {
    // Colours that are on their way to others would be judged half-way.
    const context = () => browser.newContext({ reducedMotion: "reduce" });
    const as = async (who, sign_in, start) => {
      const fresh = await context();
      await sign_in(fresh);
      await crawl(browser, who, fresh, start);
    };
    const nobody = async () => {};
    const { vendor, merchant, provider } = town;
    const entries = (server, paths) => paths.map((path) => server.url + path);
    const strangers = ["/", "/products", "/cart", "/sign-in", "/register", "/activate"];
    const members = ["/", "/products", "/cart", "/library", "/orders", "/wallet", "/wallet/top-up", "/account"];
    await report([
      ["a visitor at the vendor", () => as("visitor", nobody, entries(vendor, strangers))],
      ["a buyer at the vendor", () => as("buyer", buyer(vendor), entries(vendor, members))],
      ["the owner at the vendor", () => as("owner", owner(vendor), entries(vendor, ["/admin"]))],
      ["a visitor at the merchant", () => as("merchant-visitor", nobody, entries(merchant, ["/", "/products", "/cart"]))],
      ["the owner at the merchant", () => as("merchant-owner", owner(merchant), entries(merchant, ["/admin"]))],
      ["a buyer at the provider", () => as("provider-buyer", buyer(provider), entries(provider, ["/", "/wallet", "/account"]))],
      ["the owner at the provider", () => as("provider-owner", owner(provider), entries(provider, ["/admin"]))],
    ]);
  }),
);
