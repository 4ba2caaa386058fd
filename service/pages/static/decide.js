// Recording a decision: keys, the call, and straight on to the next case.

import { call } from "./api.js";
import { startAside } from "./aside.js";
import { Draft } from "./draft.js";
import { DecisionForm } from "./form.js";
import { startKnown } from "./known.js";
import { onCaseKey } from "./life.js";
import { Offers } from "./offers.js";
import { announce, late, setState, showProblem } from "./page.js";
import { rememberDecision } from "./undo.js";
import { t } from "./words.js";

const THEN_NEXT = "triage.then-next";
const SEVERITY_DIGIT_SECONDS = 2;
const LEVELS = 5;

// `next` is where the way leads once this case is done with; `swapped` says that the page was made while another case was decided.
export function startDecision(lease, next, { swapped = false } = {}) {
  const form = new DecisionForm();
  const draft = new Draft(lease, () => form.values());
  const offers = new Offers(lease.caseId, () => form.values(), { stale: swapped });
  const element = document.getElementById("decision");
  const button = document.getElementById("decide");
  const thenNext = document.getElementById("then-next");
  let busy = false;
  // Sent and never answered: it may have been recorded all the same.
  let unanswered = false;

  startThenNext(thenNext);
  startFormKeys(form, element);
  startFollow(form, offers);
  startAside(lease, form, leave);
  startKnown(form, element);
  startCluster(lease, form, (claimNext) => {
    draft.close();
    return leave(claimNext);
  });
  element.addEventListener("input", () => {
    draft.changed();
    offers.changed();
  });
  // Enter in a chip would send the form, as browsers do; deciding takes the button or Ctrl+Enter.
  element.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && event.target.matches("input")) event.preventDefault();
  });
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  lease.onEnd(() => form.disable(true));

  function leave(claimNext) {
    return next.go(claimNext && thenNext.checked);
  }

  async function submit() {
    if (busy || !lease.live || !form.complete()) return;
    busy = true;
    showProblem("");
    // The button keeps its focus and its place; it only stops answering.
    setState(button, "aria-disabled", true);
    let made;
    try {
      const body = { lease_token: lease.token, ...form.values() };
      made = await call("POST", `/v1/cases/${lease.caseId}/decisions`, body);
    } catch (error) {
      busy = false;
      setState(button, "aria-disabled", false);
      return refused(error);
    }
    draft.close();
    lease.close();
    rememberDecision(made, form);
    await leave(true);
  }

  function refused(error) {
    if (!unanswered || error.code !== "lease_stale") {
      unanswered ||= error.status === 0;
      return lease.refused(error);
    }
    // The page of the case says whether it is decided.
    draft.close();
    lease.close();
    location.reload();
  }
}

// Whether the reviewer wants the next case once this one is done with.
export function wantsNext() {
  return localStorage.getItem(THEN_NEXT) !== "off";
}

function startThenNext(box) {
  const words = document.getElementById("decide-words");
  const show = () => { words.textContent = box.checked ? t("Decide and claim next") : t("Decide"); };
  box.checked = wantsNext();
  show();
  box.addEventListener("change", () => {
    localStorage.setItem(THEN_NEXT, box.checked ? "on" : "off");
    show();
  });
}

// Few cases are decided together with others, so what that takes comes with the first press.
function startCluster(lease, form, leave) {
  const button = document.getElementById("cluster-open");
  if (!button) return;
  let cluster = null;
  button.addEventListener("click", async () => {
    try {
      const { Cluster } = await late(import("./cluster.js"));
      cluster ??= new Cluster(lease, form, leave);
    } catch (error) {
      return showProblem(error.message);
    }
    cluster.open();
  });
  onCaseKey("d", () => button.click());
  lease.onEnd(() => { button.disabled = true; });
}

// What is recommended is one press away, and still the reviewer's choice: nothing is recorded by it.
function startFollow(form, offers) {
  const button = document.getElementById("follow");
  button.addEventListener("click", () => {
    form.chooseActions(offers.recommended);
    announce(t("Chosen: %(actions)s", { actions: document.getElementById("follow-names").textContent }));
  });
  onCaseKey("f", () => button.closest("[hidden]") || button.click());
}

function startFormKeys(form, element) {
  let severityUntil = 0;
  onCaseKey("s", () => {
    severityUntil = Date.now() + SEVERITY_DIGIT_SECONDS * 1000;
    announce(t("Severity: press a digit from 0 to 4."));
  });
  for (let digit = 0; digit <= 9; digit += 1) {
    onCaseKey(`Digit${digit}`, () => {
      if (Date.now() < severityUntil && digit < LEVELS) form.chooseSeverity(digit);
      else form.toggleAction(digit - 1);
      severityUntil = 0;
    });
    onCaseKey(`Shift+Digit${digit}`, () => form.chooseSeverity(digit));
  }
  onCaseKey("a", () => form.focus("policy-area"));
  onCaseKey("t", () => form.focus("note"));
  onCaseKey("Ctrl+Enter", () => element.requestSubmit());
}
