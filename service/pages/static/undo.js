// The undo window outlives the page on which a decision was made: the next case is already open while it runs.

import { call } from "./api.js";
import { secondsUntil } from "./clock.js";
import { onKey } from "./keys.js";

const PLACE = "triage.decided";
const FAILURE_SECONDS = 8;

export function rememberDecision(made, form) {
  const decision = { id: made.decision_id, until: made.undo_until, words: form.words(), values: form.values() };
  sessionStorage.setItem(PLACE, JSON.stringify(decision));
}

export function offerUndo() {
  const decision = JSON.parse(sessionStorage.getItem(PLACE) ?? "null");
  if (!decision) return;
  const toast = document.getElementById("toast");
  const { button, left } = fill(toast, decision.words);
  const timer = setInterval(tick, 250);
  onKey("u", () => button.click());
  button.addEventListener("click", take);
  tick();

  function tick() {
    const seconds = secondsUntil(decision.until);
    left.textContent = `${seconds} s`;
    if (seconds > 0) return;
    stop();
    toast.hidden = true;
  }

  function stop() {
    clearInterval(timer);
    sessionStorage.removeItem(PLACE);
    onKey("u", () => {});
  }

  async function take() {
    button.disabled = true;
    try {
      const { case_id: caseId } = await call("POST", `/v1/decisions/${decision.id}/undo`);
      stop();
      await takeBack(caseId, decision.values);
      location.assign(`/cases/${caseId}`);
    } catch (error) {
      stop();
      toast.textContent = error.message;
      setTimeout(() => { toast.hidden = true; }, FAILURE_SECONDS * 1000);
    }
  }
}

// Into the same hands with the form as it was, unless somebody was faster; then the page is for reading.
async function takeBack(caseId, values) {
  try {
    const { lease } = await call("POST", `/v1/cases/${caseId}/claim`);
    await call("PUT", `/v1/cases/${caseId}/draft`, { lease_token: lease.token, body: values });
  } catch {
    // The undo itself stands; what failed here shows on the page of the case.
  }
}

function fill(toast, words) {
  const text = document.createElement("span");
  text.textContent = words;
  const button = document.createElement("button");
  button.type = "button";
  button.id = "undo";
  button.className = "button";
  const left = document.createElement("span");
  // Read aloud once with the toast, not again every second.
  left.setAttribute("aria-hidden", "true");
  const key = document.createElement("kbd");
  key.textContent = "U";
  button.append("Undo ", left, key);
  toast.hidden = false;
  toast.replaceChildren(text, button);
  return { button, left };
}
