// The form of an escalation: what is missing is said at once, and what was written stays in this window until it is sent.

import { call } from "./api.js";
import { clearProblems, fieldsOf, setProblem, showProblems, valueOf, valuesOf } from "./intake_fields.js";
import { onKey } from "./keys.js";
import { openForms, showProblem, startPage } from "./page.js";
import { Uploads } from "./uploads.js";
import { t } from "./words.js";

startPage();
const form = document.getElementById("intake");
const PLACE = `triage.intake.${form.dataset.me}.${form.dataset.source}.${form.dataset.trigger}`;
const assets = document.getElementById("assets");
const byId = (id) => document.getElementById(id);
// What is no field of the form, by the id of its element.
const OTHERS = ["language", "cases", "content-id", "content-kind", "content-text", "title", "jurisdiction", "area", "severity"];
const FLAGS = ["high-profile", "at-risk", "ask", "confidential"];
// The same sending, tried again, takes in the same thing once.
let key = crypto.randomUUID();

byId("add-asset").addEventListener("click", () => addAsset().focus());
assets.addEventListener("click", (event) => {
  if (!event.target.closest(".asset-remove")) return;
  event.target.closest(".intake-asset").remove();
  remember();
});
form.addEventListener("input", remember);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
});
onKey("Ctrl+Enter", send);
for (const id of ["area", "confidential"]) byId(id)?.addEventListener("change", showClosed);
const uploads = byId("uploads") && new Uploads(byId("uploads"), () => {
  setProblem("media", "");
  remember();
});
// How closed it is without any area, and what is said of that.
const byForm = { kept: byId("kept").textContent, closed: byId("confidential")?.disabled };
restore();
showClosed();
openForms();
// Where there is a keyboard, one begins to write; a finger would get a keyboard over what is needed.
if (matchMedia("(hover: hover)").matches) form.querySelector("input, select, textarea")?.focus();

// A record of some areas is confidential whoever raises it.
function showClosed() {
  const box = byId("confidential");
  if (!box || byForm.closed) return;
  const closed = "closed" in (byId("area").selectedOptions[0]?.dataset ?? {});
  // What was ticked by hand comes back with an area that leaves it open.
  if (closed && !box.disabled) box.dataset.was = String(box.checked);
  if (!closed && box.disabled) box.checked = box.dataset.was === "true";
  if (closed) box.checked = true;
  box.disabled = closed;
  byId("kept").textContent = closed || box.checked ? byId("kept").dataset.closed : byForm.kept;
}

async function send() {
  if (byId("send").disabled) return;
  clearProblems(form);
  showProblem("");
  if (!byId("ask").checked && !complete()) return;
  if (!allArrived()) return;
  byId("send").disabled = true;
  try {
    const answer = await call("POST", "/v1/escalations", body(), { key });
    sessionStorage.removeItem(PLACE);
    sessionStorage.setItem(`triage.intake.receipt.${form.dataset.me}`, JSON.stringify({ ...answer, language: byId("language").value }));
    location.assign("/escalations/new/received");
  } catch (error) {
    const rest = error.status === 422 ? showProblems(error.detail) : error.message;
    if (rest) showProblem(rest);
    byId("send").disabled = false;
  }
}

// What did not arrive is not left out without a word.
function allArrived() {
  const { busy, failed } = uploads ?? {};
  if (busy) setProblem("media", t("Wait until every file has arrived, or remove it."));
  else if (failed) setProblem("media", t("Some files did not arrive: try them again, or remove them."));
  if (busy || failed) byId("upload-file").focus();
  return !busy && !failed;
}

function body() {
  const text = (id) => byId(id).value.trim();
  const content = text("content-id") || text("content-text") ? [{ id: text("content-id"), kind: text("content-kind"), text: text("content-text") }] : [];
  return {
    source: form.dataset.source,
    trigger: form.dataset.trigger,
    title: text("title"),
    fields: valuesOf(form),
    language: text("language"),
    jurisdiction: text("jurisdiction").toUpperCase() || null,
    policy_area: text("area") || null,
    severity: text("severity") === "" ? null : Number(text("severity")),
    high_profile: byId("high-profile").checked,
    at_risk: byId("at-risk").checked,
    cases: text("cases").split(/\s+/).filter(Boolean),
    confidentiality: byId("confidential")?.checked ? "confidential" : null,
    assets: assetsNow().filter((one) => one.id),
    content,
    media: uploads?.arrived ?? [],
    incomplete: byId("ask").checked ? "ask" : "refuse",
  };
}

// Says everything that is missing at once and goes to the first of it.
function complete() {
  let first = null;
  for (const field of fieldsOf(form)) {
    const { needed, if: other, equals } = field.closest(".intake-field").dataset;
    const due = needed !== undefined || (other && valueOf(byId(`f-${other}`)) === equals);
    if (!due || valueOf(field)) continue;
    setProblem(field.name, field.dataset.kind === "confirmation" ? t("Tick this to state it.") : t("This is needed."));
    first ??= field;
  }
  first?.focus();
  return !first;
}

function addAsset(one) {
  const row = byId("asset").content.firstElementChild.cloneNode(true);
  if (one) {
    row.querySelector(".asset-kind").value = one.kind;
    row.querySelector(".asset-id").value = one.id;
  }
  assets.append(row);
  return row.querySelector(".asset-kind");
}

function assetsNow() {
  return [...assets.querySelectorAll(".intake-asset")].map((row) => ({ kind: row.querySelector(".asset-kind").value, id: row.querySelector(".asset-id").value.trim() }));
}

function remember() {
  key = crypto.randomUUID();
  const draft = { fields: {}, others: {}, flags: {}, assets: assetsNow() };
  for (const field of fieldsOf(form)) draft.fields[field.name] = field.type === "checkbox" ? field.checked : field.value;
  for (const id of OTHERS) draft.others[id] = byId(id).value;
  for (const id of FLAGS) draft.flags[id] = byId(id)?.checked;
  draft.media = uploads?.arrived;
  sessionStorage.setItem(PLACE, JSON.stringify(draft));
}

function restore() {
  const draft = JSON.parse(sessionStorage.getItem(PLACE) ?? "null");
  for (const field of fieldsOf(form)) {
    const kept = draft?.fields[field.name];
    if (typeof kept === "boolean") field.checked = kept;
    else if (kept) field.value = kept;
  }
  for (const id of OTHERS) if (draft?.others[id] !== undefined) byId(id).value = draft.others[id];
  for (const id of FLAGS) if (byId(id) && !byId(id).disabled) byId(id).checked = Boolean(draft?.flags[id]);
  if (draft?.media) uploads?.restore(draft.media);
  for (const one of draft?.assets ?? []) addAsset(one);
  if (!draft?.assets?.length) addAsset();
  if (draft?.others["content-id"] || draft?.others["content-text"]) form.querySelector("details").open = true;
}
