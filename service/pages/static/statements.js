// Statements of reasons: hand out and answer for batches, mend what was refused, and write what a decision will tell.

import { call } from "./api.js";
import { attemptAlone } from "./attempt.js";
import { sayNow, sayOnNextPage } from "./notice.js";
import { startPage } from "./page.js";
import { t } from "./words.js";

const byId = (id) => document.getElementById(id);

startPage();
byId("next-batch")?.addEventListener("click", (event) => attemptAlone(event, handOut));
for (const button of document.querySelectorAll(".confirm")) {
  button.addEventListener("click", (event) => attemptAlone(event, () => confirmBatch(Number(button.dataset.batch))));
}
byId("mend")?.addEventListener("submit", (event) => attemptAlone(event, mend));
byId("edit")?.addEventListener("submit", (event) => attemptAlone(event, keep));
byId("reset")?.addEventListener("click", (event) => attemptAlone(event, reset));
byId("afterwards")?.addEventListener("submit", (event) => attemptAlone(event, makeUp));
if (document.querySelector("[data-ground]")) startGround();

function afresh(words) {
  sayOnNextPage(words);
  location.reload();
}

async function handOut() {
  const batch = await call("GET", "/v1/statements/export");
  if (!batch) return sayNow(t("No statement is ready. Those of the last decisions can still be undone, and those of samples stay here."));
  return afresh(t("Batch %(number)s waits to be posted.", { number: batch.batch }));
}

async function confirmBatch(batch) {
  await call("POST", "/v1/statements/export/confirm", { batch });
  afresh(t("Batch %(number)s is in the database.", { number: batch }));
}

// Only what was changed is sent: the rest stays as it is known.
function changed(form) {
  const said = {};
  for (const field of form.querySelectorAll("[data-was]")) {
    const value = field.value.trim();
    if (value && value !== field.dataset.was && !field.closest("[hidden]")) said[field.id] = value;
  }
  return said;
}

async function mend() {
  const form = byId("mend");
  await call("POST", `/v1/statements/${form.dataset.statement}/mend`, changed(form));
  afresh(t("It goes into the next batch."));
}

// The ground is sent where it is the law, for without it the terms count; and where another was written earlier.
function stated(form) {
  const statement = changed(form);
  const ground = form.querySelector("[name=decision_ground]:checked");
  if (ground?.value === "DECISION_GROUND_ILLEGAL_CONTENT" || ground?.defaultChecked === false) statement.decision_ground = ground.value;
  return statement;
}

async function makeUp() {
  const form = byId("afterwards");
  const made = await call("POST", `/v1/decisions/${form.dataset.decision}/statement`, stated(form));
  sayOnNextPage(t("The statement is made, and the platform gets the notice."));
  location.assign(`/statements/${made.id}`);
}

async function keep() {
  const form = byId("edit");
  const statement = stated(form);
  if (byId("even_if_exempt")?.checked) statement.even_if_exempt = true;
  const { token, area } = form.dataset;
  await call("PUT", `/v1/cases/${form.dataset.case}/statement`, { lease_token: token, policy_area: area, statement });
  afresh(t("This text is used when you decide. You can close this page."));
}

async function reset() {
  const form = byId("edit");
  await call("DELETE", `/v1/cases/${form.dataset.case}/statement?lease_token=${form.dataset.token}`);
  afresh(t("The text is made of what is known again."));
}

function startGround() {
  const show = () => {
    const ground = document.querySelector("[name=decision_ground]:checked")?.value;
    for (const part of document.querySelectorAll("[data-ground]")) part.hidden = part.dataset.ground !== ground;
  };
  document.addEventListener("change", show);
  show();
}
