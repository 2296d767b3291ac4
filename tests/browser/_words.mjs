// Words as they come: from right to left, and without an end. On a phone, wide, and at twice the size nothing is wider than the
// window, and nothing is cut off.

import { PHONE, judge, shot } from "./_browser.mjs";
import { withPerson, PASSWORD } from "./_person.mjs";
import { ask } from "./_shop.mjs";

const LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftsvorstandsassistentinnenverzeichniseintragung".slice(0, 120);
const GOODS = [
  { slug: "words-arabic", title: "دليل المد والجزر في ميناء أورورا", summary: "كل ساعة من السنة، مع ثوابت المد." },
  { slug: "words-hebrew", title: "ספר הגאות והשפל 2027 (CSV)", summary: "כל שעה בשנה, with a word in English." },
  { slug: "words-long", title: LONG, summary: `${LONG} ${LONG}` },
];
const LOOKS = [
  { name: "phone", ...PHONE },
  { name: "wide", viewport: { width: 1280, height: 900 } },
  // As a browser does it at 200 %: half as many pixels of the page, each as two by two of the screen.
  { name: "twice", viewport: { width: 640, height: 450 }, deviceScaleFactor: 2 },
];

/** What is cut off, or lies outside of the window where nobody can scroll to it. */
function cut() {
  const faults = [];
  const said = (element) => `${element.tagName}.${element.className} "${element.innerText.slice(0, 40)}"`;
  const scrolls = (element) => element && (/auto|scroll/.test(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
  for (const element of document.querySelectorAll("body *")) {
    const style = getComputedStyle(element);
    if (!element.innerText || style.clipPath !== "none" || style.display === "inline") continue;
    const { left, right, width } = element.getBoundingClientRect();
    if (width === 0 || element.closest(".skip, .unseen")) continue;
    // What leaves out the end of a name on purpose says so with three dots.
    const hides = /hidden|clip/.test(style.overflowX) && style.textOverflow !== "ellipsis";
    if (hides && element.scrollWidth > element.clientWidth + 1) faults.push(`cut off: ${said(element)}`);
    if ((left < -1 || right > innerWidth + 1) && !scrolls(element)) faults.push(`outside: ${said(element)}`);
  }
  return faults.slice(0, 5);
}

async function holds(page, name) {
  await judge(page, name);
  const faults = await page.evaluate(cut);
  await shot(page, name);
  if (faults.length > 0) throw new Error(`${name} (${page.url()}):\n${faults.join("\n")}`);
}

/** The products, and a buyer who has bought them, with one in the cart and a checkout that waits. */
async function made({ vendor }) {
  const admin = (method, path, body) => ask(vendor.url, method, `/v1/admin/products/${path}`, body, vendor.admin_key);
  const offers = [];
  for (const { slug, title, summary } of GOODS) {
    await admin("PUT", slug, { kind: "service", title, summary, description: `${summary}\n\n${title}`, categories: [title.slice(0, 40)], tags: [title.slice(0, 40)] });
    const price = { amount: 10_000, unit: "AUR" };
    offers.push((await admin("PUT", `${slug}/offers/standard`, { price, terms: { kind: "perpetual" } })).id);
    await admin("POST", `${slug}/publish`);
  }
  const email = `${LONG.slice(0, 24)}-${Date.now()}@${LONG.slice(0, 20)}.example.org`;
  const { token } = await ask(vendor.url, "POST", "/v1/accounts", { email, password: PASSWORD });
  await ask(vendor.url, "POST", "/v1/top-ups", { tokens: { amount: 100_000, unit: "AUR" }, method: "demo" }, token, "words");
  const total = { amount: 30_000, unit: "AUR" };
  const order = await ask(vendor.url, "POST", "/v1/purchases", { lines: offers.map((offer) => ({ offer })), expected_total: total }, token, "words-all");
  return { email, order };
}

async function words(town, browser) {
  const { vendor } = town;
  try {
    const { email, order } = await made(town);
    const faults = [];
    for (const { name, ...look } of LOOKS) {
      await withPerson(browser, `words-${name}`, look, async (one) => {
        const look_at = async (what, path) => {
          if (path) await one.open(vendor.url + path);
          await holds(one.page, `words-${name}-${what}`).catch((error) => faults.push(error.message));
        };
        await look_at("home", "/");
        await look_at("list", "/products?q=2027");
        await one.open(`${vendor.url}/sign-in`);
        await one.signs_in(email);
        await one.at("Your wallet");
        await look_at("wallet");
        for (const { slug } of GOODS) await look_at(slug, `/products/${slug}`);
        for (const { slug } of GOODS) {
          await one.open(`${vendor.url}/products/${slug}`);
          await one.press("Add to cart");
          await one.at("Your cart");
        }
        await look_at("cart");
        await one.press("Check out");
        await one.at("You own this already");
        await look_at("owned");
        await one.press("Buy it again anyway");
        await one.at("Confirm your order");
        await look_at("confirm");
        await look_at("order", `/orders/${order.id}`);
        await look_at("receipt", `/orders/${order.id}/receipt`);
        await look_at("library", "/library");
        await one.press(LONG);
        await one.at(LONG);
        await look_at("license");
        await look_at("account", "/account");
        await look_at("orders", "/orders");
      });
      await withPerson(browser, `words-${name}-desk`, look, async (one) => {
        await one.open(`${vendor.url}/admin`);
        await one.signs_in(vendor.owner, vendor.password);
        await one.at("Overview");
        for (const path of ["products?q=", "products/words-long", "settings/preview", `orders/${order.id}`, `accounts?q=${encodeURIComponent(email)}`]) {
          await one.open(`${vendor.url}/admin/${path}`);
          await holds(one.page, `words-${name}-desk-${path.split("?")[0]}`).catch((error) => faults.push(error.message));
        }
      });
    }
    if (faults.length > 0) throw new Error(faults.join("\n"));
  } finally {
    // Those that were never made are not there to be put away.
    await Promise.allSettled(GOODS.map(({ slug }) => ask(vendor.url, "POST", `/v1/admin/products/${slug}/archive`, undefined, vendor.admin_key)));
  }
}

export const wordings = (town, browser) => [["words from right to left, without an end, and at twice the size", () => words(town, browser)]];
