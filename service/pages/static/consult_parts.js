// The parts of an escalation's page about questions, preservation and packages: their forms alone, as the page has the rest.

import { startActs } from "./acts.js";

startActs();
// A basis says how long it lasts by default; whoever chooses it may still say otherwise.
for (const choice of document.querySelectorAll("select[data-sets]")) {
  choice.addEventListener("change", () => {
    const days = Number(choice.selectedOptions[0].dataset.days ?? 0);
    if (!days) return;
    const until = new Date(Date.now() + days * 86_400_000);
    document.getElementById(choice.dataset.sets).value = until.toISOString().slice(0, 10);
  });
}
