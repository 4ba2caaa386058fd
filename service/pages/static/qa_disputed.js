// What answers differ on: somebody who gave none of them says what holds.

import { call } from "./api.js";
import { startJudgement } from "./judgement.js";
import { sayOnNextPage } from "./notice.js";
import { openForms, startPage } from "./page.js";
import { startPreviews } from "./media.js";
import { t } from "./words.js";

startPage();
startPreviews();
const disputed = document.getElementById("disputed");
if (disputed) {
  startJudgement(async (values) => {
    await call("POST", `/v1/qa/items/${disputed.dataset.item}/adjudicate`, values);
    sayOnNextPage(t("Settled. Those who said otherwise are told."));
    location.assign("/qa/disputed");
  });
}
openForms();
