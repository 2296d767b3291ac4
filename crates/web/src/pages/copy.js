// Shows the buttons that only a script can work: those that copy a code, and those that print the page.
"use strict";

for (const button of document.querySelectorAll("[data-copies]")) {
  const source = document.getElementById(button.dataset.copies);
  if (!source || !navigator.clipboard) continue;
  button.hidden = false;
  const said = document.createElement("span");
  said.className = "small";
  said.setAttribute("role", "status");
  button.after(said);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      said.textContent = " " + button.dataset.done;
    } catch {
      getSelection().selectAllChildren(source);
      said.textContent = " " + button.dataset.selected;
    }
    setTimeout(() => { said.textContent = ""; }, 4000);
  });
}

for (const button of document.querySelectorAll("[data-prints]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
