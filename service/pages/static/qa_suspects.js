// Labels in doubt: one at a time, kept by one key or corrected in the form, and straight on to the next.

import { call } from "./api.js";
import { startJudgement } from "./judgement.js";
import { onKey } from "./keys.js";
import { sayOnNextPage } from "./notice.js";
import { openForms, setState, showProblem, startPage } from "./page.js";
import { startPreviews } from "./media.js";
import { t } from "./words.js";

// Nothing that is sent again would be taken: somebody was faster, it was undone, or it is one's own.
const OVER = ["suspect_settled", "not_found", "own_label"];

startPage();
startPreviews();
const suspect = document.getElementById("suspect");
if (suspect) startSuspect();
openForms();

function startSuspect() {
  const stands = document.getElementById("stands");
  // What was left stays left.
  const next = document.getElementById("next");
  next.search = location.search;
  let busy = false;

  startJudgement((label) => resolve({ outcome: "label_wrong", label }, t("Corrected: models learn what you said.")));
  stands.addEventListener("click", async () => {
    showProblem("");
    try {
      await resolve({ outcome: "label_stands" }, t("The label stands."));
    } catch (error) {
      showProblem(error.message);
    }
  });
  stands.disabled = false;
  onKey("s", () => stands.click());
  onKey("l", () => document.getElementById("leave").click());

  // One answer, whichever of the two it is.
  async function resolve(body, words) {
    if (busy) throw new Error(t("This label has an answer already."));
    setBusy(true);
    try {
      await call("POST", `/v1/labels/suspects/${suspect.dataset.decision}/resolve`, body);
    } catch (error) {
      if (OVER.includes(error.code)) return end(error.message);
      setBusy(false);
      throw error;
    }
    sayOnNextPage(words);
    location.assign(next.href);
  }

  function setBusy(on) {
    busy = on;
    setState(stands, "aria-disabled", on);
  }

  // The page stays as it is, so that what was written can still be read; it only leads on.
  function end(words) {
    document.getElementById("over-words").textContent = words;
    document.getElementById("over").hidden = false;
    document.getElementById("form-fields").disabled = true;
    stands.disabled = true;
    next.focus();
    onKey("n", () => next.click());
  }
}
