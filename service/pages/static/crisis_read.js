// The note of a crisis beside a case, and what happened to one: whoever has read it says so.

import { call } from "./api.js";
import { t } from "./words.js";

for (const button of document.querySelectorAll(".crisis-read")) confirm(button, t("You have confirmed that you read it."), () => call("POST", `/v1/crises/${button.dataset.crisis}/read`));
for (const button of document.querySelectorAll(".crisis-seen")) {
  const moment = Number(button.dataset.moment);
  confirm(button, t("You have confirmed that you saw it."), () => call("POST", `/v1/crises/${button.dataset.crisis}/seen`, { moment }));
}

function confirm(button, words, act) {
  button.addEventListener("click", async () => {
    const problem = button.parentElement.querySelector(".problem");
    button.disabled = true;
    problem.textContent = "";
    try {
      await act();
      const said = document.createElement("span");
      said.role = "status";
      said.textContent = words;
      button.replaceWith(said);
    } catch (error) {
      problem.textContent = error.message;
      button.disabled = false;
    }
  });
}
