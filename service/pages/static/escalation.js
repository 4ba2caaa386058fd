// The page of one escalation: what one does with it as a whole. What belongs to one of its parts is in escalation_parts.js.

import { call } from "./api.js";
import { startCountdowns } from "./countdowns.js";
import { idOf, startFacts, startHandover, startLinks, startMessages, startUploads, startWatchers } from "./escalation_parts.js";
import { onKey } from "./keys.js";
import { reloadWith, sayOnNextPage } from "./notice.js";
import { openForms, showProblem, startPage } from "./page.js";
import { t } from "./words.js";

const KEYS = { t: ["take", "take_up"], o: ["go_on"], r: ["resolve"], w: ["wait"], i: ["ask"], a: ["assign"] };
const DONE = {
  take: t("You have it now."),
  assign: t("It is given to somebody else."),
  release: t("It is with nobody now, and waits to be taken."),
  wait: t("It waits."),
  ask: t("It is marked as short of information."),
  go_on: t("It goes on."),
  resolve: t("It is resolved."),
  take_up: t("You have taken it up again."),
};

const head = document.getElementById("record");
const record = { id: head.dataset.id, version: Number(head.dataset.version), me: head.dataset.me, path: `/v1/escalations/${head.dataset.id}` };

startPage();
startCountdowns();
openForms();
for (const button of document.querySelectorAll("button[data-verb]")) button.addEventListener("click", () => begin(button));
for (const dialog of document.querySelectorAll("dialog[data-verb]")) listen(dialog);
for (const [key, verbs] of Object.entries(KEYS)) onKey(key, () => document.querySelector(verbs.map((verb) => `button[data-verb=${verb}]`).join(","))?.click());
onKey("l", () => location.assign("/escalations"));
for (const start of [startFacts, startHandover, startLinks, startMessages, startUploads, startWatchers]) start(record, done);

// What was changed is shown by a fresh page, which says that it was.
function done(text) {
  sayOnNextPage(text);
  location.reload();
}

function begin(button) {
  const verb = button.dataset.verb;
  if ("asks" in button.dataset) return document.getElementById(`${verb}-dialog`).showModal();
  if (button.disabled) return;
  button.disabled = true;
  move({ verb }).catch((error) => {
    button.disabled = false;
    refused(error, showProblem);
  });
}

async function move(body) {
  await call("POST", `${record.path}/moves`, { version: record.version, ...body });
  done(DONE[body.verb]);
}

// What somebody else changed meanwhile has to be seen before it is changed again.
function refused(error, show) {
  if (error.code === "escalation_changed" || error.code === "transition_refused") reloadWith(error.message);
  else show(error.message);
}

function listen(dialog) {
  const form = dialog.querySelector("form");
  const original = form.elements.original?.closest(".field");
  dialog.querySelector(".cancel").addEventListener("click", () => dialog.close());
  if (original) form.addEventListener("change", () => {
    original.hidden = form.elements.resolution.value !== "duplicate";
    form.elements.original.required = !original.hidden;
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(dialog, form);
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
}

async function send(dialog, form) {
  const problem = dialog.querySelector("[role=alert]");
  const button = form.querySelector("[type=submit]");
  if (button.disabled) return;
  button.disabled = true;
  problem.hidden = true;
  try {
    const given = Object.fromEntries([...new FormData(form)].filter(([, value]) => value.trim() !== ""));
    const original = given.resolution === "duplicate" ? { original: await idOf(given.original) } : {};
    delete given.original;
    await move({ verb: dialog.dataset.verb, ...given, ...original });
  } catch (error) {
    button.disabled = false;
    refused(error, (text) => {
      problem.textContent = text;
      problem.hidden = false;
    });
  }
}
