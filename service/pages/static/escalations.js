// The list of escalations: go through it, and take the next, without a mouse.

import { call } from "./api.js";
import { startCountdowns } from "./countdowns.js";
import { keepFresh } from "./fresh.js";
import { onKey } from "./keys.js";
import { showProblem, startPage } from "./page.js";
import { t } from "./words.js";

const next = document.getElementById("take-next");

startPage();
startCountdowns();
keepFresh(location.pathname + location.search);
onKey("n", () => next.click());
onKey("j", () => step(1));
onKey("k", () => step(-1));
onKey("f", () => document.getElementById("words").focus());
next.addEventListener("click", take);

function step(by) {
  const links = [...document.querySelectorAll(".esc-link")];
  const here = links.indexOf(document.activeElement);
  const to = here < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(here + by, 0), links.length - 1);
  links[to]?.focus();
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
