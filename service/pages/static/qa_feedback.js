// Feedback: what is shown counts as seen; an objection goes to somebody else.

import { call } from "./api.js";
import { sayOnNextPage } from "./notice.js";
import { openForms, showProblem, startPage } from "./page.js";
import { t } from "./words.js";

startPage();
for (const unseen of document.querySelectorAll("[data-unseen]")) {
  call("POST", `/v1/qa/feedback/${unseen.dataset.feedback}/seen`).catch((error) => showProblem(error.message));
}
document.addEventListener("submit", async (event) => {
  if (!event.target.matches(".dispute")) return;
  event.preventDefault();
  const form = event.target;
  const problem = form.querySelector(".problem");
  const objection = form.elements.objection.value.trim();
  problem.textContent = objection ? "" : t("Say why it does not hold.");
  if (!objection) return;
  try {
    await call("POST", `/v1/qa/feedback/${form.closest(".feedback").dataset.feedback}/dispute`, { objection });
    sayOnNextPage(t("Your objection is on its way to somebody else."));
    location.reload();
  } catch (error) {
    problem.textContent = error.message;
  }
});
openForms();
