// docs/examples/offline.mjs, with jose, says of codes, leases, lists and chains what scrip-license says.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { webcrypto } from "node:crypto";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

// Node 18, which Debian 12 has, keeps it in the module only.
globalThis.crypto ??= webcrypto;

const here = dirname(fileURLToPath(import.meta.url));
const papers = JSON.parse(execFileSync(join(dirname(process.env.SCRIP_BIN), "examples", "papers")));

/** Packages are found from where a script lies: the example is copied to where they are. */
async function example() {
  const folder = await mkdtemp(join(here, "node_modules", ".example-"));
  try {
    await copyFile(join(here, "../../docs/examples/offline.mjs"), join(folder, "offline.mjs"));
    return await import(pathToFileURL(join(folder, "offline.mjs")));
  } finally {
    await rm(folder, { recursive: true });
  }
}

const { check } = await example();
const said = new Set();
for (const { name, code, chain, lease, revocations, reason } of papers.cases) {
  const file = { code, keys: chain, lease, revocations };
  const found = await check(papers.keys, papers.issuer, papers.product, file, papers.fingerprint, papers.now);
  assert.equal(found, reason, name);
  said.add(found);
}
assert.ok(papers.cases.length > 40 && said.size > 12, [...said].join());
console.log(`jose says the same of ${papers.cases.length} papers, with ${said.size} reasons`);
