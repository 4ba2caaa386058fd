// A suggestion to take a break: said between cases, at most once in ten minutes, and no more than said.

import { call } from "./api.js";
import { onKey } from "./keys.js";
import { announce, showProblem } from "./page.js";

const ASKED = "triage.break-asked";
const NEXT = "triage.after-later";
const QUIET_SECONDS = 600;

// The words of a suggestion that is due and was not made lately, else null. That it cannot be asked holds up nobody.
export async function breakWords() {
  if (Date.now() - Number(localStorage.getItem(ASKED)) < QUIET_SECONDS * 1000) return null;
  const rest = await call("GET", "/v1/me/breaks").catch(() => null);
  return rest?.suggestion ?? null;
}

// On the way to the next case of a queue: whether to stop by at the console, where the suggestion stands.
export async function stopsBy(queue) {
  const words = await breakWords();
  if (words) sessionStorage.setItem(NEXT, queue);
  return words !== null;
}

// `begun` is called once a break has begun; `goOn` with the queue that somebody was on the way to when they say "later".
export async function startRest(begun, goOn) {
  const place = document.getElementById("rest");
  const queue = sessionStorage.getItem(NEXT);
  sessionStorage.removeItem(NEXT);
  const words = place && (await breakWords());
  if (!words) return;
  localStorage.setItem(ASKED, String(Date.now()));
  document.getElementById("rest-words").textContent = words;
  place.hidden = false;
  announce(words);
  const close = () => {
    place.hidden = true;
    onKey("z", () => {});
  };
  const take = async () => {
    try {
      await takeBreak();
    } catch (error) {
      showProblem(error.message);
      return;
    }
    close();
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
