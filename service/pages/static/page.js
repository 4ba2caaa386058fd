// What every page has once somebody is signed in: sign out, the help on keys, undo, announcements.

import { call } from "./api.js";
import { setServerTime } from "./clock.js";
import { keysAreOn, onKey, startKeys, switchKeys } from "./keys.js";
import { startMenus } from "./menu.js";
import { showNotice } from "./notice.js";
import { startSpans } from "./spans.js";
import { offerUndo } from "./undo.js";
import { language, t } from "./words.js";

export function startPage() {
  setServerTime(document.body.dataset.now);
  startKeys();
  startHelp();
  startMenus();
  onKey("g", () => location.assign("/console"));
  const search = document.getElementById("to-search");
  if (search) onKey("/", () => location.assign(search.href));
  document.getElementById("sign-out").addEventListener("click", () => signOut("/v1/session"));
  document.getElementById("sign-out-everywhere").addEventListener("click", () => signOut("/v1/session?everywhere=true"));
  startSpans();
  nameLanguages();
  showNotice();
  offerUndo();
}

// Forms that cannot be sent before the script takes what is in them.
export function openForms() {
  for (const button of document.querySelectorAll("form[method=post] button[disabled]")) button.disabled = false;
}

// For what only shows on the screen elsewhere, such as a chip that changes colour.
export function announce(text) {
  document.getElementById("announce").textContent = text;
}

// An empty ARIA attribute counts as false, so `toggleAttribute` would say nothing.
export function setState(element, name, on) {
  if (on) element.setAttribute(name, "true");
  else element.removeAttribute(name);
}

export function showProblem(text) {
  const place = document.getElementById("problem");
  place.textContent = text;
  place.hidden = !text;
  if (text) place.scrollIntoView({ block: "nearest" });
}

// A script that comes only when it is asked for: a page that is older than the service has none to ask for any more.
export async function late(script) {
  try {
    return await script;
  } catch {
    throw new Error(t("This part of the page could not be fetched. Check the connection, or load the page anew."));
  }
}

// The browser knows the names of languages; the server only has their codes.
export function nameLanguages() {
  const names = new Intl.DisplayNames([language, "en"], { type: "language", fallback: "none" });
  for (const element of document.querySelectorAll("[data-language]")) {
    try {
      element.textContent = names.of(element.dataset.language) ?? element.dataset.language;
      element.lang = language;
    } catch {
      // Not a well-formed code: the page keeps what was reported.
    }
  }
}

function startHelp() {
  const dialog = document.getElementById("keys");
  const on = document.getElementById("keys-on");
  const open = () => {
    on.checked = keysAreOn();
    dialog.showModal();
  };
  on.addEventListener("change", () => switchKeys(on.checked));
  for (const button of document.querySelectorAll(".keys-help")) button.addEventListener("click", open);
  onKey("?", open);
}

// A session that is over already leads to the sign-in page by itself; one that could not be ended is not said to be.
async function signOut(session) {
  try {
    await call("DELETE", session);
    // What was not sent yet, and receipts, are of whoever was signed in.
    for (const name of Object.keys(sessionStorage)) if (/^triage\.(intake|escalation)\./.test(name)) sessionStorage.removeItem(name);
    location.assign("/sign-in?why=signed-out");
  } catch (error) {
    document.getElementById("me-problem").textContent = error.message;
  }
}
