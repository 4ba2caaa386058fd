// The page of one case. Without a lease it is for reading only, and nothing but the frame needs a script.

import { startCountdowns } from "./countdowns.js";
import { startDecision, wantsNext } from "./decide.js";
import { startHints } from "./hints.js";
import { onKey } from "./keys.js";
import { claimAgain, Lease } from "./lease.js";
import { startMedia, startPreviews } from "./media.js";
import { showMilder } from "./milder.js";
import { NextCase } from "./next.js";
import { startPage } from "./page.js";
import { hideSpans } from "./spans.js";
import { startToBank } from "./to_bank.js";

startPage();
startCountdowns();
startPreviews();
startHints();
if (document.getElementById("lease")) startReview();
else startReading();

function startReading() {
  startMedia();
  startToBank();
  const button = document.getElementById("claim-again");
  button?.addEventListener("click", () => claimAgain(button, button.dataset.case));
  onKey("c", () => button?.click());
}

function startReview() {
  const lease = new Lease();
  const blurAgain = startMedia(lease);
  showMilder(lease.token);
  const next = new NextCase(document.getElementById("lease").dataset);
  startDecision(lease, next);
  lease.start();
  if (lease.mayFetch && wantsNext()) lease.opened.then(() => lease.live && next.fetch());
  onKey("k", () => lease.keep());
  onKey("r", () => lease.release());
  onKey("Escape", () => {
    const blurred = blurAgain();
    if (!hideSpans() && !blurred) document.activeElement?.blur();
  });
}
