// Offers the titles of products that have what is typed in them. They are those that a visitor sees, of the public list.
// Without this script the same field searches when the form is sent.
"use strict";

for (const input of document.querySelectorAll("input[data-suggests]")) {
  const list = document.getElementById(input.getAttribute("list"));
  if (!list) continue;
  let waiting = 0;
  let asking = null;

  const ask = async (text) => {
    asking?.abort();
    asking = new AbortController();
    try {
      const query = new URLSearchParams({ q: text, limit: "5" });
      const answer = await fetch(`/v1/products?${query}`, {
        credentials: "omit",
        // The language of this page, which may be another than the browser's.
        headers: { "Accept-Language": document.documentElement.lang },
        signal: asking.signal,
      });
      if (!answer.ok) return;
      const found = await answer.json();
      list.replaceChildren(...found.data.map((product) => new Option(product.title, product.title)));
    } catch {
      // Nothing is offered then; the form works as before.
    }
  };

  input.addEventListener("input", () => {
    clearTimeout(waiting);
    const text = input.value.trim();
    const chosen = [...list.options].some((option) => option.value === text);
    if (text.length < 2 || chosen) return;
    waiting = setTimeout(ask, 200, text);
  });
}
