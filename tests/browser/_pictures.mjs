// The pictures in README.md and docs, made anew: `SCRIP_BIN=target/debug/scrip node tests/browser/_pictures.mjs`. They are put into
// target/browser/pictures; whoever takes them over makes them small first (fewer colours), and looks at them.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { TARGET, withBrowser } from "./_browser.mjs";
import { withPerson } from "./_person.mjs";
import { withTown } from "./_shop.mjs";
import { tops_up } from "./_buying.mjs";

const FOLDER = join(TARGET, "browser", "pictures");
const WIDE = { viewport: { width: 1280, height: 900 } };
const HIGH = { viewport: { width: 1280, height: 960 } };
const PHONE = { viewport: { width: 390, height: 800 }, colorScheme: "dark", deviceScaleFactor: 2 };

const picture = (one, name) => one.page.screenshot({ path: join(FOLDER, `${name}.png`) });

async function shop(one, { vendor }) {
  await one.open(vendor.url);
  await one.page.waitForLoadState("networkidle");
  await picture(one, "shop");
}

async function product(one, { vendor }) {
  await one.open(`${vendor.url}/products/reading-the-tide`);
  await one.page.waitForLoadState("networkidle");
  await picture(one, "product");
}

async function confirmation(one, { vendor }) {
  await one.open(`${vendor.url}/products/reading-the-tide`);
  await one.press("Buy now");
  await one.press("Open an account");
  await one.registers("mira@example.org");
  await one.press(/^Add /);
  await tops_up(one);
  await one.at("Confirm your order");
  await one.press(/^Pay /);
  await one.at("Approved");
  await picture(one, "confirmation");
}

async function desk(one, { vendor }) {
  await one.open(`${vendor.url}/admin`);
  await one.signs_in(vendor.owner, vendor.password);
  await one.at("Overview");
  await picture(one, "console");
}

mkdirSync(FOLDER, { recursive: true });
await withTown((town) =>
  withBrowser(async (browser) => {
    await withPerson(browser, "picture", WIDE, (one) => shop(one, town));
    await withPerson(browser, "picture", PHONE, (one) => product(one, town));
    await withPerson(browser, "picture", WIDE, (one) => confirmation(one, town));
    await withPerson(browser, "picture", HIGH, (one) => desk(one, town));
  }),
);
