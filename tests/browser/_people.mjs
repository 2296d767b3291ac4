// Who goes through the pages: each is signed in through the forms, like a person.

import { ask } from "./_shop.mjs";

const PASSWORD = "correct horse battery";

/** Signs a new buyer in, with tokens, something bought, and something on the way. */
export const buyer = (server) => async (context) => {
  const email = `crawler-${Date.now()}@example.org`;
  const opened = await ask(server.url, "POST", "/v1/accounts", { email, password: PASSWORD });
  const { token: unit } = await ask(server.url, "GET", "/v1/vendor");
  const tokens = { amount: 100 * 10 ** unit.scale, unit: unit.code };
  await ask(server.url, "POST", "/v1/top-ups", { tokens, method: "demo" }, opened.token, "fund");
  await ask(server.url, "POST", "/v1/top-ups", { tokens, method: "demo", payment_method: "demo_review" }, opened.token, "wait");
  // A provider sells nothing.
  const { data } = await ask(server.url, "GET", "/v1/products").catch(() => ({ data: [] }));
  const slug = data.find((one) => one.kind === "download")?.slug;
  if (slug) {
    const { offers } = await ask(server.url, "GET", `/v1/products/${slug}`, undefined, opened.token);
    const body = { lines: [{ offer: offers[0].id }], expected_total: offers[0].price };
    await ask(server.url, "POST", "/v1/purchases", body, opened.token, "own");
  }
  const page = await context.newPage();
  await page.goto(`${server.url}/sign-in`);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  // Whoever is not let in would be crawled as a stranger.
  await page.waitForURL((url) => !url.pathname.endsWith("/sign-in"));
  await page.close();
};

/** Signs the owner in, whom the demo has made. */
export const owner = (server) => async (context) => {
  const page = await context.newPage();
  await page.goto(`${server.url}/admin/sign-in`);
  await page.getByLabel("E-mail").fill(server.owner);
  await page.getByLabel("Password").fill(server.password);
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  // Whoever is not let in would be crawled as a stranger.
  await page.waitForURL((url) => !url.pathname.endsWith("/sign-in"));
  await page.close();
};
