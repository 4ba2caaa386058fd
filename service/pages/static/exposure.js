// One's own exposure: breaks, a wish for milder cases, consents. Every change goes through the API.

import { call } from "./api.js";
import { attemptOnce } from "./attempt.js";
import { serverNow } from "./clock.js";
import { startCountdowns } from "./countdowns.js";
import { keepFresh } from "./fresh.js";
import { onKey } from "./keys.js";
import { announce, startPage } from "./page.js";
import { BEGUN, endBreak, takeBreak } from "./rest.js";
import { t } from "./words.js";

const HOUR = 3_600_000;
const notNow = document.getElementById("not-now");
const consents = document.getElementById("consents");

startPage();
startCountdowns();
const refresh = keepFresh("/exposure");
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.id === "break") act(button, () => toggleBreak(button));
  else if (button?.id === "now-again") act(button, comeAgain);
});
onKey("z", () => document.getElementById("break").click());
start(notNow, stayAway);
if (consents) start(consents, keepConsents);

function start(form, send) {
  const button = form.querySelector(".button");
  button.disabled = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act(button, send);
  });
}

function act(button, action) {
  return attemptOnce(button, async () => {
    say(await action());
    await refresh({ always: true });
    // What was pressed may be gone with what it was about.
    if (!button.isConnected) (document.getElementById(button.id) ?? document.getElementById("now-title")).focus();
  });
}

async function toggleBreak(button) {
  if ("end" in button.dataset) {
    await endBreak();
    return t("The break is over.");
  }
  await takeBreak();
  return BEGUN;
}

async function stayAway() {
  const hours = Number(notNow.elements.hours.value);
  // A second less: the clock of this computer may be a little ahead of the server's.
  const { until } = await call("PUT", "/v1/me/not-now", { until: new Date(serverNow() + hours * HOUR - 1000).toISOString() });
  await giveBackUnopened();
  return until ? t("No graphic cases come for now.") : "";
}

// What was fetched ahead nobody has seen yet, and it may be graphic.
async function giveBackUnopened() {
  const { leases } = await call("GET", "/v1/leases");
  for (const { case_id: caseId, token } of leases.filter((lease) => lease.prefetched)) {
    await call("POST", `/v1/cases/${caseId}/lease/release`, { lease_token: token }).catch(() => {});
  }
}

async function comeAgain() {
  await call("PUT", "/v1/me/not-now", { until: null });
  return t("Graphic cases come again.");
}

// Areas that are agreed to without being asked about here stay as they are. Who set no limit and leaves all of them on goes
// on without one.
async function keepConsents() {
  // One box alone would not come as a list by its name.
  const boxes = [...consents.querySelectorAll("[name=area]")];
  const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
  const others = consents.dataset.others.split(" ").filter(Boolean);
  const unlimited = "unlimited" in consents.dataset && chosen.length === boxes.length;
  await call("PUT", "/v1/me/consents", { consents: unlimited ? null : [...others, ...chosen] });
  if (!unlimited) delete consents.dataset.unlimited;
  return t("Kept: it counts from your next case on.");
}

function say(words) {
  const place = document.getElementById("notice");
  place.textContent = words;
  place.hidden = !words;
  announce(words);
}
