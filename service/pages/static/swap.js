// The next case in the place of this one: its page is fetched while this one is worked on, and takes its place whole. What
// frames it (bar, announcements, the offer to undo) stays.

import { endOfCase } from "./life.js";
import { showNotice } from "./notice.js";
import { announce, nameLanguages } from "./page.js";
import { offerUndo } from "./undo.js";

// A page that takes longer than this is gone to instead.
const PATIENCE_MS = 5000;
// What other cases say of this one may have changed since its page was made, by the decision before it.
const SINCE_CHANGED = ["#similar-decided", "#similar .similars", "#author-facts", "#author .similars"];

// The page of a case in hand, or null where something else came: then it is gone to, and says itself what is wrong.
export async function pageOf(caseId) {
  const address = `/cases/${caseId}`;
  const asked = { credentials: "same-origin", headers: { Accept: "text/html" }, signal: AbortSignal.timeout(PATIENCE_MS) };
  const answer = await fetch(address, asked).catch(() => null);
  if (!answer?.ok || answer.redirected) return null;
  const page = new DOMParser().parseFromString(await answer.text().catch(() => ""), "text/html");
  return page.getElementById("lease")?.dataset.case === caseId ? page : null;
}

export function show(page, caseId) {
  endOfCase();
  history.pushState(null, "", `/cases/${caseId}`);
  document.title = page.title;
  Object.assign(document.body.dataset, page.body.dataset);
  for (const place of ["#lease", ".crumb", "#main", "#keys .keys"]) {
    const next = page.querySelector(place);
    if (next) document.querySelector(place)?.replaceWith(document.adoptNode(next));
  }
  scrollTo(0, 0);
  document.getElementById("main").focus({ preventScroll: true });
  nameLanguages();
  showNotice();
  offerUndo();
  announce(document.querySelector("h1").textContent);
}

// Afterwards, when nobody waits for it.
export async function freshen(caseId) {
  if (!SINCE_CHANGED.some((place) => document.querySelector(place))) return;
  const page = await pageOf(caseId);
  if (!page || document.getElementById("lease")?.dataset.case !== caseId) return;
  for (const place of SINCE_CHANGED) {
    const next = page.querySelector(place);
    if (next) document.querySelector(place)?.replaceWith(document.adoptNode(next));
  }
}
