// May a program run here, now? The checks of the crate `scrip-license`, in JavaScript with jose.
//
//   await check(SHIPPED, "ven_...", "prd_...", licenseFile, "this machine")   // "VALID", or why not
//
// `SHIPPED` is the shop's /.well-known/jwks.json of the day when the program was built; `licenseFile` is what lies beside it:
// {"code": "...", "keys": ["..."], "lease": "...", "revocations": "..."}. What it does not do is count: see docs/offline.md.

import { createHash } from "node:crypto";

import { calculateJwkThumbprint, compactVerify, decodeProtectedHeader, importJWK } from "jose";

const TOLERANCE = 24 * 60 * 60; // seconds that a clock may be behind

/** Its message is a stable reason code. */
class Refused extends Error {}

/** The claims of a document of this kind, signed with one of these keys. */
async function read(text, typ, keys) {
  let header;
  try {
    header = decodeProtectedHeader(text);
  } catch {
    throw new Refused("UNKNOWN_CODE");
  }
  const names = Object.keys(header).sort().join();
  if (header.typ !== typ || header.alg !== "EdDSA" || names !== "alg,kid,typ") throw new Refused("UNKNOWN_CODE");
  const jwk = keys.get(header.kid);
  if (!jwk) throw new Refused("BAD_SIGNATURE");
  try {
    const { payload } = await compactVerify(text, await importJWK(jwk, "EdDSA"), { algorithms: ["EdDSA"] });
    return JSON.parse(new TextDecoder().decode(payload));
  } catch {
    throw new Refused("BAD_SIGNATURE");
  }
}

/** Adds to the keys all that they announce, directly or through others. */
async function follow(keys, issuer, chain) {
  for (let known = -1; known !== keys.size; ) {
    known = keys.size;
    for (const link of chain) {
      const said = await read(link, "scrip-key+jwt", keys).catch(() => null);
      // The name is reckoned from the key (RFC 7638), never believed.
      if (said?.iss === issuer) keys.set(await calculateJwkThumbprint(said.jwk), said.jwk);
    }
  }
}

/** Refuses a lease that does not make this code good on this machine. */
async function judgeLease(text, code, dead, machine, keys, now) {
  if (!text) throw new Refused("NOT_ACTIVATED");
  const lease = await read(text.trim(), "scrip-lease+jwt", keys).catch(({ message }) => {
    throw new Refused(message === "BAD_SIGNATURE" ? message : "NOT_ACTIVATED");
  });
  if (["iss", "lic", "prd"].some((name) => lease[name] !== code[name])) throw new Refused("NOT_ACTIVATED");
  if (lease.mac !== machine) throw new Refused("WRONG_MACHINE");
  if (now + TOLERANCE < lease.iat) throw new Refused("CLOCK_ROLLBACK");
  if (dead && lease.iat <= dead.iat && dead.ended?.includes(lease.jti)) {
    throw new Refused(lease.jti.startsWith("act_") ? "NOT_ACTIVATED" : "LEASE_EXPIRED");
  }
  if (now >= lease.exp) throw new Refused("LEASE_EXPIRED");
}

async function judge(shipped, issuer, product, papers, fingerprint, now) {
  const keys = new Map(shipped.keys.map((key) => [key.kid, key]));
  await follow(keys, issuer, papers.keys ?? []);
  const code = await read(papers.code.trim(), "scrip-license+jwt", keys);
  if (code.iss !== issuer) throw new Refused("UNKNOWN_CODE");
  if (code.prd !== product) throw new Refused("WRONG_PRODUCT");

  let dead = null;
  if (papers.revocations) {
    // Whoever gives us a false list gets nothing by it.
    dead = await read(papers.revocations.trim(), "scrip-revocations+jwt", keys).catch(() => null);
    if (dead && (dead.iss !== issuer || ![undefined, product].includes(dead.prd))) dead = null;
  }
  if (dead) {
    const [last, reason] = dead.dead?.[code.lic] ?? [0];
    if (Number(code.jti.slice(code.lic.length + 1)) <= last) throw new Refused(reason);
    if (now + TOLERANCE < dead.iat) throw new Refused("CLOCK_ROLLBACK");
  }

  if (now + TOLERANCE < code.nbf) throw new Refused("NOT_STARTED");
  const machine = createHash("sha256").update(`scrip machine\n${fingerprint}`).digest("hex");
  try {
    await judgeLease(papers.lease, code, dead, machine, keys, now);
  } catch (refused) {
    if (refused.message === "CLOCK_ROLLBACK") throw refused;
    if (now >= (code.exp ?? now + 1)) throw new Refused("EXPIRED");
    if (code.act === "required") throw refused;
  }
}

/** "VALID", or the reason why not. */
export async function check(shipped, issuer, product, papers, fingerprint, now = Math.floor(Date.now() / 1000)) {
  try {
    await judge(shipped, issuer, product, papers, fingerprint, now);
    return "VALID";
  } catch (error) {
    if (error instanceof Refused) return error.message;
    throw error;
  }
}
