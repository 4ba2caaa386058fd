// The queue of appeals: the next one at one key.

import { call } from "./api.js";
import { startCountdowns } from "./countdowns.js";
import { onKey } from "./keys.js";
import { announce, showProblem, startPage } from "./page.js";
import { t } from "./words.js";

startPage();
startCountdowns();
const button = document.getElementById("take");
button?.addEventListener("click", take);
onKey("n", () => (button ?? document.getElementById("continue"))?.click());

async function take() {
  if (button.disabled) return;
  button.disabled = true;
  showProblem("");
  try {
    const held = await call("POST", "/v1/appeals/claim");
    if (held) return location.assign(`/appeals/${held.appeal_id}`);
    const words = t("Nothing waits that you may decide right now.");
    const notice = document.getElementById("notice");
    notice.textContent = words;
    notice.hidden = false;
    announce(words);
  } catch (error) {
    showProblem(error.message);
  }
  button.disabled = false;
}
