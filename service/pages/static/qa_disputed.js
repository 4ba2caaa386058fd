// What answers differ on: somebody who gave none of them says what holds; and objections, upheld or not.

import { call } from "./api.js";
import { startJudgement } from "./judgement.js";
import { sayOnNextPage } from "./notice.js";
import { openForms, startPage } from "./page.js";
import { startPreviews } from "./reveal.js";

startPage();
startPreviews();
const disputed = document.getElementById("disputed");
if (disputed) {
  startJudgement(async (values) => {
    await call("POST", `/v1/qa/items/${disputed.dataset.item}/adjudicate`, values);
    sayOnNextPage("Settled. Those who said otherwise are told.");
    location.assign("/qa/disputed");
  });
}
document.addEventListener("submit", (event) => {
  if (!event.target.matches(".resolve")) return;
  event.preventDefault();
  resolve(event.target, event.submitter?.value === "yes");
});
openForms();

async function resolve(form, upheld) {
  const problem = form.querySelector(".problem");
  const body = { upheld, reply: form.elements.reply.value.trim() };
  problem.textContent = body.reply ? "" : "Write a reply: it goes to whoever objected.";
  if (!body.reply) return;
  if (upheld) body.answer = JSON.parse(form.dataset.said);
  try {
    await call("POST", `/v1/qa/feedback/${form.closest(".objection").dataset.feedback}/resolve`, body);
    sayOnNextPage("The objection is answered.");
    location.assign("/qa/disputed");
  } catch (error) {
    problem.textContent = error.message;
  }
}
