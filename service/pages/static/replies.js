// A reply on the page of its escalation: begun, kept as it is written, checked, approved and sent.

import { call } from "./api.js";
import { attemptOnce } from "./attempt.js";
import { sayOnNextPage } from "./notice.js";
import { nameLanguages, setState } from "./page.js";
import { t } from "./words.js";

const PAUSE_MILLISECONDS = 600;
const RETRY_MILLISECONDS = 5000;
const GAP = /\{\{[^{}]*\}\}/g;
const CHECKS = {
  placeholder: t("Not filled in"),
  staff: t("Names a member of staff"),
  namesake: t("Also a user name"),
  internal: t("Also in internal text"),
  personal: t("Personal data of somebody else"),
  media: t("Media"),
  recipient: t("No recipient"),
};
const SAID = {
  submit: t("It waits for approval."),
  rewrite: "",
  approve: t("Approved."),
  return: t("It went back for changes."),
  discard: t("The reply is discarded."),
  send: t("The reply is on its way. You can still take it back for a moment."),
};

const byId = (id) => document.getElementById(id);
const root = byId("reply");
const base = `/v1/escalations/${root.dataset.record}/replies`;
const form = byId("reply-form");
const body = byId("reply-body");
const subject = byId("reply-subject");
// What a person says of words that are user names as well: they stay said while the text is written on.
const CONFIRMED_BY = ["submit", "approve", "send"];
const namesakes = new Set();
let version = Number(form?.dataset.version ?? 0);
let kept = "";
let timer = 0;
let saving = Promise.resolve();

nameLanguages();
byId("reply-start")?.addEventListener("submit", (event) => {
  event.preventDefault();
  attemptOnce(event.submitter, start, problem);
});
root.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-reply-verb], button[data-undo], button[data-again], button[data-part], button[data-holding], button[data-crisis]");
  if (!button) return;
  if (button.dataset.holding) return insert(byId(button.dataset.holding).textContent);
  if (button.dataset.part) return select(button.dataset);
  attemptOnce(button, () => verb(button), problem);
});
form?.addEventListener("submit", (event) => event.preventDefault());
// One word may stand there several times, and is meant in one way.
form?.addEventListener("change", ({ target }) => {
  if (target.name !== "namesake") return;
  namesakes[target.checked ? "add" : "delete"](target.value);
  for (const box of form.querySelectorAll("[name=namesake]")) box.checked = namesakes.has(box.value);
});
showPreview(subject?.value ?? byId("preview-subject")?.textContent, body?.value ?? byId("preview-body")?.textContent);
if (body) startWriting();

function startWriting() {
  kept = JSON.stringify(said());
  form.addEventListener("input", changed);
  byId("reply-gap").addEventListener("click", nextGap);
  addEventListener("pagehide", () => save({ last: true }));
}

function problem(text) {
  const place = byId("reply-problem");
  place.textContent = text;
  place.hidden = !text;
  if (text) place.scrollIntoView({ block: "nearest" });
}

// The page comes back where one was.
function afresh(text) {
  if (text) sayOnNextPage(text);
  if (location.hash !== "#replies") history.replaceState(null, "", "#replies");
  location.reload();
}

async function start() {
  const made = await call("POST", base, { purpose: byId("reply-purpose").value, language: byId("reply-in").value });
  afresh(made.language === byId("reply-in").value ? "" : t("There is no template in that language; this is the English one."));
}

// In place of what is selected, or where one writes: a paragraph of its own.
function insert(text) {
  const before = body.value.slice(0, body.selectionStart).trim() ? "\n\n" : "";
  const after = body.value.slice(body.selectionEnd).trim() ? "\n\n" : "";
  body.focus();
  body.setRangeText(`${before}${text}${after}`, body.selectionStart, body.selectionEnd, "end");
  body.dispatchEvent(new Event("input", { bubbles: true }));
}

async function verb(button) {
  const { undo, again, replyVerb, crisis, number } = button.dataset;
  if (crisis) {
    await call("POST", `/v1/escalations/${root.dataset.record}/holding-statements`, { crisis, number: Number(number) });
    return afresh("");
  }
  if (undo) {
    await call("POST", `${base}/${undo}/undo`, {});
    return afresh(t("The reply was taken back and did not go out."));
  }
  if (again) {
    await call("POST", `/v1/replies/deliveries/${again}/resend`, {});
    return afresh(t("It is sent again."));
  }
  if (replyVerb === "discard" && !button.dataset.sure) {
    // There is no way back from it.
    button.dataset.sure = "yes";
    button.textContent = t("Discard for good");
    return;
  }
  await move(replyVerb);
}

