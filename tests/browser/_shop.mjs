// `scrip demo`, kept in a folder that goes with it, after its story has been told.

import { spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { createReadStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const free = (port) =>
  new Promise((done) => {
    const probe = createServer().once("error", () => done(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => done(true)));
  });

// Below those that the system gives to whoever connects, one of which could be taken between this look and the use.
/** The first of `count` free ports in a row. */
export async function freePorts(count) {
  for (let tries = 0; tries < 1000; tries++) {
    const first = 10_000 + Math.floor(Math.random() * 22_000);
    const all = await Promise.all(Array.from({ length: count }, (_, place) => free(first + place)));
    if (all.every(Boolean)) return first;
  }
  throw new Error("no free port is found");
}

/** Starts the demo, waits for the end of its story, hands its servers to `work`, and stops it. Where `SCRIP_TOWN` names what a
 * demo has said that goes on, that one is taken, as it is. */
export async function withTown(work) {
  if (process.env.SCRIP_TOWN) return work(await told(createReadStream(process.env.SCRIP_TOWN)));
  const folder = mkdtempSync(join(tmpdir(), "scrip-browser-"));
  const port = await freePorts(6);
  const args = ["demo", "--json", "--port", String(port), "--keep", join(folder, "town")];
  const demo = spawn(process.env.SCRIP_BIN, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((done) => demo.once("exit", done));
  try {
    const town = await told(demo.stdout);
    // What is printed later is nobody's, but must not fill the pipe.
    demo.stdout.resume();
    return await work(town);
  } finally {
    demo.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

async function told(input) {
  let servers;
  for await (const line of createInterface({ input })) {
    const said = JSON.parse(line);
    if (said.servers) servers = said.servers;
    if (said.ok === false) throw new Error(`a step of the demo did not hold: ${line}`);
    if (said.end) {
      const of = (role) => servers.find((server) => server.role === role);
      return { vendor: servers[0], partner: servers[1], merchant: of("merchant"), provider: of("provider") };
    }
  }
  throw new Error("the demo ended before its story did");
}

/** Starts a shop that sells nothing yet, under a name, and stops it: browsers keep passkeys for names alone. */
export async function withShop(work) {
  const folder = mkdtempSync(join(tmpdir(), "scrip-browser-"));
  const port = await freePorts(1);
  const url = `http://localhost:${port}`;
  const shop = join(folder, "shop");
  const listen = ["--listen", `127.0.0.1:${port}`, "--public-url", url];
  const made = spawnSync(process.env.SCRIP_BIN, ["init", shop, "--demo", ...listen], { encoding: "utf8" });
  if (made.status !== 0) throw new Error(made.stderr);
  const serve = ["serve", "--config", join(shop, "scrip.toml")];
  const server = spawn(process.env.SCRIP_BIN, serve, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise((done) => server.once("exit", done));
  const said = [];
  for (const output of [server.stdout, server.stderr]) output.on("data", (text) => said.push(text));
  try {
    for (let tries = 0; !(await fetch(`${url}/readyz`).then(({ ok }) => ok, () => false)); tries++) {
      if (tries === 600 || server.exitCode !== null) throw new Error(`the shop does not start: ${said.join("")}`);
      await new Promise((done) => setTimeout(done, 50));
    }
    return await work({ url });
  } finally {
    server.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the API at `url` answers. */
export async function ask(url, method, path, body, token, key) {
  const headers = {};
  if (token) headers.authorization = `Bearer ${token}`;
  if (key) headers["idempotency-key"] = key;
  if (body) headers["content-type"] = "application/json";
  const answer = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
  const said = await answer.json();
  if (!answer.ok) throw new Error(`${method} ${path}: ${JSON.stringify(said)}`);
  return said;
}

/** Does `work` while the server's settings are these, and then sets them back. */
export async function withSettings(server, change, work) {
  const before = await ask(server.url, "GET", "/v1/admin/settings", undefined, server.admin_key);
  const back = Object.fromEntries(Object.keys(change).map((name) => [name, before[name]]));
  await ask(server.url, "PATCH", "/v1/admin/settings", change, server.admin_key);
  try {
    return await work();
  } finally {
    await ask(server.url, "PATCH", "/v1/admin/settings", back, server.admin_key);
  }
}
