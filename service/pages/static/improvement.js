// Changing an action, in a dialog: on the page of an escalation and in the register.

import { call } from "./api.js";
import { attemptOnce, sayingIn } from "./attempt.js";
import { reloadWith } from "./notice.js";
import { t } from "./words.js";

const byId = (id) => document.getElementById(id);

export function startImprovements() {
  const dialog = byId("improvement-dialog");
  if (!dialog) return;
  let open = null;
  for (const button of document.querySelectorAll(".change-improvement")) {
    button.addEventListener("click", () => {
      open = JSON.parse(button.dataset.improvement);
      fill(open);
      dialog.showModal();
    });
  }
  byId("improvement-cancel").addEventListener("click", () => dialog.close());
  byId("improvement-form").addEventListener("submit", (event) => {
    event.preventDefault();
    attemptOnce(event.currentTarget.querySelector("button[type=submit]"), async () => {
      await call("PATCH", `/v1/improvements/${open.id}`, changed(open));
      dialog.close();
      reloadWith(t("I-%(number)s is changed.", { number: open.number }));
      return true;
    }, sayingIn(byId("improvement-problem")));
  });
  // The day on which it was done is asked for as soon as it is.
  byId("improvement-state").addEventListener("change", showDone);
}

function fill(one) {
  byId("improvement-number").textContent = `I-${one.number}`;
  byId("improvement-state").value = one.state;
  byId("improvement-done").value = one.done_on ?? "";
  byId("improvement-due").value = one.due_on;
  byId("improvement-team").value = one.team;
  byId("improvement-owner").value = one.owner ?? "";
  byId("improvement-note").value = one.note;
  byId("improvement-problem").textContent = "";
  showDone();
}

function showDone() {
  byId("improvement-done").closest(".field").hidden = byId("improvement-state").value !== "done";
}

function changed(one) {
  const state = byId("improvement-state").value;
  const done = byId("improvement-done").value;
  return {
    revision: one.revision,
    state,
    ...(state === "done" && done && { done_on: done }),
    due_on: byId("improvement-due").value || one.due_on,
    team: byId("improvement-team").value,
    owner: byId("improvement-owner").value.trim() || null,
    note: byId("improvement-note").value,
  };
}
