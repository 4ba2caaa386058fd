// What happened to a crisis: whoever leads and has seen it says so.

import { call } from "./api.js";
import { t } from "./words.js";

for (const button of document.querySelectorAll(".crisis-seen")) {
  button.addEventListener("click", async () => {
    const { crisis, moment } = button.dataset;
    const problem = button.parentElement.querySelector(".problem");
    button.disabled = true;
    problem.textContent = "";
    try {
      await call("POST", `/v1/crises/${crisis}/seen`, { moment: Number(moment) });
      const said = document.createElement("span");
      said.role = "status";
      said.textContent = t("You have confirmed that you saw it.");
      button.replaceWith(said);
    } catch (error) {
      problem.textContent = error.message;
      button.disabled = false;
    }
  });
}
