// From a visitor to the owner of something, in each of the three flows, with scripts and without.

import { PHONE, together } from "./_browser.mjs";
import { withPerson } from "./_person.mjs";
import { ask, withSettings } from "./_shop.mjs";

/** An amount, however many of its decimals are written. */
export const amount = (text, before = "") => new RegExp(`${before}${text.replace(".", "\\.")}0* [A-Z]{3}`);

/** Pays with a card of the demo that is always approved; the amount is filled in already. */
export async function tops_up(one) {
  await one.at("Add funds");
  await one.pick("Demo: approved");
  await one.press("Add funds");
}

/** The files of a product, as the shop tells a visitor of them. */
export async function published(server, slug) {
  return (await ask(server.url, "GET", `/v1/products/${slug}`)).files;
}

/** What is handed out at the end: a code for typing, and a file that is what the shop says that it is. */
export async function receives(one, files) {
  await one.at("Approved");
  await one.sees(/^[0-9A-HJKMNP-TV-Z]{5}(-[0-9A-HJKMNP-TV-Z]{5}){4}$/);
  const file = await one.downloads(/^Download /);
  const right = files.find(({ name }) => name === file.name)?.sha256;
  if (right !== file.sha256) throw new Error(`${file.name}: ${file.sha256} came, ${right} is published`);
}

/** A visitor looks around, chooses two things, opens an account at the checkout, tops up what is missing, and has it. */
async function browse_first(one, { vendor }) {
  await one.open(vendor.url);
  await one.at("Aurora Instruments");
  await one.fill("Search", "tides");
  await one.press("Search");
  await one.at("Products");
  await one.press("Tides at Port Aurora, 2027");
  await one.at("Tides at Port Aurora, 2027");
  await one.pick(/Perpetual|for good/i);
  await one.press("Add to cart");
  await one.at("Your cart");
  await one.sees("Tides at Port Aurora, 2027");
  await one.go("Products");
  await one.at("Products");
  await one.press("The tide of 22 March");
  await one.fill("Quantity", "1");
  await one.press("Add to cart");
  await one.at("Your cart");
  await one.press("Check out");
  await one.press("Open an account");
  await one.registers();
  // What was chosen is kept, and exactly what is missing is offered.
  await one.at("Add funds to pay");
  await one.press(amount("4.8001", "Add "));
  await one.sees(amount("4.8001"));
  await tops_up(one);
  await one.at("Confirm your order");
  await one.sees(amount("0.00"));
  await one.press(amount("4.8001", "Pay "));
  await receives(one, await published(vendor, "tides-2027"));
  await one.press("Receipt");
  await one.at(/Receipt/);
}

/** Ordering opens with a balance: the page of the product says so, leads there, and comes back. */
async function register_first(one, { vendor }) {
  await one.open(`${vendor.url}/products/tide-of-the-day`);
  await one.at("The tide of 22 March");
  await one.sees(/You can order here once your wallet holds 5.00* AUR/);
  await one.press("Open an account");
  await one.registers();
  await one.at("The tide of 22 March");
  await one.press(amount("5.00", "Top up exactly "));
  await tops_up(one);
  await one.at("The tide of 22 March");
  await one.press("Buy now");
  await one.at("Confirm your order");
  await one.press(amount("0.0001", "Pay "));
  await receives(one, await published(vendor, "tide-of-the-day"));
}

/** Nothing is shown to who has no account. */
async function members_only(one, { vendor }, files) {
  await one.open(vendor.url);
  await one.at("Aurora Instruments");
  await one.sees("The products are shown to members.");
  await one.misses("tallow");
  await one.go("Products");
  await one.press("Open an account");
  await one.registers();
  await one.at("Products");
  await one.press("The tide of 22 March");
  await one.at("The tide of 22 March");
  await one.press("Buy now");
  await one.at("Add funds to pay");
  await one.press(/^Add /);
  await tops_up(one);
  await one.at("Confirm your order");
  await one.press(amount("0.0001", "Pay "));
  await receives(one, files);
}

/** What is hidden is named, with what unlocks it; and is there once that is done. */
async function hidden_fields(one, { vendor }) {
  await one.open(`${vendor.url}/products/six-strokes`);
  await one.at("Six strokes");
  await one.misses("About it");
  await one.press("Open an account");
  await one.registers();
  await one.at("Six strokes");
  await one.sees("About it");
  await one.open(`${vendor.url}/products/paper-and-slate`);
  await one.at("Paper and slate");
  await one.misses(amount("9.00"));
  await one.press(/^(Top up exactly|Add funds)/);
  await one.at("Add funds");
  await one.fill(/^(How much|Another amount)/, "9");
  await tops_up(one);
  await one.at("Paper and slate");
  await one.sees(amount("9.00"));
  await one.press("Buy now");
  await one.at("Confirm your order");
  await one.press(amount("9.00", "Pay "));
  await receives(one, await published(vendor, "paper-and-slate"));
}

