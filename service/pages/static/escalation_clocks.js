// The clocks of a record: pause and resume the internal ones, and set a deadline that an order states.

import { call } from "./api.js";
import { setServerTime } from "./clock.js";
import { startCountdowns } from "./countdowns.js";
import { sayOnNextPage } from "./notice.js";
import { setState } from "./page.js";
import { t } from "./words.js";

const part = document.getElementById("clocks-of");
const path = `/v1/escalations/${part.dataset.record}/clocks`;
const problem = document.getElementById("clocks-problem");

setServerTime(document.body.dataset.now);
startCountdowns();
document.getElementById("clocks-resume")?.addEventListener("click", ({ currentTarget }) => {
  send(currentTarget, "/resume", undefined, t("The clocks go on."));
});
document.getElementById("clocks-pause")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const reason = document.getElementById("clocks-reason");
  if (isGiven(reason, t("Say why they stand still."))) send(event.submitter, "/pause", { reason: reason.value }, t("The internal clocks stand still."));
});
document.getElementById("clocks-state")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const due = document.getElementById("clocks-due");
  const basis = document.getElementById("clocks-basis");
  const replaces = document.getElementById("clocks-replaces");
  if (!isGiven(due, t("Say when it is due.")) || !isGiven(basis, t("Say which order or article it rests on."))) return;
  const body = {
    target: replaces.selectedOptions[0].dataset.target,
    due_at: `${due.value}Z`,
    basis: basis.value,
    replaces: replaces.value || null,
    reason: document.getElementById("clocks-why").value,
  };
  send(event.submitter, "", body, t("The deadline is set."));
});

function isGiven(field, words) {
  const given = field.value.trim() !== "";
  problem.textContent = given ? "" : words;
  setState(field, "aria-invalid", !given);
  if (!given) field.focus();
  return given;
}

async function send(button, what, body, words) {
  if (button.disabled) return;
  button.disabled = true;
  try {
    await call("POST", `${path}${what}`, body);
    sayOnNextPage(words);
    location.reload();
  } catch (error) {
    problem.textContent = error.message;
    button.disabled = false;
  }
}
