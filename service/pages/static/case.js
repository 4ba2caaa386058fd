// The page of one case. Without a lease it is for reading only, and nothing but the frame needs a script.

import { startDecision } from "./decide.js";
import { startHints } from "./hints.js";
import { onKey } from "./keys.js";
import { claimAgain, Lease } from "./lease.js";
import { startPage } from "./page.js";
import { startPreviews, startReveals } from "./reveal.js";

startPage();
startPreviews();
startHints();
if (document.getElementById("lease")) startReview();
else startReading();

function startReading() {
  const button = document.getElementById("claim-again");
  button?.addEventListener("click", () => claimAgain(button, button.dataset.case));
}

function startReview() {
  const lease = new Lease();
  const blurAgain = startReveals(lease);
  startDecision(lease);
  lease.start();
  onKey("k", () => lease.keep());
  onKey("r", () => lease.release());
  onKey("Escape", () => {
    if (!blurAgain()) document.activeElement?.blur();
  });
}
