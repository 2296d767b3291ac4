// Passkeys, at a shop that has a name, with the authenticator that Chromium plays: one is made, signs in, is not made twice, and is
// removed; and what there is without a script, and without somebody whom the device recognizes.

import { PHONE } from "./_browser.mjs";
import { PASSWORD, withPerson } from "./_person.mjs";
import { withShop } from "./_shop.mjs";

/** A device that keeps passkeys, of the person's own browser. What it answers is whether it recognizes who holds it. */
async function device(one) {
  const chromium = await one.context.newCDPSession(one.page);
  await chromium.send("WebAuthn.enable");
  const options = {
    protocol: "ctap2",
    transport: "internal",
    hasResidentKey: true,
    hasUserVerification: true,
    isUserVerified: true,
    automaticPresenceSimulation: true,
  };
  const { authenticatorId } = await chromium.send("WebAuthn.addVirtualAuthenticator", { options });
  return (isUserVerified) => chromium.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified });
}

/** Asks for one more, and has the device make it. */
async function makes(one, name) {
  await one.at("Passkeys");
  await one.fill("What you call it", name);
  await one.fill("Your password", PASSWORD);
  await one.press("Go on");
  await one.at("A new passkey");
  await one.press("Make the passkey");
}

async function signs_out(one, shop) {
  await one.open(`${shop.url}/account`);
  await one.press("Sign out here");
  await one.at("Sign in");
}

async function own(one, shop) {
  const recognizes = await device(one);
  await one.open(`${shop.url}/register`);
  await one.registers();
  await one.at("Your wallet");
  await one.open(`${shop.url}/account`);
  await one.press("Add or remove passkeys");
  await makes(one, "My phone");
  await one.sees("The passkey was added.");
  await one.sees("My phone");
  await makes(one, "The same");
  await one.sees("This device keeps a passkey of your account already.");
  await signs_out(one, shop);
  await recognizes(false);
  await one.press("Sign in with a passkey");
  await one.sees("No passkey was used.");
  await recognizes(true);
  await one.press("Sign in with a passkey");
  await one.at("Your wallet");
  await one.open(`${shop.url}/account/passkeys`);
  await one.at("Passkeys");
  await one.sees(/last used/);
  await one.press("Remove My phone");
  await one.sees("The passkey was removed.");
  await signs_out(one, shop);
  await one.press("Sign in with a passkey");
  await one.sees("This passkey opens no account here");
  await one.signs_in();
  await one.at("Your wallet");
}

/** The same for programs, by the standard's own JSON: an app with a view of the web, say. */
async function by_program(one, shop) {
  await device(one);
  // The page to sign in asks here, and may: every other page asks nothing.
  await one.open(`${shop.url}/sign-in`);
  const held = await one.page.evaluate(async (password) => {
    const post = async (path, body, token) => {
      const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
      const answer = await fetch(path, { method: "POST", headers, body: body && JSON.stringify(body) });
      if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
      return answer.json();
    };
    const known = PublicKeyCredential;
    const { token } = await post("/v1/accounts", { email: `${Math.random()}@example.org`, password });
    const making = await post("/v1/account/passkeys/options", { password }, token);
    const made = await navigator.credentials.create({ publicKey: known.parseCreationOptionsFromJSON(making) });
    const kept = await post("/v1/account/passkeys", { name: "An app", credential: made.toJSON() }, token);
    const using = await post("/v1/sessions/options");
    const used = await navigator.credentials.get({ publicKey: known.parseRequestOptionsFromJSON(using) });
    const session = await post("/v1/sessions", { passkey: used.toJSON() });
    const own = await fetch("/v1/account", { headers: { authorization: `Bearer ${session.token}` } });
    return { kept, passkeys: (await own.json()).passkeys };
  }, PASSWORD);
  const [{ id, used_at }, ...more] = held.passkeys;
  if (id !== held.kept.id || !used_at || more.length > 0) throw new Error(JSON.stringify(held));
}

async function without(one, shop) {
  await one.open(`${shop.url}/register`);
  await one.registers();
  await one.open(`${shop.url}/account/passkeys`);
  await one.fill("What you call it", "My phone");
  await one.fill("Your password", PASSWORD);
  await one.press("Go on");
  await one.sees("This takes a browser that knows passkeys and runs the script of this page.");
  await one.misses("Make the passkey");
  await signs_out(one, shop);
  await one.misses("Sign in with a passkey");
}

export function passkeys(_, browser) {
  const all = [
    ["a passkey on a phone", PHONE, own],
    ["a passkey on a wide screen", {}, own],
    ["a passkey of a program", {}, by_program],
    ["passkeys without a script", { javaScriptEnabled: false }, without],
  ];
  return all.map(([name, look, journey]) => [
    name,
    () => withShop((shop) => withPerson(browser, name.replaceAll(" ", "-"), look, (one) => journey(one, shop))),
  ]);
}
