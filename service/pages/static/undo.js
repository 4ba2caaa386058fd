// The undo window outlives the page on which a decision was made: the next case is already open while it runs.

import { call } from "./api.js";
import { secondsUntil } from "./clock.js";
import { onKey } from "./keys.js";
import { sayNow, sayOnNextPage } from "./notice.js";
import { t, tn } from "./words.js";

const PLACE = "triage.decided";
const FAILURE_SECONDS = 8;
let timer = 0;
let fading = 0;

export function rememberDecision(made, form) {
  remember(`/v1/decisions/${made.decision_id}/undo`, made.undo_until, t("Recorded: %(summary)s.", { summary: form.summary() }), { values: form.values() });
}

// `caseId` is the case that was in hand; the others were decided with it.
export function rememberCluster(made, form, caseId) {
  const summary = form.summary();
  const sentences = [
    tn("Recorded for one case: %(summary)s.", "Recorded for %(num)s cases: %(summary)s.", made.cases.length, { summary }),
  ];
  if (made.skipped.length) {
    sentences.push(tn("One changed meanwhile and was left alone.", "%(num)s changed meanwhile and were left alone.", made.skipped.length));
  }
  const words = sentences.join(" ");
  remember(`/v1/clusters/${made.cluster_id}/undo`, made.undo_until, words, { values: form.values(), caseId });
}

function remember(path, until, words, rest) {
  sessionStorage.setItem(PLACE, JSON.stringify({ path, until, words, ...rest }));
}

export function offerUndo() {
  const decision = JSON.parse(sessionStorage.getItem(PLACE) ?? "null");
  if (!decision) return;
  const toast = document.getElementById("toast");
  const { button, left } = fill(toast, decision.words);
  // Of two decisions on one page the later one is offered.
  clearInterval(timer);
  clearTimeout(fading);
  const mine = setInterval(tick, 250);
  timer = mine;
  onKey("u", () => button.click());
  button.addEventListener("click", take);
  tick();

  function tick() {
    const seconds = secondsUntil(decision.until);
    left.textContent = t("%(seconds)s s", { seconds });
    if (seconds > 0) return;
    stop();
    toast.hidden = true;
  }

  function stop() {
    clearInterval(mine);
    if (timer !== mine) return;
    sessionStorage.removeItem(PLACE);
    onKey("u", () => {});
  }

  async function take() {
    button.disabled = true;
    try {
      const undone = await call("POST", decision.path);
      const caseId = undone.case_id ?? decision.caseId;
      stop();
      if (undone.reopened) sayOnNextPage(reopened(undone));
      await takeBack(caseId, decision.values);
      location.assign(`/cases/${caseId}`);
    } catch (error) {
      const later = timer !== mine;
      stop();
      if (later) return sayNow(error.message);
      toast.textContent = error.message;
      fading = setTimeout(() => { toast.hidden = true; }, FAILURE_SECONDS * 1000);
    }
  }
}

function reopened({ reopened: cases, not_undone: others }) {
  const sentences = [tn("One case is open again.", "%(num)s cases are open again.", cases.length)];
  if (others.length) {
    sentences.push(
      tn(
        "One could not be taken back: what follows from it is being sent.",
        "%(num)s could not be taken back: what follows from them is being sent.",
        others.length,
      ),
    );
  }
  return sentences.join(" ");
}

// Into the same hands with the form as it was, unless somebody was faster; then the page is for reading.
async function takeBack(caseId, values) {
  try {
    const token = await claim(caseId);
    await call("PUT", `/v1/cases/${caseId}/draft`, { lease_token: token, body: values });
  } catch {
    // The undo itself stands; what failed here shows on the page of the case.
  }
}

// Whoever was faster may be the page itself, which fetches the next case ahead just when this one is open again.
async function claim(caseId) {
  try {
    return (await call("POST", `/v1/cases/${caseId}/claim`)).lease.token;
  } catch (error) {
    const { leases } = await call("GET", "/v1/leases");
    const held = leases.find((lease) => lease.case_id === caseId);
    if (!held) throw error;
    return held.token;
  }
}

function fill(toast, words) {
  const text = document.createElement("span");
  text.textContent = words;
  const button = document.createElement("button");
  button.type = "button";
  button.id = "undo";
  button.className = "button";
  const left = document.createElement("span");
  // Read aloud once with the toast, not again every second.
  left.setAttribute("aria-hidden", "true");
  const key = document.createElement("kbd");
  key.textContent = "U";
  button.append(t("Undo"), " ", left, key);
  toast.hidden = false;
  toast.replaceChildren(text, button);
  return { button, left };
}
