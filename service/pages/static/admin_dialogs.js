// Dialogs of the pages of administration: one that asks before something is done, one that shows a secret once, and errors
// of the API at the field that they are about.

import { ApiError } from "./api.js";
import { t } from "./words.js";

const part = (name) => document.getElementById(name);

// Asks, then does; stays open with the reason where that fails. `words` are sentences that say what follows from it.
export function ask({ title, words, label, bad = false, action }) {
  const dialog = part("confirm-dialog");
  const button = part("confirm-do");
  part("confirm-title").textContent = title;
  part("confirm-words").replaceChildren(...words.map(paragraph));
  part("confirm-problem").textContent = "";
  button.textContent = label;
  button.classList.toggle("is-bad", bad);
  button.hidden = !action;
  button.disabled = false;
  part("confirm-cancel").onclick = () => dialog.close();
  part("confirm-form").onsubmit = async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    part("confirm-problem").textContent = "";
    try {
      await action();
      dialog.close();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      part("confirm-problem").textContent = error.message;
      button.disabled = false;
    }
  };
  dialog.showModal();
  // What cannot be undone is not one press of Enter away.
  (bad || !action ? part("confirm-cancel") : button).focus();
}

// Shows what nobody can show again; `then` goes on once it is kept.
export function showOnce({ title, words, secret, then }) {
  const dialog = part("once");
  part("once-title").textContent = title;
  part("once-words").textContent = words;
  part("once-secret").textContent = secret;
  part("once-copied").textContent = "";
  part("once-copy").onclick = () => copy(secret);
  part("once-done").onclick = () => dialog.close();
  // Escape would lose it for good.
  dialog.oncancel = (event) => event.preventDefault();
  dialog.onclose = () => {
    part("once-secret").textContent = "";
    then();
  };
  dialog.showModal();
  part("once-copy").focus();
}

// An error of the API names its field first, as in "Name: is too short."; what no field is known for is said below all.
export function showErrors(error, prefix, fields) {
  if (!(error instanceof ApiError)) throw error;
  const named = /^([a-z_]+)[:.]/i.exec(error.message)?.[1].toLowerCase();
  const at = fields.includes(named) ? named : "";
  part(at ? `${prefix}${at}-problem` : `${prefix}problem`).textContent = error.message;
  if (at) part(`${prefix}${at}`)?.focus();
}

async function copy(secret) {
  try {
    await navigator.clipboard.writeText(secret);
    part("once-copied").textContent = t("Copied.");
  } catch {
    // No clipboard without HTTPS: it is marked, for the keys of the browser.
    getSelection().selectAllChildren(part("once-secret"));
    part("once-copied").textContent = t("It is marked: copy it with the keys of your browser.");
  }
}

function paragraph(text) {
  const one = document.createElement("p");
  one.textContent = text;
  return one;
}
