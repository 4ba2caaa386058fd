// The list of escalations: go through it, find by words, and take the next, without a mouse.

import { call } from "./api.js";
import { startCountdowns, tickCountdowns } from "./countdowns.js";
import { keepFresh } from "./fresh.js";
import { onKey } from "./keys.js";
import { announce, showProblem, startPage } from "./page.js";
import { t } from "./words.js";

const next = document.getElementById("take-next");
const live = document.getElementById("live");
const words = document.getElementById("words");

startPage();
startCountdowns();
const refresh = keepFresh(location.pathname + location.search, () => showFound());
onKey("n", () => next.click());
onKey("j", () => step(1));
onKey("k", () => step(-1));
onKey("f", () => words.focus());
next.addEventListener("click", take);
document.getElementById("find").addEventListener("submit", (event) => {
  event.preventDefault();
  if (words.value.trim()) showFound({ aloud: true });
  else refresh({ always: true });
});

function step(by) {
  const links = [...live.querySelectorAll(".esc-link")];
  const here = links.indexOf(document.activeElement);
  const to = here < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(here + by, 0), links.length - 1);
  links[to]?.focus();
}

// Words stand in no address: they go in a body, and what was found takes the place of the list, also when that was made fresh.
async function showFound({ aloud = false } = {}) {
  const said = words.value.trim();
  if (!said) return;
  const request = { method: "POST", credentials: "same-origin", headers: { "Content-Type": "application/json" } };
  const asked = JSON.stringify({ words: said, status: "any", limit: 100 });
  const answer = await fetch("/escalations/found", { ...request, body: asked }).catch(() => null);
  if (answer?.redirected) return location.assign(answer.url);
  if (!answer?.ok) return showProblem(t("It could not be looked for. Try again in a moment."));
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  live.replaceChildren(...document.adoptNode(page.body).childNodes);
  tickCountdowns();
  if (aloud) announce(live.querySelector(".esc-count").textContent);
}

async function take() {
  if (next.disabled) return;
  next.disabled = true;
  showProblem("");
  try {
    const taken = await call("POST", "/v1/escalations/next");
    if (taken) return location.assign(`/escalations/${taken.id}`);
    showProblem(t("Somebody has every open escalation."));
  } catch (error) {
    showProblem(error.message);
  }
  next.disabled = false;
}
