// Who goes through the pages: each is signed in through the forms, like a person.

import { PASSWORD, address, signs_in } from "./_person.mjs";
import { ask } from "./_shop.mjs";

/** Signs a new buyer in, with tokens, something bought, and something on the way. */
export const buyer = (server) => async (context) => {
  const email = address("crawler");
  const opened = await ask(server.url, "POST", "/v1/accounts", { email, password: PASSWORD });
  const { token: unit } = await ask(server.url, "GET", "/v1/vendor");
  const tokens = { amount: 100 * 10 ** unit.scale, unit: unit.code };
  await ask(server.url, "POST", "/v1/top-ups", { tokens, method: "demo" }, opened.token, "fund");
  await ask(server.url, "POST", "/v1/top-ups", { tokens, method: "demo", payment_method: "demo_review" }, opened.token, "wait");
  // A provider sells nothing.
  if (server.role !== "provider") await buys(server, opened.token);
  await comes_in(context, `${server.url}/sign-in`, email, PASSWORD);
};

/** Buys the first thing that has files. */
async function buys(server, token) {
  const { data } = await ask(server.url, "GET", "/v1/products");
  const found = data.find(({ kind }) => kind === "download");
  if (!found) throw new Error(`${server.url} sells nothing to download`);
  const { offers } = await ask(server.url, "GET", `/v1/products/${found.slug}`, undefined, token);
  const body = { lines: [{ offer: offers[0].id }], expected_total: offers[0].price };
  await ask(server.url, "POST", "/v1/purchases", body, token, "own");
}

/** Signs the owner in, whom the demo has made. */
export const owner = (server) => (context) => comes_in(context, `${server.url}/admin/sign-in`, server.owner, server.password);

async function comes_in(context, url, email, password) {
  const page = await context.newPage();
  await page.goto(url);
  await signs_in(page, email, password);
  // Whoever is not let in would be crawled as a stranger.
  await page.waitForURL((url) => !url.pathname.endsWith("/sign-in"));
  await page.close();
}