async function move(name) {
  clearTimeout(timer);
  // What is thrown away need not be kept, whatever is wrong with it.
  if (body) await (name === "discard" ? saving.catch(() => {}) : save());
  const more = name === "return" ? { reason: reason() } : {};
  if (CONFIRMED_BY.includes(name)) more.namesakes = meant();
  await call("POST", `${base}/${form.dataset.reply}/${name}`, { version, ...more });
  kept = body ? JSON.stringify(said()) : kept;
  afresh(SAID[name]);
}

// Only what stands there now: another word of the same kind is confirmed by itself.
function meant() {
  return [...new Set([...form.querySelectorAll("[name=namesake]:checked")].map((box) => box.value))];
}

function reason() {
  const field = byId("reply-reason");
  const given = field.value.trim();
  setState(field, "aria-invalid", !given);
  if (given) return given;
  field.focus();
  throw new Error(t("Say what should be changed."));
}

function said() {
  return {
    subject: subject.value.trim(),
    body: body.value,
    language: byId("reply-language").value,
    recipients: [...form.querySelectorAll("[name=to]:checked")].map((box) => box.value),
  };
}

function changed() {
  showPreview(subject.value, body.value);
  clearTimeout(timer);
  timer = setTimeout(() => save().catch(notKept), PAUSE_MILLISECONDS);
}

// One after the other: each save names the version that the one before it made.
function save(options) {
  clearTimeout(timer);
  saving = saving.catch(() => {}).then(() => keep(options));
  return saving;
}

async function keep(options) {
  const written = JSON.stringify(said());
  if (written === kept) return;
  const reply = await call("PUT", `${base}/${form.dataset.reply}`, { version, ...said() }, options);
  if (!reply) return;
  version = reply.version;
  kept = written;
  byId("reply-kept").textContent = t("Draft kept");
  showProblems(reply.problems);
}

function notKept(error) {
  byId("reply-kept").textContent = t("Draft not kept yet");
  problem(error.message);
  if (error.status === 0 || error.status === 429 || error.status >= 500) timer = setTimeout(() => save().catch(notKept), RETRY_MILLISECONDS);
}

function showProblems(problems) {
  byId("reply-wrong").hidden = !problems.length;
  byId("reply-wrong").querySelector("ul").replaceChildren(...problems.map(line));
}

function line(one) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button-small";
  button.textContent = CHECKS[one.check];
  Object.assign(button.dataset, { part: one.part, line: one.line, column: one.column, length: one.found.length });
  const words = document.createElement("span");
  words.className = "small";
  const found = document.createElement("bdi");
  found.textContent = one.found;
  const mend = document.createElement("span");
  mend.className = "soft";
  mend.lang = "en";
  mend.textContent = `${one.mend.charAt(0).toUpperCase()}${one.mend.slice(1)}.`;
  words.append(found, " ", mend);
  item.append(button, " ", words);
  if (one.check === "namesake") item.append(" ", confirmation(one.found));
  return item;
}

function confirmation(word) {
  const box = document.createElement("input");
  Object.assign(box, { type: "checkbox", name: "namesake", value: word, checked: namesakes.has(word) });
  const label = document.createElement("label");
  label.className = "choice small";
  label.append(box, " ", t("Nobody of the staff is meant"));
  return label;
}

// Places count code points, as the service does; fields count UTF-16 units.
function select({ part, line: row, column, length }) {
  const field = part === "subject" ? subject : body;
  if (part === "recipients") return form.querySelector("[name=to]")?.focus();
  const before = field.value.split("\n").slice(0, row - 1).reduce((sum, one) => sum + one.length + 1, 0);
  const text = [...(field.value.split("\n")[row - 1] ?? "")];
  const from = before + text.slice(0, column - 1).join("").length;
  field.focus();
  field.setSelectionRange(from, from + Number(length));
}

function nextGap() {
  for (const field of [subject, body]) {
    const from = field === document.activeElement || field === body ? field.selectionEnd : 0;
    const gaps = [...field.value.matchAll(GAP)];
    const gap = gaps.find(({ index }) => index >= from) ?? gaps[0];
    if (!gap) continue;
    field.focus();
    field.setSelectionRange(gap.index, gap.index + gap[0].length);
    return;
  }
}

function showPreview(line, text) {
  if (!form) return;
  byId("preview-subject").replaceChildren(...marked(line));
  byId("preview-body").replaceChildren(...marked(text));
  const gap = byId("reply-gap");
  if (gap) gap.hidden = !`${line}\n${text}`.match(GAP);
}

function marked(text) {
  const pieces = [];
  let done = 0;
  for (const gap of text.matchAll(GAP)) {
    const mark = document.createElement("mark");
    mark.textContent = gap[0];
    pieces.push(text.slice(done, gap.index), mark);
    done = gap.index + gap[0].length;
  }
  return [...pieces, text.slice(done)];
}
