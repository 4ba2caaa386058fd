// The receipt of what was just taken in: kept by this window alone.

import { onKey } from "./keys.js";
import { announce, startPage } from "./page.js";
import { t } from "./words.js";

startPage();
const byId = (id) => document.getElementById(id);
const receipt = JSON.parse(sessionStorage.getItem(`triage.intake.receipt.${byId("receipt").dataset.me}`) ?? "null");
if (receipt) show();
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copies]");
  if (button) copy(byId(button.dataset.copies));
});
onKey("c", () => receipt && copy(byId("number")));
onKey("o", () => byId("open")?.hidden === false && byId("open").click());

function show() {
  byId("nothing").hidden = true;
  byId("receipt").hidden = false;
  byId("number").textContent = receipt.reference;
  byId("told").textContent = receipt.receipt;
  byId("told").lang = receipt.language;
  byId("asked").hidden = receipt.status !== "needs_information";
  byId("question").hidden = !receipt.question;
  byId("question-text").textContent = receipt.question ?? "";
  byId("question-text").lang = receipt.language;
  const open = byId("open");
  if (open && receipt.escalation_id) {
    open.href = `/escalations/${receipt.escalation_id}`;
    open.hidden = false;
  }
  byId("copy-number").focus();
}

async function copy(place) {
  try {
    await navigator.clipboard.writeText(place.textContent);
    announce(t("Copied."));
    say(t("Copied."));
  } catch {
    // Without the right to copy, what is wanted is marked for Ctrl+C.
    getSelection().selectAllChildren(place);
    say(t("Press Ctrl+C to copy what is marked."));
  }
}

function say(text) {
  const toast = byId("toast");
  toast.textContent = text;
  toast.hidden = false;
  setTimeout(() => {
    toast.hidden = true;
  }, 3000);
}