/** The tokens go elsewhere before the order is confirmed: it is declined, exactly what is missing is added, and it goes through. */
async function declined(one, { vendor }) {
  await one.open(`${vendor.url}/register`);
  await one.registers();
  await one.at("Your wallet");
  await one.open(`${vendor.url}/wallet/top-up`);
  await one.fill(/^(How much|Another amount)/, "5");
  await tops_up(one);
  await one.at("Funds added");
  await one.open(`${vendor.url}/products/tides-2027`);
  await one.at("Tides at Port Aurora, 2027");
  await one.press("Buy now");
  await one.at("Confirm your order");
  // In another window, for something else.
  const other = await one.another();
  await other.open(`${vendor.url}/products/tallow`);
  await other.at("tallow");
  await other.pick(/30 days/);
  await other.press("Buy now");
  await other.at("Confirm your order");
  await other.press(amount("1.25", "Pay "));
  await other.at("Approved");
  await one.press(amount("4.80", "Pay "));
  await one.at("Declined");
  await one.sees(/The order needed 4.80.* and 3.75.* could be spent/);
  await one.press(amount("1.05", "Add "));
  await tops_up(one);
  await one.at("Confirm your order");
  await one.press(amount("4.80", "Pay "));
  await receives(one, await published(vendor, "tides-2027"));
}

/** The order waits at the merchant, is paid at its provider, by somebody who was at neither before, and is handed out here. */
async function across(one, { merchant }) {
  await one.open(merchant.url);
  await one.at("Field Sounds");
  await one.go("Products");
  await one.at("Products");
  const { data } = await ask(merchant.url, "GET", "/v1/products");
  await one.press(data[0].title);
  await one.at(data[0].title);
  await one.press("Buy now");
  await one.at("Buy from Field Sounds");
  await one.press("Open an account");
  await one.registers();
  await one.at("Buy from Field Sounds");
  await one.press(/^Add .* MRD/);
  await tops_up(one);
  await one.at("Buy from Field Sounds");
  await one.press(/^Pay .* MRD/);
  await receives(one, await published(merchant, data[0].slug));
}

/** No is an answer: the buyer is back at the shop, and has paid nothing. */
async function declined_across(one, { merchant }) {
  const { data } = await ask(merchant.url, "GET", "/v1/products");
  await one.open(`${merchant.url}/products/${data[0].slug}`);
  await one.press("Buy now");
  await one.at("Buy from Field Sounds");
  await one.press("Open an account");
  await one.registers();
  await one.at("Buy from Field Sounds");
  await one.press("Decline");
  await one.at("Declined");
  await one.sees("Nothing was charged.");
  await one.press("Order the same again");
  await one.at("Buy from Field Sounds");
}

/** A German reader finds German goods, and is told the vendor's time. */
async function in_german(one, { vendor }) {
  await one.open(`${vendor.url}/products`);
  await one.at("Produkte");
  await one.fill("Suche", "seekartennull");
  await one.press("Suche");
  await one.at("Produkte");
  await one.press("Gezeiten in Port Aurora, 2027");
  await one.at("Gezeiten in Port Aurora, 2027");
  await one.sees(/1410 Hoch- und Niedrigwasser/);
  await one.sees(/^Daten$/);
  await one.sees(/\d\d\.\d\d\.\d{4}, \d\d:\d\d CES?T/);
}

// What the shop is set to meanwhile.
const FLOWS = {
  browse_first: { flow: "browse_first" },
  register_first: { flow: "register_first", threshold: { policy: "fixed", amount: { amount: 50_000, unit: "AUR" } } },
  members_only: { flow: "members_only" },
  in_german: { look: { time_zone: "Europe/Berlin" } },
};
// What their browsers ask for.
const LOCALES = { in_german: { locale: "de-AT" } };

/** Each of them by two people at the same time: one with scripts, at a desk, and one without, on a phone in the dark. */
export function buying(town, browser) {
  const journeys = { browse_first, register_first, members_only, hidden_fields, declined, across, declined_across, in_german };
  return Object.entries(journeys).map(([name, journey]) => {
    const check = async () => {
      // A visitor is told of them now, and in one of the flows not any more.
      const files = await published(town.vendor, "tide-of-the-day");
      const as = (how, look) => withPerson(browser, `${name}-${how}`, { ...look, ...LOCALES[name] }, (one) => journey(one, town, files));
      const both = () => together([as("scripts", {}), as("no-scripts", { ...PHONE, javaScriptEnabled: false })]);
      await (FLOWS[name] ? withSettings(town.vendor, FLOWS[name], both) : both());
    };
    return [`${name.replaceAll("_", " ")}, with scripts and without`, check];
  });
}
