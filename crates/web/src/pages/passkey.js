// Has this device make a passkey, or use one, and sends what it says with the form. The parts that need it are hidden where
// there is no script, and where the browser knows no passkeys.
"use strict";

const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (symbol) => symbol.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

// As the standard's own methods do, which came to browsers later than passkeys.
const withBytes = (options) => ({
  ...options,
  challenge: bytes(options.challenge),
  ...(options.user && { user: { ...options.user, id: bytes(options.user.id) } }),
  ...(options.excludeCredentials && {
    excludeCredentials: options.excludeCredentials.map((known) => ({ ...known, id: bytes(known.id) })),
  }),
});
const withText = (credential) => {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  return { id: credential.id, type: credential.type, response };
};

const make = async (form) => {
  const options = JSON.parse(form.dataset.makesPasskey);
  return navigator.credentials.create({ publicKey: withBytes(options) });
};
const use = async () => {
  const answer = await fetch("/v1/sessions/options", { method: "POST", credentials: "omit" });
  if (!answer.ok) throw new Error(`The server answers ${answer.status}.`);
  return navigator.credentials.get({ publicKey: withBytes(await answer.json()) });
};

for (const form of document.querySelectorAll("form[data-makes-passkey], form[data-uses-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  for (const without of document.querySelectorAll("[data-without-passkeys]")) without.hidden = true;
  form.hidden = false;
  const button = form.querySelector("button");
  const status = form.querySelector("[role=status]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    status.textContent = "";
    try {
      const credential = await ("makesPasskey" in form.dataset ? make(form) : use());
      form.elements.credential.value = JSON.stringify(withText(credential));
      form.submit();
    } catch (error) {
      // Somebody has changed their mind, the device has no passkey for this shop, or it has one already.
      const known = error.name === "InvalidStateError" && form.dataset.known;
      status.textContent = known || form.dataset.failed;
      button.disabled = false;
    }
  });
}
