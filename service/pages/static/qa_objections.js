// Objections to what was settled: upheld with what holds instead, or not; the reply goes to whoever objected.

import { call } from "./api.js";
import { startJudgement } from "./judgement.js";
import { sayOnNextPage } from "./notice.js";
import { openForms, startPage } from "./page.js";
import { t } from "./words.js";

startPage();
const objection = document.getElementById("objection");
if (objection) startObjection(objection.dataset.feedback);
openForms();

function startObjection(feedback) {
  const reply = document.getElementById("reply");
  const problem = document.getElementById("reply-problem");
  startJudgement((answer) => resolve({ upheld: true, answer }));
  document.getElementById("resolve").addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await resolve({ upheld: false });
    } catch (error) {
      problem.textContent = error.message;
    }
  });

  async function resolve(outcome) {
    const words = reply.value.trim();
    problem.textContent = "";
    if (!words) {
      reply.focus();
      throw new Error(t("Write a reply: it goes to whoever objected."));
    }
    await call("POST", `/v1/qa/feedback/${feedback}/resolve`, { ...outcome, reply: words });
    sayOnNextPage(t("The objection is answered."));
    location.assign("/qa/objections");
  }
}
