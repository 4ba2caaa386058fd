// A suggestion to take a break: said between cases, at most once in ten minutes, and no more than said.

import { call } from "./api.js";
import { onKey } from "./keys.js";
import { announce, showProblem } from "./page.js";
import { t } from "./words.js";

const ASKED = "triage.break-asked";
const NEXT = "triage.after-later";
const QUIET_SECONDS = 600;
export const BEGUN = t("Your break has begun. The next case ends it.");

// The words of a suggestion that is due and was not made lately, else null. That it cannot be asked holds up nobody.
export async function breakWords() {
  if (askedLately()) return null;
  const rest = await call("GET", "/v1/me/breaks").catch(() => null);
  return rest?.suggestion ?? null;
}

// When a break is due at the earliest, asked for while somebody works: nothing is asked on the way to the next case.
export async function breakDueAt() {
  const rest = await call("GET", "/v1/me/breaks").catch(() => null);
  return rest && !rest.on_break ? Date.now() + rest.due_in_seconds * 1000 : Infinity;
}

// On the way to the next case of a queue: whether to stop by at the console, where the suggestion stands.
export function stopsBy(queue, dueAt) {
  if (Date.now() < dueAt || askedLately()) return false;
  sessionStorage.setItem(NEXT, queue);
  return true;
}

function askedLately() {
  return Date.now() - Number(localStorage.getItem(ASKED)) < QUIET_SECONDS * 1000;
}

// `begun` is called once a break has begun; `goOn` with the queue that somebody was on the way to when they say "later", or no break is due after all.
export async function startRest(begun, goOn = () => {}) {
  const place = document.getElementById("rest");
  const queue = sessionStorage.getItem(NEXT);
  sessionStorage.removeItem(NEXT);
  const words = place && (await breakWords());
  if (!words) {
    if (queue) goOn(queue);
    return;
  }
  localStorage.setItem(ASKED, String(Date.now()));
  document.getElementById("rest-words").textContent = words;
  place.hidden = false;
  announce(words);
  // What was pressed goes with the suggestion, so the focus goes to where the page begins.
  const close = () => {
    const inside = place.contains(document.activeElement);
    place.hidden = true;
    onKey("z", () => {});
    if (inside) document.getElementById("main").focus();
  };
  const take = async () => {
    try {
      await takeBreak();
    } catch (error) {
      showProblem(error.message);
      return;
    }
    close();
    announce(BEGUN);
    begun();
  };
  document.getElementById("rest-take").addEventListener("click", take);
  onKey("z", take);
  document.getElementById("rest-later").addEventListener("click", () => {
    close();
    if (queue) goOn(queue);
  });
}

export function takeBreak() {
  return call("POST", "/v1/me/breaks");
}

export function endBreak() {
  return call("DELETE", "/v1/me/breaks");
}
