// Masked words: the page holds dots in their places, and each is fetched when it is asked for. Pages come and go in parts,
// so presses are listened for on the document.

import { call } from "./api.js";
import { onKey } from "./keys.js";
import { untilNext } from "./life.js";
import { announce, setState, showProblem } from "./page.js";
import { t, tn } from "./words.js";

const dots = new WeakMap();
// Grows with every "mask all": a word that comes later than that stays masked.
let asked = 0;

export function startSpans() {
  if (!document.body.dataset.spans) return;
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button.masked");
    if (!button) return;
    if (dots.has(button)) hide(button);
    else showOne(button);
  });
  startMaskedAll();
  onKey("m", () => document.getElementById("masked-all")?.click());
  onKey("Escape", () => {
    if (!hideSpans()) document.activeElement?.blur();
  });
}

export function startMaskedAll() {
  const all = document.getElementById("masked-all");
  // What is asked for and not there yet belongs to the case before.
  untilNext().addEventListener("abort", () => { asked += 1; });
  all?.addEventListener("click", () => (all.getAttribute("aria-pressed") === "true" ? hideSpans() : showAll(all)));
}

// Masks every word again; tells whether one was shown.
export function hideSpans() {
  asked += 1;
  const shown = [...document.querySelectorAll("button.masked")].filter((button) => dots.has(button));
  for (const button of shown) hide(button);
  press(false);
  if (shown.length) announce(t("Words masked again."));
  return shown.length > 0;
}

async function showOne(button) {
  const mine = asked;
  setState(button, "aria-busy", true);
  try {
    const { words } = await call("GET", `${document.body.dataset.spans}/${button.dataset.of}?index=${button.dataset.index}`);
    if (mine !== asked) return;
    show(button, words[0]);
    announce(words[0]);
  } catch (error) {
    tell(error);
  } finally {
    setState(button, "aria-busy", false);
  }
}

// One question for each text, not for each word.
async function showAll(all) {
  const at = document.body.dataset.spans;
  const mine = asked;
  const buttons = [...document.querySelectorAll("button.masked")];
  const texts = [...new Set(buttons.map((button) => button.dataset.of))];
  setState(all, "aria-busy", true);
  try {
    const found = new Map(await Promise.all(texts.map(async (of) => [of, (await call("GET", `${at}/${of}`)).words])));
    if (mine !== asked) return;
    for (const button of buttons) show(button, found.get(button.dataset.of)[button.dataset.index] ?? button.textContent);
    press(true);
    announce(tn("%(num)s masked word shown. Press Escape to mask them again.", "%(num)s masked words shown. Press Escape to mask them again.", buttons.length));
  } catch (error) {
    tell(error);
  } finally {
    setState(all, "aria-busy", false);
  }
}

function show(button, word) {
  if (!dots.has(button)) dots.set(button, button.textContent);
  button.textContent = word.replaceAll("\r\n", "\n");
  button.classList.add("masked-shown");
  button.setAttribute("aria-label", t("%(word)s, mask again", { word }));
}

function hide(button) {
  button.textContent = dots.get(button);
  dots.delete(button);
  button.classList.remove("masked-shown");
  button.setAttribute("aria-label", t("masked word %(number)s, show", { number: button.dataset.number }));
}

function press(on) {
  document.getElementById("masked-all")?.setAttribute("aria-pressed", String(on));
}

function tell(error) {
  if (document.getElementById("problem")) showProblem(error.message);
  else announce(error.message);
}
