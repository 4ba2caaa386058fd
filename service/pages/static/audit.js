// The log of events: follow it while somebody looks, and never unasked.

import { onKey } from "./keys.js";
import { announce, showProblem, startPage } from "./page.js";
import { t } from "./words.js";

const SECONDS = 5;
const button = document.getElementById("follow");
let timer = null;

startPage();
if (button) {
  button.addEventListener("click", toggle);
  onKey("f", () => button.click());
}

function toggle() {
  const on = timer === null;
  clearInterval(timer);
  timer = on ? setInterval(follow, SECONDS * 1000) : null;
  button.setAttribute("aria-pressed", String(on));
  announce(on ? t("New events appear by themselves.") : t("The log stands still."));
  if (on) follow();
}

// The page as it would be now, of which the lines are taken. Nothing is pulled from under somebody who is in them.
async function follow() {
  const live = document.getElementById("live");
  if (document.hidden || live.contains(document.activeElement)) return;
  const answer = await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
  if (timer === null) return;
  if (!answer?.ok || answer.redirected) {
    showProblem(t("The log cannot be read at the moment; it is tried again."));
    return;
  }
  showProblem("");
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
  const known = new Set([...live.querySelectorAll("[data-event]")].map((row) => row.dataset.event));
  live.replaceChildren(...document.adoptNode(fresh).childNodes);
  for (const row of live.querySelectorAll("[data-event]")) row.classList.toggle("audit-new", known.size > 0 && !known.has(row.dataset.event));
}
