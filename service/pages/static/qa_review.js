// The blind desk: one check at a time, answered by keyboard, and straight on to the next.

import { call } from "./api.js";
import { startCountdowns } from "./countdowns.js";
import { startJudgement } from "./judgement.js";
import { onKey } from "./keys.js";
import { sayOnNextPage } from "./notice.js";
import { announce, openForms, showProblem, startPage } from "./page.js";
import { startPreviews } from "./media.js";
import { breakWords, startRest } from "./rest.js";
import { t } from "./words.js";

startPage();
startCountdowns();
startPreviews();
startRest(() => location.assign("/console"));
const check = document.getElementById("check");
if (check) startCheck(check.dataset.token);
else startEmpty();
openForms();

function startCheck(token) {
  startJudgement(async (values) => {
    const confidence = Number(document.querySelector("[name=confidence]:checked").value);
    await call("POST", `/v1/qa/reviews/${token}`, { ...values, confidence });
    await goOn(t("Recorded."));
  });
  const release = document.getElementById("release");
  release.addEventListener("click", async () => {
    try {
      await call("POST", `/v1/qa/reviews/${token}/release`);
      sayOnNextPage(t("Given back: somebody else judges it."));
      location.assign("/qa/review");
    } catch (error) {
      showProblem(error.message);
    }
  });
  onKey("r", () => release.click());
}

// Claims what comes next, unless a break is due; the page then shows what is in hand, or suggests the break.
async function goOn(words) {
  if (await breakWords()) {
    sayOnNextPage(words);
    return location.assign("/qa/review");
  }
  const next = await call("POST", "/v1/qa/claim");
  sayOnNextPage(next ? words : `${words} ${await whyNothing()}`);
  location.assign("/qa/review");
}

// Graphic checks are kept back as graphic cases are. Whoever asks for their ledger counts as told who else sees what, so it
// is told here. An answer that is recorded stands, whether or not this can be asked.
async function whyNothing() {
  const { kept_back: kept, seen_by_leads: seen } = await call("GET", "/v1/me/exposure").catch(() => ({}));
  if (!kept) return t("There is nothing for you to check right now.");
  const told = seen ? t("You have reached the limit of a day, so those who lead see your name among those who have.") : "";
  return `${t("There is nothing milder for you to check right now.")} ${kept.words} ${told}`.trim();
}

function startEmpty() {
  const button = document.getElementById("take");
  button.addEventListener("click", take);
  onKey("n", () => button.click());

  async function take() {
    if (button.disabled) return;
    button.disabled = true;
    showProblem("");
    try {
      if (await call("POST", "/v1/qa/claim")) return location.assign("/qa/review");
      const words = await whyNothing();
      document.getElementById("nothing").textContent = words;
      announce(words);
    } catch (error) {
      showProblem(error.message);
    }
    button.disabled = false;
  }
}
