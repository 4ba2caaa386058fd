// What is raised, by whom: typing narrows the list, Enter opens the first that fits.

import { onKey } from "./keys.js";
import { startPage } from "./page.js";

startPage();
const words = document.getElementById("words");
const sections = [...document.querySelectorAll(".intake-source")];
words.addEventListener("input", narrow);
document.getElementById("find").addEventListener("submit", (event) => {
  event.preventDefault();
  first()?.click();
});
onKey("f", () => words.focus());
words.focus();
narrow();

// Every word has to stand in the name of the source or of what it raises.
function narrow() {
  const wanted = plain(words.value).split(/\s+/).filter(Boolean);
  for (const section of sections) {
    const source = plain(section.querySelector("h2").textContent);
    let shown = 0;
    for (const item of section.querySelectorAll("li")) {
      const text = `${source} ${plain(item.textContent)}`;
      item.hidden = !wanted.every((word) => text.includes(word));
      shown += !item.hidden;
    }
    section.hidden = !shown;
  }
  for (const link of document.querySelectorAll(".is-first")) link.classList.remove("is-first");
  const found = first();
  if (wanted.length) found?.classList.add("is-first");
  document.getElementById("none").hidden = Boolean(found);
}

function first() {
  return [...document.querySelectorAll(".intake-trigger")].find((link) => !link.closest("li").hidden);
}

function plain(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}
