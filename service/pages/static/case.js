// The page of one case. Without a lease it is for reading only, and nothing but the frame needs a script.

import { startCountdowns, showLocalTimes, tickCountdowns } from "./countdowns.js";
import { startDecision, wantsNext } from "./decide.js";
import { startHints } from "./hints.js";
import { onKey } from "./keys.js";
import { claimAgain, Lease } from "./lease.js";
import { onCaseKey } from "./life.js";
import { startMedia, startPreviews } from "./media.js";
import { showMilder } from "./milder.js";
import { NextCase } from "./next.js";
import { startNotes } from "./notes.js";
import { startPage } from "./page.js";
import { startPolicy } from "./policy.js";
import { hideSpans, startMaskedAll } from "./spans.js";
import { freshen, show } from "./swap.js";
import { startTranslation } from "./translate.js";

startPage();
startCountdowns();
startContent();
if (document.getElementById("lease")) startReview();
else startReading();

function startContent() {
  startPreviews();
  startHints();
  startNotes();
  startPolicy();
}

function startReading() {
  startMedia();
  if (document.getElementById("to-bank")) import("./to_bank.js").then((part) => part.startToBank());
  const button = document.getElementById("claim-again");
  button?.addEventListener("click", () => claimAgain(button, button.dataset.case));
  onKey("c", () => button?.click());
}

// `swapped` when the case came into a page that was there already, where the one before it is no longer in hand.
function startReview({ swapped = false } = {}) {
  const lease = new Lease();
  const blurAgain = startMedia(lease);
  showMilder(lease.token);
  const maskTranslation = startTranslation(lease);
  const next = new NextCase(document.getElementById("lease").dataset, showNext);
  startDecision(lease, next, { swapped });
  lease.start();
  if ((lease.mayFetch || swapped) && wantsNext()) lease.opened.then(() => lease.live && next.fetch());
  onCaseKey("k", () => lease.keep());
  onCaseKey("r", () => lease.release());
  onCaseKey("Escape", () => {
    const blurred = blurAgain();
    const masked = [hideSpans(), maskTranslation()].some(Boolean);
    if (!masked && !blurred) document.activeElement?.blur();
  });
}

function showNext(page, caseId) {
  show(page, caseId);
  shown = location.pathname;
  startMaskedAll();
  tickCountdowns();
  showLocalTimes();
  startContent();
  startReview({ swapped: true });
  freshen(caseId);
}

// The case before this one is another page by now: it is decided, or back in its queue. A link to a part of the page is none.
let shown = location.pathname;
addEventListener("popstate", () => {
  if (location.pathname !== shown) location.reload();
});
