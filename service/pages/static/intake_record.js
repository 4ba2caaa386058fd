// Parts of a record's page: what was missing is added, and what was looked at is ticked.

import { call } from "./api.js";
import { clearProblems, showProblems, valuesOf } from "./intake_fields.js";
import { sayOnNextPage } from "./notice.js";
import { announce, openForms } from "./page.js";
import { t, tn } from "./words.js";

const missing = document.getElementById("missing-form");
const checks = document.getElementById("checks");
missing?.addEventListener("submit", add);
openForms();
checks?.addEventListener("change", (event) => tick(event.target));

async function add(event) {
  event.preventDefault();
  const place = document.getElementById("missing-problem");
  clearProblems(missing);
  place.textContent = "";
  const fields = valuesOf(missing);
  if (!Object.keys(fields).length) {
    place.textContent = t("Fill in what came.");
    return;
  }
  try {
    const answer = await call("POST", `/v1/escalations/${missing.dataset.escalation}/information`, { fields });
    const left = answer.missing.length;
    sayOnNextPage(left ? tn("Added. One thing is still missing.", "Added. %(num)s things are still missing.", left) : t("Added. Nothing is missing any more."));
    location.reload();
  } catch (error) {
    place.textContent = error.status === 422 ? showProblems(error.detail) : error.message;
    if (place.textContent) place.focus();
  }
}

async function tick(box) {
  const place = document.getElementById("checks-problem");
  place.textContent = "";
  try {
    const list = await call("PUT", `/v1/escalations/${checks.dataset.escalation}/checklist/${box.dataset.item}`, { done: box.checked });
    const words = list.open ? tn("one item is open", "%(num)s items are open", list.open) : t("Everything was looked at.");
    document.getElementById("checks-open").textContent = words;
    box.closest("li").querySelector(".intake-ticked")?.remove();
    announce(words);
  } catch (error) {
    box.checked = !box.checked;
    place.textContent = error.message;
  }
}
