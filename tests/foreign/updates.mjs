// electron-updater, as its own tests run it without Electron: it finds an update by its generic provider, downloads it with
// the code, and verifies it; a damaged file is refused, and so is whoever has no code or one that has ended.
import assert from "node:assert/strict";
import { spawn, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const require = createRequire(import.meta.url);
const { AppImageUpdater, NsisUpdater } = require("electron-updater");
const { HttpExecutor, configureRequestOptions, configureRequestUrl } = require("builder-util-runtime");

const folder = mkdtempSync(join(tmpdir(), "scrip-updates-"));

/** Requests by Node in the place of Electron's. */
class NodeHttp extends HttpExecutor {
  createRequest(options, callback) {
    return http.request({ ...options, agent: false }, callback);
  }

  download(url, destination, options) {
    return options.cancellationToken.createPromise((resolve, reject, onCancel) => {
      const request = { headers: options.headers ?? undefined };
      configureRequestUrl(url, request);
      configureRequestOptions(request);
      const callback = (error) => (error ? reject(error) : resolve(destination));
      this.doDownload(request, { destination, options, onCancel, callback, responseHandler: null }, 0);
    });
  }
}

/** A program of this version, whose cache is a new folder. */
function program(version) {
  const cache = mkdtempSync(join(folder, "app-"));
  const nothing = () => {};
  return {
    version, name: "recorder", isPackaged: true, appUpdateConfigPath: join(cache, "app-update.yml"),
    userDataPath: cache, baseCachePath: cache, whenReady: async () => {}, relaunch: nothing, quit: nothing, onQuit: nothing,
  };
}

/** An updater as a program sets it up. */
function updater(kind, platform, url, code, version) {
  const app = program(version);
  writeFileSync(app.appUpdateConfigPath, "provider: generic\nupdaterCacheDirName: recorder-updater\n");
  const made = new kind(null, app);
  made.httpExecutor = new NodeHttp();
  made._testOnlyOptions = { platform };
  made.logger = null;
  made.autoDownload = false;
  made.disableDifferentialDownload = true;
  made.on("error", () => {});
  made.setFeedURL({ provider: "generic", url: `${url}/v1/updates/recorder` });
  if (code) made.requestHeaders = { authorization: `License ${code}` };
  return made;
}

class Shop {
  static async open() {
    const shop = new Shop();
    shop.home = join(folder, "shop");
    const init = ["init", shop.home, "--json", "--demo", "--name", "Aurora", "--token-code", "AUR", "--scale", "2"];
    shop.admin = JSON.parse(execFileSync(process.env.SCRIP_BIN, [...init, "--listen", "127.0.0.1:0"])).admin_key;
    const serve = ["serve", "--config", join(shop.home, "scrip.toml")];
    shop.process = spawn(process.env.SCRIP_BIN, serve, { stdio: ["ignore", "pipe", "ignore"] });
    for await (const line of createInterface({ input: shop.process.stdout })) {
      shop.url = line.replace("listening on ", "");
      break;
    }
    return shop;
  }

  async ask(method, path, body, token = this.admin, key = "") {
    const headers = { authorization: `Bearer ${token}`, "idempotency-key": key || path };
    const json = !(body instanceof Buffer);
    if (body !== undefined) headers["content-type"] = json ? "application/json" : "application/octet-stream";
    const answer = await fetch(this.url + path, { method, headers, body: json ? JSON.stringify(body) : body });
    assert(answer.ok, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
    return answer.status === 204 ? null : answer.json();
  }

  /** Uploads bytes, and gives the place where the server keeps them. */
  async upload(content) {
    const sha256 = createHash("sha256").update(content).digest("hex");
    await this.ask("PUT", `/v1/admin/objects/${sha256}`, content);
    return { sha256, place: join(this.home, "objects", sha256.slice(0, 2), sha256) };
  }

  async release(version, files) {
    const body = { files: [], notes: `What is new in ${version}: a "colon", and\ntwo lines.`, publish: true };
    for (const [name, platform, { sha256 }] of files) body.files.push({ name, platform, sha256 });
    await this.ask("PUT", `/v1/admin/products/recorder/releases/stable/${version}`, body);
  }

  async offer(key, terms) {
    const price = { amount: 0, unit: "AUR" };
    const made = await this.ask("PUT", `/v1/admin/products/recorder/offers/${key}`, { price, terms });
    const lines = [{ offer: made.id }];
    const body = { lines, expected_total: price, allow_duplicate: true };
    const order = await this.ask("POST", "/v1/purchases", body, this.buyer, key);
    return order.licenses[0].code;
  }
}

// What stands for the running program, where it is an AppImage.
process.env.APPIMAGE = join(folder, "recorder.AppImage");
const shop = await Shop.open();
try {
  await shop.ask("POST", "/v1/admin/products", { slug: "recorder", kind: "download", title: "Recorder" });
  await shop.ask("POST", "/v1/admin/products/recorder/publish");
  const person = { email: "ada@updates.example", password: "correct horse" };
  shop.buyer = (await shop.ask("POST", "/v1/accounts", person, "")).token;
  const installer = Buffer.alloc(3_000_000, "installer of 1.1.0 ");
  const image = Buffer.alloc(2_000_000, "image of 1.1.0 ");
  const [old, exe, appimage] = [await shop.upload(Buffer.from("old")), await shop.upload(installer), await shop.upload(image)];
  await shop.release("1.0.0", [["Recorder Setup 1.0.0.exe", "windows", old]]);
  const code = (await shop.offer("standard", { kind: "perpetual" })).jws;
  const rented = (await shop.offer("month", { kind: "rental", seconds: 3600, from: "purchase" })).short;
  await shop.release("1.1.0", [
    ["Recorder Setup 1.1.0.exe", "windows", exe],
    ["recorder-1.1.0.AppImage", "linux-x86_64", appimage],
    ["Manual.pdf", "", old],
  ]);

  for (const [kind, platform, content] of [[NsisUpdater, "win32", installer], [AppImageUpdater, "linux", image]]) {
    const finds = updater(kind, platform, shop.url, code, "1.0.0");
    const { updateInfo, isUpdateAvailable } = await finds.checkForUpdates();
    assert.equal(updateInfo.version, "1.1.0");
    assert(isUpdateAvailable);
    assert.match(updateInfo.releaseNotes, /a "colon", and\ntwo lines/);
    assert.equal(updateInfo.files.length, 1);
    const [path] = await finds.downloadUpdate();
    assert(readFileSync(path).equals(content), `${platform}: the update is what was uploaded`);
    const current = updater(kind, platform, shop.url, code, "1.1.0");
    assert.equal((await current.checkForUpdates()).isUpdateAvailable, false);
    console.log(`electron-updater on ${platform} found 1.1.0, downloaded and verified it`);
  }

  const short = updater(NsisUpdater, "win32", shop.url, rented, "1.0.0");
  assert((await short.checkForUpdates()).isUpdateAvailable, "a short code in force");
  // As many bytes, and others.
  const damaged = Buffer.from(installer);
  damaged[1_000_000] ^= 1;
  writeFileSync(exe.place, damaged);
  await assert.rejects(short.downloadUpdate(), /sha512 checksum mismatch/);
  writeFileSync(exe.place, installer);
  await shop.ask("POST", "/v1/demo/clock", { advance: 3600 });
  const ended = updater(NsisUpdater, "win32", shop.url, rented, "1.0.0");
  await assert.rejects(ended.checkForUpdates(), (error) => error.statusCode === 403);
  const nobody = updater(NsisUpdater, "win32", shop.url, null, "1.0.0");
  await assert.rejects(nobody.checkForUpdates(), (error) => error.statusCode === 401);
  const wrong = updater(NsisUpdater, "win32", shop.url, "06BQ3-V8K2M-9ZC7X-4GQ2H-TN5W0", "1.0.0");
  await assert.rejects(wrong.checkForUpdates(), (error) => error.statusCode === 403);
  console.log("a damaged update, no code, a wrong code and one that has ended were refused");
} finally {
  shop.process.kill();
  rmSync(folder, { recursive: true, force: true });
}
