// Notes for whoever works on the case next.

import { call } from "./api.js";
import { onCaseKey } from "./life.js";
import { announce, setState } from "./page.js";
import { t } from "./words.js";

export function startNotes() {
  const form = document.getElementById("note-form");
  if (!form) return;
  const field = document.getElementById("case-note");
  const noted = document.getElementById("noted");
  const caseId = document.getElementById("notes").dataset.case;
  const problem = document.getElementById("case-note-problem");
  let busy = false;

  onCaseKey("n", () => field.focus());
  // As in the decision: Ctrl+Enter sends what one is writing, and here it must not decide the case.
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    add();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    add();
  });
  // With the case its page goes, and words that were not added would go with it.
  document.getElementById("decision")?.addEventListener("submit", (event) => {
    if (!field.value.trim()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    refuse(t("Add this note or delete it first: it is not kept yet."));
  });

  async function add() {
    const body = field.value.trim();
    refuse(body ? "" : t("Write something first."));
    if (!body || busy) return;
    busy = true;
    try {
      await call("POST", `/v1/cases/${caseId}/notes`, { body });
      noted.append(line(body));
      // Whatever was written meanwhile is another note.
      if (field.value.trim() === body) field.value = "";
      announce(t("The note is kept with the case."));
    } catch (error) {
      refuse(error.message);
    }
    busy = false;
  }

  function refuse(text) {
    problem.textContent = text;
    setState(field, "aria-invalid", Boolean(text));
    if (text) field.focus();
  }
}

function line(body) {
  const item = document.createElement("li");
  const said = document.createElement("p");
  said.className = "said";
  said.dir = "auto";
  said.textContent = body;
  const who = document.createElement("p");
  who.className = "small soft";
  who.textContent = t("you, just now");
  item.append(said, who);
  return item;
}
