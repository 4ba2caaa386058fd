// Calibration: begin a session, write down what was agreed, end it with guidance.

import { call } from "./api.js";
import { attemptAlone } from "./attempt.js";
import { sayOnNextPage } from "./notice.js";
import { openForms, startPage } from "./page.js";
import { t } from "./words.js";

const WEEK = 7 * 24 * 3600 * 1000;

startPage();
const session = document.getElementById("session")?.dataset.session;
const since = document.getElementById("since");
if (since) since.value = new Date(Date.now() - WEEK).toISOString().slice(0, 10);
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("#session-form")) attemptAlone(event, () => begin());
  else if (form.matches(".agree")) attemptAlone(event, () => agree(form));
  else if (form.matches("#close-form")) attemptAlone(event, () => end(form));
});
document.addEventListener("click", (event) => {
  const button = event.target.closest(".make-golden");
  if (button) attemptAlone(event, () => makeGolden(button));
});
openForms();

async function begin() {
  const body = {
    title: document.getElementById("title").value,
    since: new Date(`${since.value}T00:00:00Z`).toISOString(),
    until: new Date(Date.now() + 60_000).toISOString(),
  };
  const made = await call("POST", "/v1/qa/calibrations", body);
  location.assign(`/qa/calibration/${made.id}`);
}

async function agree(form) {
  const body = {
    policy_area: form.elements.policy_area.value,
    severity: Number(form.elements.severity.value),
    actions: [...form.querySelectorAll("[name=actions]:checked")].map((box) => box.value),
    note: form.elements.note.value,
  };
  await call("PUT", `/v1/qa/calibrations/${session}/items/${itemOf(form)}`, body);
  sayOnNextPage(t("Agreed."));
  location.reload();
}

async function end(form) {
  await call("POST", `/v1/qa/calibrations/${session}/close`, { guidance: form.elements.guidance.value });
  sayOnNextPage(t("The session is over."));
  location.reload();
}

// Why it holds is what was agreed, which the page itself may only have with words masked.
async function makeGolden(button) {
  const item = itemOf(button);
  const { contents } = await call("GET", `/v1/qa/calibrations/${session}`);
  const why = contents.find((one) => one.item_id === item)?.note || t("Agreed in a calibration session");
  const body = { item_id: item, rationale: why, calibration_id: session };
  await call("POST", "/v1/qa/golden", body);
  sayOnNextPage(t("It is a golden item now: plans mix it in."));
  location.reload();
}

function itemOf(element) {
  return element.closest("[data-item]").dataset.item;
}
