// The note of a crisis beside a case: whoever has read it says so.

import { call } from "./api.js";
import { t } from "./words.js";

for (const button of document.querySelectorAll(".crisis-read")) {
  button.addEventListener("click", async () => {
    const problem = button.parentElement.querySelector(".problem");
    try {
      await call("POST", `/v1/crises/${button.dataset.crisis}/read`);
      button.replaceWith(t("You have confirmed that you read it."));
    } catch (error) {
      problem.textContent = error.message;
    }
  });
}
