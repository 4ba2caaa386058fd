// The editor of a draft: save it, see what it would flip, publish it, or discard it.

import { call } from "./api.js";
import { attemptAlone } from "./attempt.js";
import { onKey } from "./keys.js";
import { reloadWith, sayOnNextPage } from "./notice.js";
import { startPage } from "./page.js";
import { t } from "./words.js";

const form = document.getElementById("draft");
const examples = document.getElementById("examples");
const { policy, area } = form.dataset;
let kept = "";
let leaving = false;

startPage();
kept = JSON.stringify(said());
form.addEventListener("submit", (event) => attemptAlone(event, saveAndShow));
document.getElementById("publish").addEventListener("submit", (event) => attemptAlone(event, publish));
document.getElementById("replay").addEventListener("click", (event) => attemptAlone(event, replay));
document.querySelector(".withdraw").addEventListener("click", (event) => attemptAlone(event, discard));
document.getElementById("add-example").addEventListener("click", addExample);
examples.addEventListener("click", (event) => event.target.closest(".remove-example")?.closest("fieldset").remove());
onKey("Ctrl+Enter", () => form.requestSubmit());
addEventListener("beforeunload", (event) => !leaving && JSON.stringify(said()) !== kept && event.preventDefault());

function said() {
  const values = {};
  for (const name of ["title", "body", "digest", "owner", "reason"]) values[name] = document.getElementById(name).value;
  values.acknowledge = document.getElementById("acknowledge").checked;
  values.examples = [...examples.querySelectorAll("fieldset")].map(exampleOf);
  return values;
}

function exampleOf(fieldset) {
  const value = (name) => fieldset.querySelector(`[data-field=${name}]`).value;
  const allowed = value("verdict") === "allowed";
  return {
    text: value("text"),
    verdict: allowed ? "allowed" : "violating",
    severity: allowed ? null : Number(value("verdict")),
    why: value("why"),
  };
}

function addExample() {
  examples.append(document.getElementById("example").content.cloneNode(true));
  examples.lastElementChild.querySelector("textarea").focus();
}

async function save() {
  const values = said();
  await call("PATCH", `/v1/policies/drafts/${policy}`, values);
  kept = JSON.stringify(values);
}

async function saveAndShow() {
  await save();
  leaving = true;
  sayOnNextPage(t("Saved."));
  location.reload();
}

async function replay() {
  await save();
  const { result } = await call("POST", `/v1/policies/drafts/${policy}/replay`, {});
  leaving = true;
  reloadWith(result.sentence);
}

async function publish() {
  const given = document.getElementById("effective").value.trim();
  const at = given && given !== "now" ? new Date(`${given.replace(" ", "T")}Z`) : null;
  if (at && Number.isNaN(at.getTime())) throw new Error(t("In force from: write it as 2027-01-15 09:00, or leave it empty."));
  await save();
  const published = await call("POST", `/v1/policies/drafts/${policy}/publish`, at ? { effective_at: at.toISOString() } : {});
  leaving = true;
  sayOnNextPage(t("Version %(number)s is published.", { number: published.number }));
  location.assign(`/policies/${area}`);
}

async function discard() {
  await call("POST", `/v1/policies/${policy}/withdraw`);
  leaving = true;
  sayOnNextPage(t("The draft is discarded."));
  location.assign(`/policies/${area}`);
}
