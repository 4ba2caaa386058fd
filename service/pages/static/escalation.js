// The page of one escalation: what one does with it as a whole. What belongs to one of its parts is in escalation_parts.js.

import { call } from "./api.js";
import { startCountdowns } from "./countdowns.js";
import { idOf, startFacts, startHandover, startLinks, startMessages, startUploads, startWatchers } from "./escalation_parts.js";
import { startOlder } from "./older.js";
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
onKey("p", () => document.querySelector("#parts a").focus());
onKey("l", () => location.assign("/escalations"));
// M writes a message here.
onKey("s", () => document.getElementById("masked-all")?.click());
startOlder();
look();
for (const start of [startFacts, startHandover, startLinks, startMessages, startUploads, startWatchers]) start(record, done);

// What was changed is shown by a fresh page, which says that it was: the list, where one may not see the record any more.
function done(text, { gone = false, whole = false } = {}) {
  sayOnNextPage(text, { whole });
  if (whole) scrollTo(0, 0);
  if (gone) location.assign("/escalations");
  else location.reload();
}

// What stands on this page is no news any more, however soon one leaves it; what happens after it was made still is.
function look() {
  const events = head.dataset.news.split(" ").filter(Boolean).map(Number);
  if (events.length) call("POST", `${record.path}/looked`, { events }, { last: true }).catch((error) => showProblem(error.message));
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
  const answer = await call("POST", `${record.path}/moves`, { version: record.version, ...body });
  done(DONE[body.verb], { gone: !answer, whole: true });
}

// What somebody else changed meanwhile has to be seen before it is changed again.
function refused(error, show) {
  if (error.code === "escalation_changed" || error.code === "transition_refused") reloadWith(error.message);
  else show(error.message);
}

// Words of a dialog outlive the page that shows what somebody else changed meanwhile, in this tab and for whoever wrote them alone.
function draftOf(dialog) {
  return `triage.escalation.${record.me}.${record.id}.${dialog.dataset.verb}`;
}

function listen(dialog) {
  const form = dialog.querySelector("form");
  const original = form.elements.original?.closest(".field");
  const kept = sessionStorage.getItem(draftOf(dialog));
  if (kept) form.elements.note.value = kept;
  form.elements.note.addEventListener("input", () => sessionStorage.setItem(draftOf(dialog), form.elements.note.value));
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
    sessionStorage.removeItem(draftOf(dialog));
  } catch (error) {
    button.disabled = false;
    refused(error, (text) => {
      problem.textContent = text;
      problem.hidden = false;
    });
  }
}
