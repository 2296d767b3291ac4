// What the first page weighs on its way to somebody who was never here, without its pictures.

import { withPerson } from "./_person.mjs";

const MOST = 20_000;

async function weighs(one, { vendor }) {
  const session = await one.context.newCDPSession(one.page);
  await session.send("Network.enable");
  const kinds = new Map();
  const bytes = [];
  session.on("Network.responseReceived", ({ requestId, type, response }) => kinds.set(requestId, { type, url: response.url }));
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => bytes.push([kinds.get(requestId), encodedDataLength]));
  await one.page.goto(vendor.url, { waitUntil: "networkidle" });
  // Heads of answers count too: they are on the same way.
  const counted = bytes.filter(([of]) => of && of.type !== "Image");
  const sum = counted.reduce((sum, [, length]) => sum + length, 0);
  console.log(`        ${sum} bytes: ${counted.map(([{ url }, length]) => `${new URL(url).pathname} ${length}`).join(", ")}`);
  if (counted.length < 2) throw new Error("no page with a sheet was loaded");
  if (sum >= MOST) throw new Error(`${sum} bytes, and less than ${MOST} are promised`);
}

export const weights = (town, browser) => [["the first page weighs little", () => withPerson(browser, "weight", {}, (one) => weighs(one, town))]];
