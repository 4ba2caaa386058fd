// My work: take up what was kept back, take back a decision or a question, begin and end breaks.

import { call } from "./api.js";
import { attemptOnce } from "./attempt.js";
import { secondsUntil } from "./clock.js";
import { startCountdowns } from "./countdowns.js";
import { keepFresh } from "./fresh.js";
import { onKey } from "./keys.js";
import { sayOnNextPage } from "./notice.js";
import { announce, startPage } from "./page.js";
import { endBreak, takeBreak } from "./rest.js";
import { t } from "./words.js";

const ACTIONS = { "take-up": takeUp, withdraw, "take-back": takeBack };

startPage();
startCountdowns();
setInterval(closeWindows, 1000);
const refresh = keepFresh("/work");
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  const name = button && Object.keys(ACTIONS).find((one) => button.classList.contains(one));
  if (name) attemptOnce(button, () => ACTIONS[name](button));
  else if (button?.id === "break") attemptOnce(button, () => toggleBreak(button));
});
onKey("c", () => document.querySelector(".resume")?.click());
onKey("z", () => document.getElementById("break").click());

// Each answers whether the page is being left.
async function takeUp(button) {
  await call("POST", `/v1/cases/${button.dataset.case}/claim`);
  location.assign(`/cases/${button.dataset.case}`);
  return true;
}

async function withdraw(button) {
  await call("POST", `/v1/opinions/${button.dataset.opinion}/withdraw`);
  await refresh({ always: true });
  announce(t("The question is withdrawn; the case is open to everybody again."));
  document.getElementById("asked-title")?.focus();
  return false;
}

// The case opens for reading, and is taken with the key that its page names: somebody else may be faster.
async function takeBack(button) {
  const undone = await call("POST", button.dataset.path);
  const caseId = undone.case_id ?? button.dataset.case;
  sayOnNextPage(t("Taken back. What was decided is open again."));
  location.assign(caseId ? `/cases/${caseId}` : "/work");
  return true;
}

async function toggleBreak(button) {
  const ends = "end" in button.dataset;
  await (ends ? endBreak() : takeBreak());
  await refresh({ always: true });
  announce(ends ? t("The break is over.") : t("Your break has begun. The next case ends it."));
  document.getElementById("break").focus();
  return false;
}

// A window that is over takes its button away, unless somebody stands on it: then it says so when it is pressed.
function closeWindows() {
  for (const button of document.querySelectorAll(".take-back")) {
    if (secondsUntil(button.dataset.until) <= 0 && button !== document.activeElement) button.remove();
  }
}
