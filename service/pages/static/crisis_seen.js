// What happened to a crisis: whoever leads and has seen it says so. Notices come and go with the fresh part of a page.

import { call } from "./api.js";
import { attemptOnce, sayingIn } from "./attempt.js";
import { t } from "./words.js";

document.addEventListener("click", ({ target }) => {
  const button = target.closest(".crisis-seen");
  if (!button) return;
  attemptOnce(button, () => confirm(button), sayingIn(button.parentElement.querySelector(".problem")));
});

async function confirm(button) {
  const { crisis, moment } = button.dataset;
  await call("POST", `/v1/crises/${crisis}/seen`, { moment: Number(moment) });
  const said = document.createElement("span");
  said.role = "status";
  said.textContent = t("You have confirmed that you saw it.");
  button.replaceWith(said);
}
