// Sends the files of a form one after another and shows how far they are. Without this script the same form sends them
// all at once, and the browser shows what it shows.
"use strict";

for (const form of document.querySelectorAll("form[data-upload]")) {
  const input = form.querySelector("input[type=file]");
  const button = form.querySelector("button[type=submit]");
  const progress = form.querySelector("progress");
  const status = form.querySelector("[role=status]");
  const stop = form.querySelector("button[type=button]");
  // What has arrived is not sent again when the rest is tried once more.
  const arrived = new WeakSet();
  let sending = null;

  const size = (bytes) => {
    const units = ["bytes", "kB", "MB", "GB"];
    let unit = 0;
    while (bytes >= 1000 && unit < 3) { bytes /= 1000; unit += 1; }
    return `${unit ? bytes.toFixed(1) : bytes} ${units[unit]}`;
  };
  const say = (text, wrong) => {
    status.textContent = text;
    status.hidden = false;
    status.classList.toggle("complaint", wrong);
  };
  const rest = (text) => {
    sending = null;
    button.disabled = input.disabled = false;
    progress.hidden = stop.hidden = true;
    say(text, true);
  };
  // What the server says of it, in its own words.
  const reason = (request) => {
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    const said = page.querySelector(".wrong, .complaint, .lead");
    return said ? said.textContent : `The server answers ${request.status}.`;
  };

  const send = (files, place) => {
    const file = files[place];
    const body = new FormData(form);
    body.delete(input.name);
    body.append(input.name, file);
    const request = sending = new XMLHttpRequest();
    request.open("POST", form.action);
    request.upload.addEventListener("progress", (event) => {
      progress.max = event.total;
      progress.value = event.loaded;
      progress.textContent = `${size(event.loaded)} of ${size(event.total)}`;
    });
    request.upload.addEventListener("load", () => {
      progress.removeAttribute("value");
      say(`${file.name} has arrived and is put away…`, false);
    });
    request.addEventListener("load", () => {
      sending = null;
      if (request.status >= 400) {
        rest(`${file.name}: ${reason(request)}`);
      } else if (!new URL(request.responseURL).pathname.startsWith(form.dataset.upload)) {
        // Who is signed out meanwhile is sent to sign in.
        location.assign(request.responseURL);
      } else {
        arrived.add(file);
        if (place + 1 < files.length) { send(files, place + 1); } else { location.assign(form.dataset.upload); }
      }
    });
    request.addEventListener("error", () => rest(
      `The connection broke. Nothing of ${file.name} was kept: upload it again.`));
    request.addEventListener("abort", () => rest(`Stopped. Nothing of ${file.name} was kept.`));
    const which = files.length > 1 ? ` (${place + 1} of ${files.length})` : "";
    say(`Uploading ${file.name}${which}, ${size(file.size)}…`, false);
    progress.value = 0;
    request.send(body);
  };

  form.addEventListener("submit", (event) => {
    const files = [...input.files].filter((file) => !arrived.has(file));
    if (sending || files.length === 0) { return; }
    event.preventDefault();
    progress.hidden = stop.hidden = false;
    button.disabled = true;
    send(files, 0);
    input.disabled = true;
  });
  stop.addEventListener("click", () => sending && sending.abort());
  window.addEventListener("beforeunload", (event) => { if (sending) { event.preventDefault(); } });
}
