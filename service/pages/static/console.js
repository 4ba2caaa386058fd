// The console: claim the next case, and keep the numbers fresh while the page is looked at.

import { countdown, secondsUntil } from "./clock.js";
import { onKey } from "./keys.js";
import { takeNext } from "./next.js";
import { nameLanguages, setState, showProblem, startPage } from "./page.js";

const REFRESH_SECONDS = 15;
const NOTHING_WAITS = "Nothing waits in this queue right now.";

startPage();
const live = document.getElementById("live");
document.addEventListener("click", (event) => {
  const button = event.target.closest(".claim");
  if (button) claim(button);
});
onKey("n", () => document.getElementById("claim")?.click());
onKey("c", () => document.querySelector(".resume")?.click());
setInterval(refresh, REFRESH_SECONDS * 1000);
setInterval(tick, 1000);
document.addEventListener("visibilitychange", refresh);
tick();

async function claim(button) {
  if (button.disabled) return;
  button.disabled = true;
  showProblem("");
  try {
    const next = await takeNext(button.dataset.queue);
    if (next) return location.assign(`/cases/${next}`);
    showProblem(NOTHING_WAITS);
    await refresh();
  } catch (error) {
    showProblem(error.message);
  }
  button.disabled = false;
}

// The server renders the numbers once, in one template: this takes the fresh part out of a fresh page.
async function refresh() {
  if (document.hidden || live.contains(document.activeElement)) return;
  const response = await fetch("/console", { credentials: "same-origin" }).catch(() => null);
  if (!response?.ok || response.redirected) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.getElementById("live");
  if (!fresh || live.contains(document.activeElement)) return;
  live.replaceChildren(...document.adoptNode(fresh).childNodes);
  const empty = page.querySelector("#claim[aria-disabled]") !== null;
  const button = document.getElementById("claim");
  if (button) {
    setState(button, "aria-disabled", empty);
    document.getElementById("claim-words").textContent = page.getElementById("claim-words").textContent;
  }
  if (!empty && document.getElementById("problem").textContent === NOTHING_WAITS) showProblem("");
  nameLanguages();
  tick();
}

function tick() {
  for (const element of document.querySelectorAll("[data-until]")) {
    element.textContent = countdown(secondsUntil(element.dataset.until));
  }
}
