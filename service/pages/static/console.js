// The console: claim the next case, take up what was kept back, and keep the numbers fresh while they are looked at.

import { call } from "./api.js";
import { startCountdowns } from "./countdowns.js";
import { keepFresh } from "./fresh.js";
import { onKey } from "./keys.js";
import { takeNext } from "./next.js";
import { announce, setState, showProblem, startPage } from "./page.js";

const NOTHING_WAITS = "Nothing waits in this queue right now.";

startPage();
startCountdowns();
const refresh = keepFresh("/console", freshen);
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.matches(".claim")) act(button, claim);
  else if (button?.matches(".take-up")) act(button, takeUp);
  else if (button?.matches(".withdraw")) act(button, withdraw);
});
onKey("n", () => document.getElementById("claim")?.click());
onKey("c", () => document.querySelector(".resume")?.click());

async function act(button, action) {
  if (button.disabled) return;
  button.disabled = true;
  showProblem("");
  try {
    if (await action(button)) return;
  } catch (error) {
    if (error.code === "policy_unread") {
      location.assign("/policies");
      return;
    }
    showProblem(error.message);
  }
  button.disabled = false;
}

// Each answers whether the page is being left.
async function claim(button) {
  const next = await takeNext(button.dataset.queue);
  if (next) {
    location.assign(`/cases/${next}`);
    return true;
  }
  showProblem(NOTHING_WAITS);
  await refresh();
  return false;
}

async function takeUp(button) {
  await call("POST", `/v1/cases/${button.dataset.case}/claim`);
  location.assign(`/cases/${button.dataset.case}`);
  return true;
}

async function withdraw(button) {
  await call("POST", `/v1/opinions/${button.dataset.opinion}/withdraw`);
  await refresh({ always: true });
  announce("The question is withdrawn; the case is open to everybody again.");
  document.getElementById("asked-title")?.focus();
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
