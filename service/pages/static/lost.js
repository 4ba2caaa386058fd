// The service cannot be reached: one calm line on top of the page, which goes when it answers again.

import { t } from "./words.js";

const FIRST_SECONDS = 3;
const MOST_SECONDS = 30;
const SAID_SECONDS = 6;

let place = null;
let timer = 0;
let wait = FIRST_SECONDS;

// Whoever called is told by the error of the call; this says it of the whole page, and looks for the service.
export function serviceLost() {
  if (place && !place.classList.contains("is-back")) return;
  place?.remove();
  place = make();
  document.querySelector(".bar").after(place);
  wait = FIRST_SECONDS;
  look();
}

// A script of the service that answers anything at all has it back.
function look() {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    if (await answers()) return say();
    wait = Math.min(wait * 2, MOST_SECONDS);
    look();
  }, wait * 1000);
}

async function answers() {
  const response = await fetch("/readyz", { cache: "no-store" }).catch(() => null);
  return Boolean(response?.ok);
}

function say() {
  clearTimeout(timer);
  const back = place;
  back.classList.add("is-back");
  back.replaceChildren(t("The service answers again. What did not go through can be done once more now."));
  setTimeout(() => back.remove(), SAID_SECONDS * 1000);
}

function make() {
  const line = document.createElement("div");
  line.className = "lost";
  line.setAttribute("role", "status");
  const words = document.createElement("span");
  words.textContent = t("The service cannot be reached. What you have written stays on this page; it is tried again by itself.");
  const again = document.createElement("button");
  again.type = "button";
  again.className = "button";
  again.textContent = t("Try now");
  again.addEventListener("click", async () => {
    again.disabled = true;
    if (await answers()) say();
    else again.disabled = false;
  });
  line.append(words, again);
  return line;
}
