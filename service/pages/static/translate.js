// The text in the reader's language, by a machine: asked for on purpose, shown beside the original, gone with the case.

import { call } from "./api.js";
import { onCaseKey, untilNext } from "./life.js";
import { announce, setState } from "./page.js";
import { t } from "./words.js";

const MASKED = "•";

// Returns what masks its words again; that tells whether they were shown.
export function startTranslation(lease) {
  const place = document.getElementById("translation");
  if (!place) return () => false;
  const button = document.getElementById("translate");
  const words = document.getElementById("translation-words");
  const text = document.getElementById("translation-text");
  const unmask = document.getElementById("translation-unmask");
  const caution = words.textContent;
  let turn = 0;
  let covered = "";

  button.addEventListener("click", () => (text.hidden ? ask(true) : hide()));
  unmask.addEventListener("click", () => ask(false));
  onCaseKey("e", () => button.click());
  lease.onEnd(end);
  untilNext().addEventListener("abort", end);
  return maskAgain;

  async function ask(masked) {
    if (!lease.live || button.getAttribute("aria-disabled")) return;
    turn += 1;
    const mine = turn;
    setState(button, "aria-disabled", true);
    words.textContent = t("Translating…");
    try {
      const answer = await call("POST", `/v1/cases/${place.dataset.case}/translation`, { lease_token: place.dataset.token, masked });
      if (mine === turn) show(answer.text, masked);
    } catch (error) {
      if (mine === turn) words.textContent = error.message;
      if (error.code === "lease_stale") lease.refused(error);
    }
    setState(button, "aria-disabled", false);
  }

  function show(said, masked) {
    if (masked) covered = said;
    text.textContent = said;
    text.hidden = false;
    unmask.hidden = !(masked && said.includes(MASKED));
    button.setAttribute("aria-pressed", "true");
    words.textContent = t("Translated by machine: a help to read, no evidence. Decide by the original.");
    announce(t("The translation stands under the text."));
  }

  function maskAgain() {
    if (text.hidden || text.textContent === covered) return false;
    show(covered, true);
    announce(t("Words masked again."));
    return true;
  }

  function hide() {
    turn += 1;
    covered = "";
    text.textContent = "";
    text.hidden = true;
    unmask.hidden = true;
    button.setAttribute("aria-pressed", "false");
    words.textContent = caution;
  }

  function end() {
    hide();
    button.disabled = true;
  }
}
