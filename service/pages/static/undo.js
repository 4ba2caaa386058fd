// The undo window outlives the page on which a decision was made: the next case is already open while it runs.

import { call } from "./api.js";
import { secondsUntil } from "./clock.js";
import { onKey } from "./keys.js";

const PLACE = "triage.decided";

export function rememberDecision(made, words) {
  sessionStorage.setItem(PLACE, JSON.stringify({ id: made.decision_id, until: made.undo_until, words }));
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
      // Back into the same hands, unless somebody was faster; then the page shows the case for reading.
      await call("POST", `/v1/cases/${caseId}/claim`).catch(() => null);
      location.assign(`/cases/${caseId}`);
    } catch (error) {
      stop();
      toast.textContent = error.message;
    }
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
