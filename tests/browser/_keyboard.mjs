// A whole purchase without a mouse: Tab, Enter, Space, arrows and typing, from the home page to the code. Where one is can always be
// seen, and one always gets on.

import { PHONE } from "./_browser.mjs";
import { PASSWORD, address, withPerson } from "./_person.mjs";

/** What has the focus: what it is called, and whether that is to be seen. */
function focused() {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const seen = (element) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    return outlineStyle !== "none" && parseFloat(outlineWidth) >= 1;
  };
  const label = one.labels?.[0];
  const name = one.getAttribute("aria-label") ?? (label ?? one).innerText.trim().replace(/\s+/g, " ");
  const { top, bottom, left, right, width, height } = one.getBoundingClientRect();
  const inside = bottom > 0 && right > 0 && top < innerHeight && left < innerWidth && width > 0 && height > 0;
  return { name, tag: one.tagName, visible: inside && (seen(one) || (label !== undefined && seen(label))) };
}

/** Goes on with Tab until what has the focus is called so. */
async function tab_to(one, name) {
  const passed = [];
  for (let n = 0; n < 80; n++) {
    await one.page.keyboard.press("Tab");
    const now = await one.page.evaluate(focused);
    if (now === null) continue;
    if (!now.visible) throw new Error(`the focus is on ${now.tag} "${now.name}", and is not to be seen (${one.page.url()})`);
    passed.push(now.name);
    if (typeof name === "string" ? now.name === name : name.test(now.name)) return;
  }
  throw new Error(`Tab does not come to ${name} at ${one.page.url()}, but to: ${passed.join(" | ")}`);
}

async function purchase(one, { vendor }) {
  const { keyboard } = one.page;
  const press = async (name, key = "Enter") => {
    await tab_to(one, name);
    await keyboard.press(key);
  };
  const type = async (name, text) => {
    await tab_to(one, name);
    await keyboard.type(text);
  };
  await one.open(vendor.url);
  await one.at("Aurora Instruments");
  // The first stop leads past all that stands above.
  await press("Skip to the content");
  await type("Search", "tide");
  await keyboard.press("Enter");
  await one.at("Products");
  await press("The tide of 22 March");
  await one.at("The tide of 22 March");
  await press("Buy now");
  await one.at(/sign in|account/i);
  await press("Open an account");
  await one.at("Open an account");
  await type("E-mail", address("keyboard"));
  await type("Password", PASSWORD);
  await press("Open the account");
  await one.at("Add funds to pay");
  await press(/^Add /);
  await one.at("Add funds");
  // Among ways to pay one goes with the arrows: Tab enters the group at the one that is chosen.
  await tab_to(one, /^Demo: approved/);
  await press("Add funds");
  await one.at("Confirm your order");
  await press(/^Pay /);
  await one.at("Approved");
  await tab_to(one, /^Download /);
  await tab_to(one, "How to use the code");
  await keyboard.press("Enter");
  await one.sees("Capital letters and dashes do not matter.");
  // On to the end of the page, and out of it: nothing holds the focus.
  await tab_to(one, "Problems");
  await keyboard.press("Tab");
  await keyboard.press("Tab");
  const now = await one.page.evaluate(focused);
  if (now?.name === "Problems") throw new Error("the end of the page holds the focus");
}

export function keyboards(town, browser) {
  const looks = [["wide", {}], ["on a dark phone", PHONE]];
  return looks.map(([name, look]) => [
    `a purchase by keyboard, ${name}`,
    () => withPerson(browser, `keyboard-${name}`, look, (one) => purchase(one, town)),
  ]);
}
