// The wallet: each way to add funds, with whoever of the staff has to do something for it, and turning tokens into a partner's.
// And what was bought before: extended, given a new code, activated.

import { amount, receives, published, tops_up } from "./_buying.mjs";
import { staff } from "./_desk.mjs";
import { withPerson } from "./_person.mjs";

/** Opens an account, and gives its owner the page where funds are added. */
async function begins(one, server) {
  await one.open(`${server.url}/register`);
  await one.registers();
  await one.at("Your wallet");
  await one.sees("Your wallet is empty");
  await one.press("Add funds");
  await one.at("Add funds");
}

/** Fills in how much, and by which way. */
async function wants(one, tokens, way) {
  await one.fill(/^(How much|Another amount)/, tokens);
  await one.pick(way);
  await one.press("Add funds");
}

async function cards(one, { vendor }) {
  await begins(one, vendor);
  await wants(one, "7.5", "Demo: approved");
  await one.at("Funds added");
  await one.open(`${vendor.url}/wallet/top-up`);
  await wants(one, "2", "Demo: declined");
  await one.at("Add funds");
  await one.sees(/not approved/);
  await one.press("See why, and what you can do");
  await one.at("Not approved");
  await one.fill("What should be considered", "It is my own card.");
  await one.press("Ask");
  await one.at("Somebody looks at it");
  // A card that is kept, and pays the next time.
  await one.open(`${vendor.url}/account`);
  await one.at("Your account");
  await one.press("Add a card");
  await one.at("A card of the demo");
  await one.press("Keep it");
  await one.sees(/ending in \d{4}/);
  await one.open(`${vendor.url}/wallet/top-up`);
  await wants(one, "1", /ending in \d{4}/);
  await one.at("Funds added");
  await one.open(`${vendor.url}/wallet/automatic`);
  await one.at("Automatic top-up");
  await one.fill(/^When less than this is left/, "5");
  await one.fill(/^Fill up to/, "20");
  await one.fill("At most in 30 days", "50");
  await one.press("Save");
  await one.at("Your wallet");
  await one.sees(/Below 5.00.* it is filled up to 20.00/);
  await one.press("Save as a table (CSV)");
  await one.at("Save the statement");
}

/** A person of the vendor looks at it, and says yes. */
async function review(one, town, browser) {
  await begins(one, town.vendor);
  await wants(one, "3", "Demo: reviewed");
  await one.at("Somebody looks at it");
  const here = one.page.url();
  const name = here.match(/top_[0-9a-z]+/)[0];
  await staff(browser, "review-desk", town.vendor, async (desk) => {
    await desk.goes("Top-ups");
    await desk.at("Top-ups");
    await desk.press(name);
    await desk.sees("Decide");
    await desk.fill(/^(Why|Reason)/, "Known to us.");
    await desk.press("Approve");
    await desk.sees("Your word is on record");
  });
  await one.open(here);
  await one.at("Funds added");
}

/** The reference is told, the money comes, somebody books it. */
async function transfer(one, town, browser) {
  await begins(one, town.vendor);
  await wants(one, "12", "Bank transfer or cheque");
  await one.at("Your turn");
  await one.sees("Transfer to Port Aurora Savings");
  const here = one.page.url();
  const name = here.match(/top_[0-9a-z]+/)[0];
  await staff(browser, "transfer-desk", town.vendor, async (desk) => {
    await desk.goes("Top-ups");
    await desk.at("Top-ups");
    await desk.fill("Find top-ups", name);
    await desk.press("Find");
    await desk.fill(/^Money/, "12");
    await desk.fill(/^Where it stands/, "Statement 7, line 2");
    await desk.press(/^Book$/);
    await desk.sees("Statement 7, line 2");
  });
  await one.open(here);
  await one.at("Funds added");
}

/** Codes are made at the desk, and one of them is redeemed. */
async function voucher(one, town, browser) {
  const code = await staff(browser, "voucher-desk", town.vendor, async (desk) => {
    await desk.goes("Vouchers and coupons");
    await desk.press("Make vouchers");
    await desk.at("Make vouchers");
    await desk.fill(/^What they are for/, "For the browser");
    await desk.fill(/^Each brings/, "4");
    await desk.fill(/^How many$/, "2");
    await desk.press("Make them");
    await desk.at("For the browser");
    const codes = await desk.main.getByLabel("2 codes").inputValue();
    return codes.trim().split(/\s+/)[0];
  });
  await begins(one, town.vendor);
  await one.fill("Code of the voucher", "nonsense");
  await one.press("Redeem");
  await one.at("Add funds");
  await one.sees(/cannot be redeemed/);
  await one.fill("Code of the voucher", code.toLowerCase());
  await one.press("Redeem");
  await one.at("Funds added");
}

