// A person before the browser: reads headings, fills fields in by their labels, presses what is called so. Nothing here knows a
// class or an id of the pages.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { judge, shot, wider } from "./_browser.mjs";

/** What each of them chooses as a password. */
export const PASSWORD = "correct horse battery";

// Where axe-core was already.
const judged = new Set();
let people = 0;
/** An address that nobody has yet. */
export const address = (who) => `${who}-${Date.now()}-${++people}@example.org`;

/** Fills the page of a sign-in in, and sends it. */
export async function signs_in(page, email, password) {
  const main = page.getByRole("main");
  await main.getByLabel("E-mail", { exact: true }).fill(email);
  await main.getByLabel("Password", { exact: true }).fill(password);
  await main.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** Somebody with a browser of their own. `look` are Playwright's options of a context; `name` is in the names of the pictures. */
async function person(browser, name, look) {
  const context = await browser.newContext({ reducedMotion: "reduce", ...look });
  context.setDefaultTimeout(20_000);
  return new Person(name, look, context, await context.newPage());
}

class Person {
  #stations = 0;

  constructor(name, look, context, page) {
    Object.assign(this, { name, look, context, page, main: page.getByRole("main") });
  }

  open(url) {
    return this.page.goto(url);
  }

  /** The first heading says where one is. Each station has its picture, and fits the window. */
  async at(title) {
    const heading = this.main.getByRole("heading", { level: 1, name: title });
    try {
      await heading.waitFor();
    } catch {
      const there = await this.page.getByRole("heading", { level: 1 }).allInnerTexts();
      const alerts = await this.page.getByRole("alert").allInnerTexts();
      throw new Error(`${this.name}: not at "${title}", but at "${there}" (${this.page.url()}) ${alerts}`);
    }
    this.#stations += 1;
    const place = String(this.#stations).padStart(2, "0");
    await this.#steadily(async () => {
      await shot(this.page, `${this.name}-${place}-${String(title)}`);
      const wide = await wider(this.page);
      if (wide) throw new Error(`${this.name}: "${title}": ${wide}`);
      await this.#judged(title);
    });
  }

  /** Some pages ask for themselves again, while something is under way: then what looks at them begins again. */
  async #steadily(work) {
    for (let tries = 1; ; tries++) {
      await this.page.waitForLoadState();
      try {
        return await work();
      } catch (error) {
        if (tries === 3 || !/context was destroyed|because of a navigation/.test(String(error))) throw error;
      }
    }
  }

  /** What no link leads to is judged where somebody comes to it: once, in both colour schemes. */
  async #judged(title) {
    const { port, pathname } = new URL(this.page.url());
    const station = `${port} ${pathname.replace(/_[0-9a-z]{13}/g, "")} ${title}`;
    if (this.look.javaScriptEnabled === false || judged.has(station)) return;
    for (const colorScheme of ["dark", "light"]) {
      await this.page.emulateMedia({ colorScheme });
      await judge(this.page, `${this.name}: "${title}", ${colorScheme}`, true);
    }
    await this.page.emulateMedia({ colorScheme: this.look.colorScheme ?? null });
    judged.add(station);
  }

  /** Presses the button or the link of that name, in the page's own part or in `within`. */
  async press(name, within = this.main) {
    const both = within.getByRole("button", { name }).or(within.getByRole("link", { name }));
    await both.filter({ visible: true }).first().click();
  }

  /** The same in what stands above every page. */
  go(name) {
    return this.press(name, this.page.getByRole("banner"));
  }

  /** Opens what can be opened. */
  async unfold(name) {
    await this.main.locator("summary").filter({ hasText: name }).first().click();
  }

  async fill(label, value, within = this.main) {
    await within.getByLabel(label, { exact: typeof label === "string" }).first().fill(value);
  }

  async pick(label, within = this.main) {
    await within.getByLabel(label).first().check();
  }

  /** Something is said on the page. */
  async sees(text) {
    try {
      await this.main.getByText(text).filter({ visible: true }).first().waitFor();
    } catch {
      throw new Error(`${this.name}: "${text}" is not said at ${this.page.url()}:\n${await this.main.innerText()}`);
    }
  }

  /** Something is not said on the page, which has arrived. */
  async misses(text) {
    if (await this.main.getByText(text).filter({ visible: true }).count()) {
      throw new Error(`${this.name}: "${text}" is said at ${this.page.url()}`);
    }
  }

  /** Opens an account where it is asked for. */
  async registers(email = address(this.name)) {
    await this.at("Open an account");
    await this.fill("E-mail", email);
    await this.fill("Password", PASSWORD);
    await this.press("Open the account");
    this.email = email;
  }

  async signs_in(email = this.email, password = PASSWORD) {
    await this.at("Sign in");
    await signs_in(this.page, email, password);
  }

  /** Presses a link to a file, and gives the file's name and SHA-256. */
  async downloads(name, within = this.main) {
    const file = this.page.waitForEvent("download");
    await this.press(name, within);
    const bytes = await readFile(await (await file).path());
    return { sha256: createHash("sha256").update(bytes).digest("hex"), name: (await file).suggestedFilename() };
  }

  /** The same person in a second window. */
  async another() {
    return new Person(`${this.name}-2`, this.look, this.context, await this.context.newPage());
  }

  leaves() {
    return this.context.close();
  }
}

/** Who goes through `work`, and leaves, whatever comes of it. */
export async function withPerson(browser, name, look, work) {
  const one = await person(browser, name, look);
  try {
    return await work(one);
  } catch (error) {
    await shot(one.page, `${name}-NO`).catch(() => {});
    throw error;
  } finally {
    await one.leaves();
  }
}
