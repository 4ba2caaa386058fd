// Templates of replies and their versions, and letters that were given up.

import { call } from "./api.js";
import { sayOnNextPage } from "./notice.js";
import { showProblem, startPage } from "./page.js";
import { t } from "./words.js";

const byId = (id) => document.getElementById(id);
const GAP = /\{\{[^{}]*\}\}/g;

startPage();
for (const text of document.querySelectorAll("[data-marked]")) mark(text);
for (const button of document.querySelectorAll(".letter-again")) on(button, "click", again);
for (const button of document.querySelectorAll(".template-withdraw")) on(button, "click", withdraw);
const form = byId("template-form");
if (form) on(form, "submit", save);

function on(place, kind, action) {
  place.addEventListener(kind, async (event) => {
    event.preventDefault();
    const button = event.submitter ?? place;
    if (button.disabled) return;
    button.disabled = true;
    showProblem("");
    try {
      await action(place);
    } catch (error) {
      showProblem(error.message);
      button.disabled = false;
    }
  });
}

function mark(place) {
  const text = place.textContent;
  const pieces = [];
  let done = 0;
  for (const gap of text.matchAll(GAP)) {
    const marked = document.createElement("mark");
    marked.textContent = gap[0];
    pieces.push(text.slice(done, gap.index), marked);
    done = gap.index + gap[0].length;
  }
  place.replaceChildren(...pieces, text.slice(done));
}

async function again(button) {
  await call("POST", `/v1/replies/deliveries/${button.dataset.delivery}/resend`, {});
  sayOnNextPage(t("It is sent again."));
  location.reload();
}

async function withdraw(button) {
  const { versions } = await call("POST", `/v1/replies/templates/${button.dataset.template}/withdraw`, {});
  sayOnNextPage(t("Taken back: the version before it counts again."));
  location.assign(`/replies/${versions[0].id}`);
}

async function save() {
  const value = (name) => byId(`template-${name}`).value.trim();
  const from = value("from");
  const at = from && from !== "now" ? new Date(`${from.replace(" ", "T")}Z`) : null;
  if (at && Number.isNaN(at.getTime())) throw new Error(t("In force from: write it as 2027-01-15 09:00, or leave it empty."));
  const made = await call("POST", "/v1/replies/templates", {
    purpose: value("purpose"),
    source: value("source") || null,
    area: value("area") || null,
    language: value("language"),
    subject: value("subject"),
    body: value("body"),
    owner: value("owner"),
    reason: value("reason"),
    offered: byId("template-offered").checked,
    effective_at: at ? at.toISOString() : null,
  });
  sayOnNextPage(t("Version %(number)s is saved.", { number: made.version }));
  location.assign(`/replies/${made.id}`);
}
