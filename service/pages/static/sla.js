// The page of clocks of escalations: another matrix is tried on the clocks that run, then put to work.

import { call } from "./api.js";
import { localTime, startCountdowns } from "./countdowns.js";
import { onKey } from "./keys.js";
import { reloadWith } from "./notice.js";
import { setState, showProblem, startPage } from "./page.js";
import { number, t, tn } from "./words.js";

startPage();
startCountdowns();
const text = document.getElementById("matrix-text");
if (text) startEditing();

function startEditing() {
  const form = document.getElementById("save-form");
  let tried = null;
  text.addEventListener("input", () => {
    document.getElementById("draft-tag").hidden = text.value === text.defaultValue;
    form.hidden = text.value !== tried || text.value === text.defaultValue;
  });
  const preview = async () => {
    showProblem("");
    setState(text, "aria-invalid", false);
    const asked = text.value;
    say(t("Working it out…"));
    try {
      show(await call("POST", "/v1/sla/preview", { text: asked }));
      tried = asked;
      form.hidden = asked === text.defaultValue;
    } catch (error) {
      say("");
      setState(text, "aria-invalid", true);
      showProblem(error.message);
    }
  };
  document.getElementById("preview").addEventListener("click", preview);
  onKey("p", preview);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save(event.submitter);
  });
}

function say(words) {
  document.getElementById("preview-words").textContent = words;
}

function show(found) {
  const clocks = found.earlier + found.later + found.started + found.ended;
  const which = tn("%(count)s open record was tried.", "%(count)s open records were tried.", found.records, { count: number(found.records) });
  const would = clocks
    ? t("%(earlier)s running clocks would be due earlier, %(later)s later, %(started)s would begin and %(ended)s would fall away.", {
      earlier: number(found.earlier), later: number(found.later), started: number(found.started), ended: number(found.ended),
    })
    : t("No running clock would move.");
  say(`${which} ${would}`);
  const table = document.getElementById("moves");
  table.hidden = found.moved.length === 0;
  table.tBodies[0].replaceChildren(...found.moved.map(row));
}

function row(one) {
  const line = document.createElement("tr");
  const link = document.createElement("a");
  link.href = `/escalations/${one.escalation_id}`;
  link.textContent = `E-${one.number}`;
  line.insertCell().append(link);
  const names = { first_response: t("First response"), next_update: t("Next update"), decision: t("Decision") };
  const kind = one.kind === "legal" ? t("legal") : t("internal");
  for (const [label, words] of [
    [t("Target"), `${names[one.target]}, ${kind}`],
    [t("Due now"), one.old ? localTime(new Date(one.old)) : t("does not run")],
    [t("Due then"), one.new ? localTime(new Date(one.new)) : t("falls away")],
  ]) {
    const cell = line.insertCell();
    cell.dataset.label = label;
    cell.textContent = words;
  }
  return line;
}

async function save(button) {
  const owner = document.getElementById("owner");
  const reason = document.getElementById("reason");
  const effective = document.getElementById("effective").value;
  for (const [field, words] of [[owner, t("Say who answers for this matrix.")], [reason, t("Say why; whoever reads the history will ask.")]]) {
    const missing = !field.value.trim();
    setState(field, "aria-invalid", missing);
    if (missing) {
      showProblem(words);
      return field.focus();
    }
  }
  button.disabled = true;
  try {
    const saved = await call("POST", "/v1/sla", {
      text: text.value,
      based_on: Number(document.getElementById("sla").dataset.version),
      owner: owner.value,
      reason: reason.value,
      effective_at: effective ? `${effective}Z` : null,
    });
    reloadWith(t("Version %(version)s of the matrix is saved.", { version: saved.version }));
  } catch (error) {
    button.disabled = false;
    showProblem(error.message);
  }
}
