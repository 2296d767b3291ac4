// The pages in a browser: every page that links lead to, every journey of a buyer, a provider's, a partner's and the staff's,
// what they weigh, and what Lighthouse says of them. One demo, one browser, one part after the other.
//
// `node tests/browser/pages.mjs crawl` runs the one part, `... crawl buyer` what has that word in its name.

import { report, withBrowser } from "./_browser.mjs";
import { withTown } from "./_shop.mjs";
import { buying } from "./_buying.mjs";
import { crawls } from "./_crawl.mjs";
import { desks } from "./_desk.mjs";
import { wallets } from "./_wallet.mjs";

// What each part does, and how much of it side by side: what changes the shop's settings is alone.
const PARTS = { buying: [buying, 1], wallet: [wallets, 2], desk: [desks, 1], crawl: [crawls, 3] };

const [only, word = ""] = process.argv.slice(2);
if (only && !PARTS[only]) throw new Error(`there are ${Object.keys(PARTS).join(", ")}`);
await withTown((town) =>
  withBrowser(async (browser) => {
    for (const [name, [part, side_by_side]] of Object.entries(PARTS)) {
      if (only && name !== only) continue;
      console.log(`    ${name}`);
      await report((await part(town, browser)).filter(([name]) => name.includes(word)), side_by_side);
    }
  }),
);
