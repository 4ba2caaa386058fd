// The library of policies and one of them: confirm what was read, begin a draft, withdraw what is not in force yet.

import { call } from "./api.js";
import { onKey } from "./keys.js";
import { reloadWith, sayOnNextPage } from "./notice.js";
import { showProblem, startPage } from "./page.js";
import { t, tn } from "./words.js";

const DRAFT = { owner: "Policy", reason: "Not told yet" };

startPage();
const confirm = document.getElementById("confirm");
if (confirm) onKey("c", () => confirm.click());
on(confirm, confirmRead);
on(document.getElementById("new-draft"), beginDraft);
on(document.getElementById("import"), importGuidelines);
for (const button of document.querySelectorAll(".withdraw")) on(button, withdraw);

function on(button, action) {
  button?.addEventListener("click", async () => {
    if (button.disabled) return;
    button.disabled = true;
    showProblem("");
    try {
      await action(button);
    } catch (error) {
      showProblem(error.message);
      button.disabled = false;
    }
  });
}

async function confirmRead(button) {
  const { unread } = await call("POST", `/v1/policies/${button.dataset.policy}/acknowledge`);
  sayOnNextPage(unread.length ? t("Confirmed. One more is new.") : t("Confirmed. You can take the next case."));
  location.assign(unread.length ? `/policies/${unread[0].area}` : button.dataset.after);
}

async function beginDraft(button) {
  const { area, title } = button.dataset;
  const begin = title ? { ...DRAFT, title, body: "## Definition" } : DRAFT;
  const draft = await call("POST", `/v1/policies/${area}/drafts`, begin);
  location.assign(`/policies/${area}/drafts/${draft.id}`);
}

async function importGuidelines() {
  const { imported } = await call("POST", "/v1/policies/import");
  reloadWith(tn("One guideline is in force as version 1.", "%(num)s guidelines are in force as version 1.", imported));
}

async function withdraw(button) {
  await call("POST", `/v1/policies/${button.dataset.policy}/withdraw`);
  reloadWith(t("Withdrawn: it will not come into force."));
}
