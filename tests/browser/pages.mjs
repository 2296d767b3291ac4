// The pages in a browser: the journeys of buyers and staff, passkeys, a purchase by keyboard, words of all kinds, what the first page weighs,
// what Lighthouse says, and every page that links lead to. One demo, one browser; pictures of it are kept in target/browser/shots.
//
// `node tests/browser/pages.mjs crawl` runs the one part, `... crawl buyer` what has that word in its name. With `SCRIP_TOWN`, on a
// demo that runs already (`_shop.mjs`).

import { forgets, report, withBrowser } from "./_browser.mjs";
import { buying } from "./_buying.mjs";
import { crawls } from "./_crawl.mjs";
import { desks } from "./_desk.mjs";
import { keyboards } from "./_keyboard.mjs";
import { lighthouses } from "./_lighthouse.mjs";
import { passkeys } from "./_passkeys.mjs";
import { withTown } from "./_shop.mjs";
import { wallets } from "./_wallet.mjs";
import { weights } from "./_weight.mjs";
import { wordings } from "./_words.mjs";

// What each part does, and how much of it side by side: what changes the shop's settings, or is timed, is alone.
const PARTS = {
  buying: [buying, 1],
  wallet: [wallets, 2],
  desk: [desks, 1],
  passkeys: [passkeys, 2],
  keyboard: [keyboards, 2],
  words: [wordings, 1],
  weight: [weights, 1],
  lighthouse: [lighthouses, 1],
  crawl: [crawls, 2],
};

const [only, word = ""] = process.argv.slice(2);
if (only && !Object.hasOwn(PARTS, only)) throw new Error(`there are ${Object.keys(PARTS).join(", ")}`);
if (!only) forgets();
await withTown((town) =>
  withBrowser(async (browser) => {
    for (const [name, [part, side_by_side]] of Object.entries(PARTS)) {
      if (only && name !== only) continue;
      const begun = Date.now();
      console.log(`    ${name}`);
      const checks = part(town, browser).filter(([check]) => check.includes(word));
      if (checks.length === 0) throw new Error(`nothing in ${name} has "${word}" in its name`);
      await report(checks, side_by_side);
      console.log(`        ${Math.round((Date.now() - begun) / 1000)} s`);
    }
  }),
);
