// The console: claim the next case, and keep the numbers fresh while they are looked at.

import { attemptOnce } from "./attempt.js";
import { startCountdowns } from "./countdowns.js";
import { keepFresh } from "./fresh.js";
import { onKey } from "./keys.js";
import { takeNext } from "./next.js";
import { announce, setState, showProblem, startPage } from "./page.js";
import { endBreak, startRest } from "./rest.js";
import { t } from "./words.js";

const KEPT_BACK = t("Nothing milder waits in this queue right now; why it would have to be milder stands below.");
const NOTHING_WAITS = t("Nothing waits in this queue right now.");

startPage();
startCountdowns();
const refresh = keepFresh("/console", freshen);
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.matches(".claim")) act(button, () => claim(button.dataset.queue));
  else if (button?.matches(".end-break")) act(button, stopBreak);
});
onKey("n", () => document.getElementById("claim")?.click());
// Whoever puts a break off was on the way to a case, and goes on to it.
startRest(() => refresh({ always: true }), (queue) => act(document.getElementById("claim"), () => claim(queue)));
onKey("c", () => document.querySelector(".resume")?.click());

function act(button, action) {
  return attemptOnce(button, async () => {
    try {
      return await action(button);
    } catch (error) {
      if (error.code !== "policy_unread") throw error;
      location.assign("/policies");
      return true;
    }
  });
}

// Each answers whether the page is being left.
async function claim(queue) {
  const next = await takeNext(queue);
  if (next) {
    location.assign(`/cases/${next}`);
    return true;
  }
  await refresh({ always: true });
  const kept = document.getElementById("kept-back");
  if (kept) kept.hidden = false;
  showProblem(kept ? KEPT_BACK : NOTHING_WAITS);
  return false;
}

async function stopBreak() {
  await endBreak();
  await refresh({ always: true });
  announce(t("The break is over."));
  document.getElementById("main").focus();
  return false;
}

function freshen(page) {
  const empty = page.querySelector("#claim[aria-disabled]") !== null;
  const button = document.getElementById("claim");
  if (button) {
    setState(button, "aria-disabled", empty);
    document.getElementById("claim-words").textContent = page.getElementById("claim-words").textContent;
  }
  if (!empty && document.getElementById("problem").textContent === NOTHING_WAITS) showProblem("");
}
