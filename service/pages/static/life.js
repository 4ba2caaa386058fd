// How long what was begun for one case lasts: until the page shows the next one, which it does without being loaded anew.

import { onKey } from "./keys.js";

let ending = new AbortController();

// For listeners on what outlives a case, such as the document and the window.
export function untilNext() {
  return ending.signal;
}

export function onCaseKey(name, command) {
  onKey(name, command);
  untilNext().addEventListener("abort", () => onKey(name, () => {}));
}

export function endOfCase() {
  const ended = ending;
  ending = new AbortController();
  ended.abort();
}
