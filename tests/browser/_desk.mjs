// The console: people of the vendor sign in, with a second factor where they have one, and do what they are there for.

import { createHash, createHmac } from "node:crypto";
import { address, withPerson } from "./_person.mjs";
import { amount, published, tops_up } from "./_buying.mjs";
import { ask, withSettings } from "./_shop.mjs";

/** The owner at the desk. */
export const staff = (browser, name, server, work) =>
  withPerson(browser, name, {}, async (desk) => {
    desk.goes = (section) => desk.press(section, desk.page.getByRole("navigation", { name: "Console" }).filter({ visible: true }));
    await desk.open(`${server.url}/admin`);
    await desk.signs_in(server.owner, server.password);
    await desk.at("Overview");
    return work(desk);
  });

/** The six digits that an authenticator shows at a time (RFC 6238). */
function totp(secret, at) {
  const bits = [...secret.replace(/\s/g, "")].map((sign) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(sign).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const mac = createHmac("sha1", key).update(counter).digest();
  const place = mac[19] & 15;
  return String((mac.readUInt32BE(place) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** Somebody is invited, chooses a password, sets a second factor up, and from then on signs in with it. */
async function second_factor(browser, { vendor }) {
  const email = address("clerk");
  const link = await staff(browser, "invites", vendor, async (desk) => {
    await desk.goes("Staff");
    await desk.at("Staff");
    await desk.fill("E-mail", email);
    await desk.fill("Name", "Cleo");
    await desk.pick("Read only");
    await desk.press("Make the invitation");
    await desk.at("Invitation");
    return desk.main.locator("code").first().innerText();
  });
  await withPerson(browser, "second-factor", {}, async (one) => {
    await one.open(link);
    await one.fill("Password", "a long enough password");
    await one.fill("The same again", "a long enough password");
    await one.press("Begin");
    await one.at("Overview");
    await one.open(`${vendor.url}/admin/me`);
    await one.at("You");
    await one.press("Set it up");
    await one.at("Second factor");
    await one.press("Set it up");
    const secret = await one.main.locator("dd code").first().innerText();
    await one.fill("Code", totp(secret, Date.now()));
    await one.press("Turn it on");
    await one.at("Second factor is on");
    const [recovery] = await one.main.getByRole("listitem").allInnerTexts();
    await one.press("I have kept them");
    await one.at("Overview");
    await one.press("Sign out", one.page.getByRole("banner"));
    await one.signs_in(email, "a long enough password");
    await one.fill("Code", "000000");
    await one.press("Go on");
    await one.page.getByRole("alert").waitFor();
    // A code opens once: the one that turned it on is used up, and the next one comes within half a minute. So one that does not wait.
    await one.fill("Code", recovery.trim());
    await one.press("Go on");
    await one.at("Overview");
  });
}

/** A product from nothing: its offer, its release with a file, and there it is in the shop, until it is taken off sale. */
async function sells(browser, { vendor }) {
  const title = `Rope and canvas ${Date.now()}`;
  await staff(browser, "sells", vendor, async (desk) => {
    await desk.goes("Products");
    await desk.at("Products");
    await desk.press("New product");
    await desk.at("New product");
    await desk.fill("Title", title);
    await desk.fill("Summary", "What holds a boat together.");
    await desk.fill("Description", "# Rope\n\nAnd *canvas*.");
    await desk.press("Preview the texts");
    await desk.sees("Nothing is saved yet.");
    await desk.main.locator("form").getByRole("button").first().click();
    await desk.at(title);
    const slug = new URL(desk.page.url()).pathname.split("/").at(-1);
    try {
      await offers(browser, vendor, desk, title);
    } finally {
      await ask(vendor.url, "POST", `/v1/admin/products/${slug}/archive`, undefined, vendor.admin_key);
    }
  });
}

async function offers(browser, vendor, desk, title) {
  const file = { name: "rope.txt", mimeType: "text/plain", buffer: Buffer.from("Hemp, three strands.\n".repeat(4_000)) };
  await desk.press("Add an offer");
  await desk.at("New offer");
  await desk.fill("Name of the offer", "standard");
  await desk.fill(/^Price in/, "2");
  await desk.press("Add this offer");
  await desk.at(title);
  await desk.press("Make a release");
  await desk.at("New release");
  await desk.fill("Version", "1.0");
  await desk.fill("What is new", "Everything.");
  await desk.press("Make it");
  await desk.at("Release 1.0");
  await desk.main.getByLabel("Files", { exact: true }).setInputFiles(file);
  await desk.press("Upload");
  await desk.main.getByRole("table").getByText("rope.txt").waitFor();
  await desk.press("Publish this release");
  await desk.at("Publish this release?");
  await desk.press("Publish it");
  await desk.open(desk.page.url().replace(/\/(releases|stable).*/, ""));
  await desk.at(title);
  await desk.press("Publish it");
  await desk.press("Publish");
  await desk.at(title);
  await desk.press("In the shop");
  await desk.at(title);
  const [{ sha256 }] = await published(vendor, new URL(desk.page.url()).pathname.split("/").at(-1));
  const right = createHash("sha256").update(file.buffer).digest("hex");
  if (sha256 !== right) throw new Error(`${sha256} is published, ${right} was uploaded`);
  await withPerson(browser, "finds-it", {}, async (one) => {
    await one.open(`${vendor.url}/products?q=canvas`);
    await one.press(title);
    await one.at(title);
    await one.sees("What holds a boat together.");
  });
}

/** What was bought is given back, and the buyer's wallet has it. */
async function refunds(browser, { vendor }) {
  await withPerson(browser, "refunded", {}, async (one) => {
    await one.open(`${vendor.url}/products/tides-2027`);
    await one.press("Buy now");
    await one.press("Open an account");
    await one.registers();
    await one.at("Add funds to pay");
    await one.press(/^Add /);
    await tops_up(one);
    await one.at("Confirm your order");
    await one.press(/^Pay /);
    await one.at("Approved");
    const here = one.page.url();
    await staff(browser, "refunds", vendor, async (desk) => {
      await desk.goes("Orders");
      await desk.at("Orders");
      await desk.open(`${vendor.url}/admin/orders/${here.split("/").at(-1)}`);
      await desk.press("Give tokens back");
      await desk.at("Give tokens back");
      await desk.fill(/^(Why|Reason)/, "Asked for within the hour");
      await desk.press("Go on");
      await desk.at("Give this back?");
      await desk.press(amount("4.80", "Give back "));
      await desk.sees(/refunded/i);
    });
    await one.open(here);
    await one.at("Refunded");
    await one.open(`${vendor.url}/wallet`);
    await one.sees(amount("4.80"));
  });
}

/** A setting is changed in its form, holds at once, and the preview shows the shop to whom it will be shut. */
async function settings(browser, { vendor }) {
  const flow = async () => (await ask(vendor.url, "GET", "/v1/vendor")).flow;
  const before = await flow();
  const changes = async (desk) => {
    const chosen = async (option) => {
      await desk.goes("Settings");
      await desk.at("Settings");
      const group = desk.main.locator("section").filter({ has: desk.page.locator(`input[value=${option}]`) });
      await group.locator(`input[value=${option}]`).check();
      await desk.press("Save", group);
      await desk.sees(/^Saved: /);
    };
    await chosen("members_only");
    if ((await flow()) !== "members_only") throw new Error("it does not hold");
    await desk.press("See the shop as buyers see it");
    await desk.at("The shop as buyers see it");
    await desk.sees("Somebody without an account.");
    await desk.misses("tallow");
    await desk.press("A member", desk.main.getByRole("navigation", { name: "As whom" }));
    await desk.sees("tallow");
    await desk.press("tallow");
    await desk.at("As others see it");
    await chosen(before);
    if ((await flow()) !== before) throw new Error("it is not taken back");
    await desk.goes("Audit log");
    await desk.at("Audit log");
  };
  // Whatever comes of it, what comes after finds the shop as it was.
  await withSettings(vendor, { flow: before }, () => staff(browser, "settings", vendor, changes));
}

export function desks(town, browser) {
  return Object.entries({ second_factor, sells, refunds, settings }).map(([name, journey]) => [
    `the desk: ${name.replaceAll("_", " ")}`,
    () => journey(browser, town),
  ]);
}
