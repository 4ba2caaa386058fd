// The root cause of an escalation and what is done about it.

import { call } from "./api.js";
import { attemptOnce, sayingIn } from "./attempt.js";
import { startImprovements } from "./improvement.js";
import { reloadWith } from "./notice.js";
import { t } from "./words.js";

const byId = (id) => document.getElementById(id);
const place = byId("cause");
const address = `/v1/escalations/${place.dataset.record}`;

byId("cause-form").addEventListener("submit", (event) => {
  event.preventDefault();
  send("cause-problem", cause, t("The root cause is filed."), (body) => call("PUT", `${address}/cause`, body));
});
byId("add-improvement-form").addEventListener("submit", (event) => {
  event.preventDefault();
  send("new-problem", action, t("The action is added."), (body) => call("POST", `${address}/improvements`, body));
});
startImprovements();
// Before this script took what is in them, the forms could not be sent.
for (const button of document.querySelectorAll("#cause-form button, #add-improvement-form button")) button.disabled = false;

// `make` gives what is to be sent, or says in a text what is missing. Pressed twice, it is sent once.
function send(problem, make, told, sent) {
  const say = sayingIn(byId(problem));
  const button = byId(problem).closest("form").querySelector("button[type=submit]");
  const body = make();
  if (typeof body === "string") return say(body);
  attemptOnce(button, async () => {
    await sent(body);
    reloadWith(told);
    return true;
  }, say);
}

function cause() {
  const [code, subcode] = byId("cause-code").value.split("/");
  if (!subcode) return t("Choose a cause.");
  const steps = [...document.querySelectorAll(".why-step")].map((step) => ({
    why: step.querySelector(".why").value.trim(),
    because: step.querySelector(".because").value.trim(),
  }));
  if (steps.some(({ why, because }) => Boolean(why) !== Boolean(because))) return t("Every why needs its because.");
  const numbers = byId("cause-records").value.split(/[\s,;]+/).filter(Boolean).map((one) => Number(one.replace(/^E-/i, "")));
  if (numbers.some((one) => !Number.isInteger(one) || one < 1)) return t("Name other records by their numbers, such as E-1042.");
  return {
    code,
    subcode,
    whys: steps.filter(({ why }) => why),
    factors: byId("cause-factors").value.split("\n").map((line) => line.trim()).filter(Boolean),
    records: numbers,
    replaces: place.dataset.replaces || null,
  };
}

function action() {
  const title = byId("new-title").value.trim();
  if (!title) return t("Say what is to be done.");
  if (!byId("new-due").value) return t("Choose the day by which it is to be done.");
  return {
    direction: byId("new-direction").value,
    title,
    team: byId("new-team").value,
    owner: byId("new-owner").value.trim() || null,
    due_on: byId("new-due").value,
    measure: byId("new-measure").value,
  };
}
