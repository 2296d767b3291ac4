// Every page that links lead to, as a visitor, as a buyer who owns something and as the shop's owner: each answers, holds to
// WCAG 2.2 AA in both colour schemes, fits a phone of 320 px, and has one first heading.

import { LOOKS, arrives, judge, shot } from "./_browser.mjs";
import { buyer, owner } from "./_people.mjs";

// Pages that differ only in what they show are one kind: ids, digests, slugs and what was asked for are left out.
const kind = (url) => {
  const { pathname, search } = new URL(url);
  const path = pathname
    .replace(/\/[a-z]{2,4}_[0-9a-hjkmnp-tv-z]{13}/g, "/{id}")
    .replace(/\/[0-9a-f]{64}/g, "/{sha256}")
    .replace(/^((?:\/admin)?\/(?:products|categories))\/[^/]+/, "$1/{slug}")
    .replace(/^\/problems\/[^/]+/, "/problems/{code}");
  // The list of products can be asked for in so many ways: each by itself will do.
  const asked = [...new URLSearchParams(search).keys()].sort();
  if (path === "/products" && asked.length > 1) return null;
  return path + asked.map((name) => `&${name}`).join("");
};

// What is the same for everybody is looked at once, as a visitor.
const SAME = /^\/(docs|problems|terms|openapi\.json|\.well-known)/;

// How many pages of one kind are looked at: a product with pictures and one without, a bundle, a service.
const EACH = { "/products/{slug}": 4 };

async function links(page) {
  const all = await page.$$eval("a[href], link[rel=canonical]", (found) => found.map((one) => one.href));
  return all.map((href) => href.split("#")[0]);
}

/** Goes wherever links lead on this server, and judges each kind of page. Fewer than `least` kinds are too few: whoever is not
 * let in would be shown the sign-in, again and again. */
async function crawl(who, context, { start, least }) {
  let page = await context.newPage();
  const seen = new Map();
  const late = new Set();
  const known = new Set(start);
  const queue = [...start];
  const faults = [];
  while (queue.length > 0) {
    const url = queue.shift();
    const of = kind(url);
    if (of === null || (!who.includes("visitor") && SAME.test(of))) continue;
    if ((seen.get(of) ?? 0) >= (EACH[of] ?? 1)) continue;
    seen.set(of, (seen.get(of) ?? 0) + 1);
    try {
      if (!(await visit(page, url))) continue;
      for (const link of await looked(page, `${who} ${of}`, seen.get(of) === 1)) {
        if (new URL(link).origin === new URL(url).origin && !known.has(link)) {
          known.add(link);
          queue.push(link);
        }
      }
    } catch (error) {
      // On a machine that is far too busy a tab can stand still: once more, in a new one.
      if (error.name === "TimeoutError" && !late.has(url)) {
        late.add(url);
        await page.close();
        page = await context.newPage();
        seen.set(of, seen.get(of) - 1);
        queue.unshift(url);
        continue;
      }
      faults.push(String(error.message ?? error));
    }
  }
  await context.close();
  if (seen.size < least) faults.push(`only ${seen.size} kinds of pages were found: ${[...seen.keys()].join(" ")}`);
  console.log(`        ${who}: ${[...seen.values()].reduce((sum, n) => sum + n)} pages of ${seen.size} kinds`);
  if (faults.length > 0) throw new Error(faults.join("\n"));
}

/** Opens a page; whether it is one, and not a file to download or data. */
async function visit(page, url) {
  const faults = [];
  const heard = (message) => {
    if (message.type() === "error") faults.push(message.text());
  };
  page.on("console", heard);
  const answer = await arrives(page, url);
  page.off("console", heard);
  // A policy that something on the page breaks is told here, and nowhere else.
  if (faults.length > 0) throw new Error(`${url}: ${faults.join("; ")}`);
  return answer?.headers()["content-type"]?.startsWith("text/html") ?? false;
}

async function looked(page, name, first) {
  const found = await links(page);
  for (const look of LOOKS) {
    await page.emulateMedia({ colorScheme: look.colorScheme });
    await page.setViewportSize(look.viewport);
    await judge(page, `${name} ${look.name}`);
    if (first) await shot(page, `crawl-${name}-${look.name}`);
  }
  const headings = await page.locator("h1").count();
  if (headings !== 1) throw new Error(`${name} (${page.url()}): ${headings} first headings`);
  return found;
}

/** Who goes where, and what they find at least. */
export function crawls(town, browser) {
  const { vendor, merchant, provider } = town;
  const nobody = async () => {};
  const one = (what, who, sign_in, server, least, paths) => [
    `each page for ${what}`,
    async () => {
      // Colours that are on their way to others would be judged half-way.
      const context = await browser.newContext({ reducedMotion: "reduce" });
      await sign_in(context);
      await crawl(who, context, { start: paths.map((path) => server.url + path), least });
    },
  ];
  const strangers = ["/", "/products", "/cart", "/sign-in", "/register", "/activate"];
  const members = ["/", "/products", "/cart", "/library", "/orders", "/wallet", "/wallet/top-up", "/account"];
  return [
    one("a visitor at the vendor", "visitor", nobody, vendor, 18, strangers),
    one("a buyer at the vendor", "buyer", buyer(vendor), vendor, 24, members),
    one("the owner at the vendor", "owner", owner(vendor), vendor, 60, ["/admin"]),
    one("a visitor at the merchant", "merchant-visitor", nobody, merchant, 12, ["/", "/products", "/cart"]),
    one("the owner at the merchant", "merchant-owner", owner(merchant), merchant, 44, ["/admin"]),
    one("a buyer at the provider", "provider-buyer", buyer(provider), provider, 10, ["/", "/wallet", "/account"]),
    one("the owner at the provider", "provider-owner", owner(provider), provider, 40, ["/admin"]),
  ];
}