/** Tokens now, money later, as far as the vendor agrees. */
async function credit_line(one, town, browser) {
  await begins(one, town.vendor);
  await staff(browser, "credit-desk", town.vendor, async (desk) => {
    await desk.goes("Accounts");
    await desk.at("Accounts");
    await desk.fill(/^Find/, one.email);
    await desk.press("Find");
    await desk.sees("What you can do");
    const line = desk.main.locator("details").filter({ hasText: "Credit limit" }).last();
    await line.locator("summary").click();
    await desk.fill("The most that may be owed", "20", line);
    await desk.press("Set", line);
    await desk.sees(/20.00 EUR/);
  });
  await one.open(`${town.vendor.url}/wallet/top-up`);
  await wants(one, "6", "On your credit line");
  await one.at("Funds added");
  await one.press("Go to your wallet");
  await one.at("Your wallet");
  await one.sees("You may owe");
}

/** The account there is linked first; then tokens of the one become tokens of the other. */
async function partner(one, town, browser) {
  await transfer(one, town, browser);
  await one.open(`${town.vendor.url}/wallet`);
  await one.press("Belle Isle Sounds");
  await one.at("Belle Isle Sounds");
  await one.press("Link my account at Belle Isle Sounds");
  await one.press("Open an account");
  await one.registers();
  await one.at("Link with Aurora Instruments");
  await one.press("Link this account");
  await one.at("Belle Isle Sounds");
  await one.fill(/^How many AUR do you give/, "10");
  await one.press("See the offer");
  await one.at("Exchange with Belle Isle Sounds");
  await one.press(/^Give /);
  await one.at("Your exchange with Belle Isle Sounds");
  await one.sees(/39.00 BEL/);
  await one.open(`${town.partner.url}/wallet`);
  await one.at("Your wallet");
  await one.sees(/39.00 BEL/);
  await one.press("Cut the link");
  await one.at("Your wallet");
}

/** Somebody signs in at a merchant through its provider, sees there who knows them, and takes it back. */
async function connects(one, { merchant, provider }) {
  await one.open(merchant.url);
  await one.at("Field Sounds");
  await one.go("Sign in");
  await one.at("Sign in");
  await one.press("Go on to the provider");
  await one.press("Open an account");
  await one.registers();
  await one.at("Sign in at Field Sounds");
  await one.sees("What it will not know");
  await one.pick(/Also tell Field Sounds/);
  await one.press("Sign in at Field Sounds");
  await one.page.getByRole("banner").getByRole("link", { name: "Library" }).waitFor();
  if (!one.page.url().startsWith(merchant.url)) throw new Error(`ended at ${one.page.url()}`);
  await one.open(`${provider.url}/account/merchants`);
  await one.at("Merchants that know you");
  await one.press(/^Disconnect/);
  await one.at("Disconnect Field Sounds?");
  await one.press("Disconnect");
  await one.at("Merchants that know you");
  await one.misses("Field Sounds");
}

/** What is owned: extended, given a new code, active on a machine and not any more. */
async function library(one, { vendor }) {
  await begins(one, vendor);
  await wants(one, "20", "Demo: approved");
  await one.at("Funds added");
  await one.open(`${vendor.url}/products/tallow`);
  await one.pick(/30 days/);
  await one.press("Buy now");
  await one.at("Confirm your order");
  await one.press(amount("1.25", "Pay "));
  await receives(one, await published(vendor, "tallow"));
  await one.press("Your library");
  await one.at("Your library");
  await one.press("tallow");
  await one.at("tallow");
  const here = one.page.url();
  await one.press("Extend");
  await one.at("Extend tallow");
  await one.fill("How many times", "2");
  await one.press("Go on to the checkout");
  await one.at("Confirm your order");
  await one.press(amount("2.50", "Pay "));
  await one.at("Approved");
  await one.open(here);
  const old = await one.main.locator("code").filter({ hasText: /^[0-9A-Z]{5}(-[0-9A-Z]{5}){4}$/ }).first().innerText();
  await one.press("Get a new code");
  await one.at("Get a new code");
  await one.press("Replace the code");
  await one.at("tallow");
  await one.misses(old);
  const code = await one.main.locator("code").filter({ hasText: /^[0-9A-Z]{5}(-[0-9A-Z]{5}){4}$/ }).first().innerText();
  await one.open(`${vendor.url}/activate`);
  await one.at("Activate a machine");
  const refused = () => one.main.getByRole("alert").waitFor();
  for (const [what, comes] of [[old, refused], [code, () => one.at("The machine is active")]]) {
    if (!(await one.main.getByLabel("Authorization code").isVisible())) await one.unfold("There is no request");
    await one.fill("Authorization code", what);
    await one.fill("Fingerprint of the machine", "browser-test-machine-0001");
    await one.fill("What you call the machine", "Workbench");
    await one.press("Activate", one.main.locator("form").filter({ hasText: "Fingerprint" }));
    await comes();
  }
  await one.press("Show the license");
  await one.at("tallow");
  await one.sees("Workbench");
  await one.press(/^Deactivate/);
  await one.at("Deactivate Workbench");
  await one.press("Deactivate");
  await one.at("tallow");
}

export function wallets(town, browser) {
  const journeys = { cards, review, transfer, voucher, credit_line, partner, connects, library };
  return Object.entries(journeys).map(([name, journey]) => [
    name.replaceAll("_", " "),
    () => withPerson(browser, name, {}, (one) => journey(one, town, browser)),
  ]);
}
