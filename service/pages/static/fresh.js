// Keeps the part of a page that holds its numbers fresh for as long as it is looked at.

import { showLocalTimes, tickCountdowns } from "./countdowns.js";
import { serviceLost } from "./lost.js";
import { nameLanguages } from "./page.js";

const REFRESH_SECONDS = 15;

export function keepFresh(path, after = () => {}) {
  const live = document.getElementById("live");
  const refresh = (options) => take(live, path, after, options);
  setInterval(refresh, REFRESH_SECONDS * 1000);
  document.addEventListener("visibilitychange", () => refresh());
  return refresh;
}

// The server renders the numbers once, in one template: this takes the fresh part out of a fresh page. Nothing is
// pulled from under somebody who works in it, unless their own action changed it.
async function take(live, path, after, { always = false } = {}) {
  const busy = () => !always && (document.hidden || live.contains(document.activeElement));
  if (busy()) return;
  // That a page is open is no use of it: whoever has left is signed out all the same.
  const headers = { "Triage-Background": "true" };
  const response = await fetch(path, { credentials: "same-origin", headers }).catch(() => null);
  // Numbers that grow old without a word would be believed.
  if (!response || response.status >= 500) serviceLost();
  // The session is over: what stands here is for nobody who comes by, and the sign-in page says why.
  if (response?.redirected) return location.assign(response.url);
  if (!response?.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.getElementById("live");
  if (!fresh || busy()) return;
  live.replaceChildren(...document.adoptNode(fresh).childNodes);
  nameLanguages();
  tickCountdowns();
  showLocalTimes();
  after(page);
}
