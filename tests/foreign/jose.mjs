// Authorization codes are verified by jose, also after key rotation; damaged ones are not.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { webcrypto } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { compactVerify, createRemoteJWKSet } from "jose";

import { freePorts } from "../browser/_shop.mjs";

// Node 18, which Debian 12 has, keeps it in the module only.
globalThis.crypto ??= webcrypto;

/** The address and the administrator's key of a demo, as soon as its story has been told. */
async function told(stdout) {
  let shop;
  for await (const line of createInterface(stdout)) {
    const said = JSON.parse(line);
    shop ??= said.servers?.[0];
    assert.ok(said.ok ?? true, `a step of the demo did not hold: ${line}`);
    if (said.end) return shop;
  }
  throw new Error("the demo ended before its story did");
}

/** The JSON that the server answers; an error status ends the check. */
async function ask(shop, method, path, { body, token, key } = {}) {
  const headers = { "content-type": "application/json" };
  if (token) headers.authorization = `Bearer ${token}`;
  if (key) headers["idempotency-key"] = key;
  const answer = await fetch(shop.url + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${text}`);
  return JSON.parse(text);
}

/** The code of a product's first offer, bought in one step. */
async function buy(shop, slug, token) {
  const [offer] = (await ask(shop, "GET", `/v1/products/${slug}`, { token })).offers;
  const body = { lines: [{ offer: offer.id }], expected_total: offer.price };
  const order = await ask(shop, "POST", "/v1/purchases", { body, token, key: `buy-${slug}` });
  return { order: order.id, jws: order.licenses[0].code.jws };
}

async function check(shop) {
  const keys = () => createRemoteJWKSet(new URL("/.well-known/jwks.json", shop.url));
  const verify = (code) => compactVerify(code, keys(), { algorithms: ["EdDSA"] });

  const credentials = { email: "grace@jose.example", password: "correct horse" };
  const { token } = await ask(shop, "POST", "/v1/accounts", { body: credentials });
  const fund = { tokens: { amount: 1_000_000, unit: "AUR" }, method: "demo" };
  await ask(shop, "POST", "/v1/top-ups", { body: fund, token, key: "fund" });

  const before = await buy(shop, "tide-of-the-day", token);
  const good = await verify(before.jws);
  assert.equal(good.protectedHeader.typ, "scrip-license+jwt");
  assert.equal(JSON.parse(new TextDecoder().decode(good.payload)).ord, before.order);

  const [head, payload, signature] = before.jws.split(".");
  const flipped = payload.slice(0, 20) + (payload[20] === "A" ? "B" : "A") + payload.slice(21);
  const turned = [...signature].reverse().join("");
  for (const damaged of [`${head}.${flipped}.${signature}`, `${head}.${payload}.${turned}`]) {
    await assert.rejects(verify(damaged), { code: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED" });
  }

  await ask(shop, "POST", "/v1/admin/keys/rotate", { token: shop.admin_key });
  const after = await buy(shop, "reading-the-tide", token);
  const kids = [before, after].map(async ({ jws }) => (await verify(jws)).protectedHeader.kid);
  const [old, fresh] = await Promise.all(kids);
  assert.notEqual(old, fresh, "the new key signs");
  const again = await ask(shop, "GET", `/v1/orders/${before.order}`, { token });
  assert.equal(again.licenses[0].code.jws, before.jws, "an old code is shown as it was");
  console.log("jose verified codes before and after a rotation, and refused damaged ones");
}

const folder = await mkdtemp(join(tmpdir(), "scrip-jose-"));
const flags = ["demo", "--json", "--port", String(await freePorts(6)), "--keep", folder];
const server = spawn(process.env.SCRIP_BIN, flags, { stdio: ["ignore", "pipe", "inherit"] });
const ended = once(server, "exit");
try {
  await check(await told(server.stdout));
} finally {
  server.kill();
  await ended;
  await rm(folder, { recursive: true });
}
