// One appeal: judged by whoever has it in hand, read by others.

import { call } from "./api.js";
import { attempt } from "./attempt.js";
import { secondsUntil } from "./clock.js";
import { startCountdowns } from "./countdowns.js";
import { onKey } from "./keys.js";
import { endLooks } from "./looking.js";
import { startMedia, startPreviews } from "./media.js";
import { sayOnNextPage } from "./notice.js";
import { announce, openForms, showProblem, startPage } from "./page.js";
import { hideSpans } from "./spans.js";
import { t } from "./words.js";

const RENEW_SECONDS = 300;
const head = document.getElementById("appeal");
const at = `/v1/appeals/${head.dataset.appeal}`;

// What the media ask of a lease: whether it lives, its token, and to be told of its end.
class Lease {
  #onEnd = [];
  #until = head.dataset.until;
  #timer = 0;
  #active = Date.now();
  live = true;

  constructor(token) {
    this.token = token;
    for (const kind of ["pointermove", "keydown", "scroll"]) {
      addEventListener(kind, () => { this.#active = Date.now(); }, { passive: true, capture: true });
    }
    this.#timer = setInterval(() => this.#tick(), 5_000);
  }

  onEnd(listener) {
    this.#onEnd.push(listener);
  }

  refused(error) {
    if (error.code === "lease_stale") this.end();
    showProblem(error.message);
  }

  end() {
    if (!this.live) return;
    this.live = false;
    clearInterval(this.#timer);
    endLooks("closed");
    const words = t("Your time on this appeal is over. What you wrote is still here: record it, and the appeal is taken again first.");
    showProblem(words);
    announce(words);
    for (const listener of this.#onEnd) listener();
  }

  async #tick() {
    const left = secondsUntil(this.#until);
    if (left <= 0) return this.end();
    if (left > RENEW_SECONDS || document.hidden || Date.now() - this.#active > 60_000) return;
    try {
      const renewed = await call("POST", `${at}/lease/renew`, { lease_token: this.token });
      this.#until = renewed.expires_at;
      for (const shown of head.querySelectorAll("[data-plain]")) shown.dataset.until = renewed.expires_at;
    } catch (error) {
      this.refused(error);
    }
  }
}

function startDesk(token) {
  const lease = new Lease(token);
  const blurAgain = startMedia(lease);
  const form = new Outcome(document.getElementById("outcome"));
  form.onSend(async (values) => {
    endLooks("closed");
    const decide = (held) => call("POST", `${at}/decision`, { lease_token: held, ...values });
    try {
      await decide(token);
    } catch (error) {
      if (error.code !== "lease_stale") throw error;
      // Taken again where nobody else has it by now: what was written is not lost with the time.
      await decide((await call("POST", `${at}/claim`)).token);
    }
    sayOnNextPage(t("The outcome is recorded."));
    location.reload();
  });
  const release = document.getElementById("release");
  release.addEventListener("click", async () => {
    try {
      await call("POST", `${at}/lease/release`, { lease_token: token });
      sayOnNextPage(t("Given back: somebody else judges it."));
      location.assign("/appeals");
    } catch (error) {
      lease.refused(error);
    }
  });
  onKey("r", () => release.click());
  onKey("Escape", () => {
    const blurred = blurAgain();
    if (!hideSpans() && !blurred) document.activeElement?.blur();
  });
}

// The form: what an outcome asks for is shown with it, and nothing is sent before it is whole.
class Outcome {
  #form;
  #send = async () => {};
  #busy = false;

  constructor(form) {
    this.#form = form;
    form.addEventListener("change", (event) => event.target.name === "outcome" && this.#show());
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && event.target.matches("input")) event.preventDefault();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    const radios = [...form.querySelectorAll("[name=outcome]")];
    radios.forEach((radio, place) => onKey(`Digit${place + 1}`, () => radio.click()));
    onKey("t", () => form.elements.explanation.focus());
    onKey("Ctrl+Enter", () => form.requestSubmit());
    this.#show();
  }

  onSend(send) {
    this.#send = send;
  }

  get #outcome() {
    return this.#form.elements.outcome.value ?? this.#form.querySelector("[name=outcome]:checked")?.value ?? "";
  }

  #show() {
    const outcome = this.#outcome;
    for (const part of this.#form.querySelectorAll("[data-for]")) part.hidden = part.dataset.for !== outcome;
    const reasons = this.#form.elements.reason_code;
    const kind = outcome === "partly" ? "overturned" : outcome;
    for (const option of reasons.options) {
      if (option.dataset.of) option.hidden = option.disabled = Boolean(kind) && option.dataset.of !== kind;
    }
    if (reasons.selectedOptions[0]?.disabled) reasons.value = "";
  }

  #checked(name) {
    return [...this.#form.querySelectorAll(`[name=${name}]:checked`)].map((box) => box.value);
  }

  #values() {
    const { explanation, note, reason_code: reason, policy_area: area } = this.#form.elements;
    const outcome = this.#outcome;
    const values = { outcome, reason_code: reason.value, explanation: explanation.value.trim(), note: note.value };
    if (outcome === "partly") values.standing = this.#checked("standing");
    if (outcome === "overturned") {
      const [severity] = this.#checked("severity");
      Object.assign(values, { policy_area: area.value, severity: severity === undefined ? null : Number(severity) });
      if (head.dataset.side === "reporter") values.actions = this.#checked("actions");
    }
    return values;
  }

  // Says everything that is missing at once and goes to the first of it.
  #complete(values) {
    const missing = {
      outcome: !values.outcome && t("Say whether the decision holds."),
      standing: values.standing?.length === 0 && t("Choose what stays."),
      actions: values.actions?.length === 0 && t("Choose what is done."),
      "policy-area": values.policy_area === "" && t("Choose an area."),
      severity: values.severity === null && t("Choose a severity."),
      "reason-code": !values.reason_code && t("Choose a reason."),
      explanation: !values.explanation && t("Explain it to whoever appealed."),
    };
    let first = null;
    for (const [name, words] of Object.entries(missing)) {
      const place = document.getElementById(`${name}-problem`);
      if (!place) continue;
      place.textContent = words || "";
      first ??= words ? place : null;
    }
    first?.parentElement.querySelector("input:not([hidden]), select, textarea")?.focus();
    return first === null;
  }

  async #submit() {
    const values = this.#values();
    if (this.#busy || !this.#complete(values)) return;
    this.#busy = true;
    showProblem("");
    try {
      await this.#send(values);
    } catch (error) {
      this.#busy = false;
      showProblem(error.message);
    }
  }
}

function startReading() {
  const take = document.getElementById("take-this");
  take?.addEventListener("click", () => attempt(async () => {
    await call("POST", `${at}/claim`);
    location.reload();
  }));
  const undo = document.getElementById("undo-outcome");
  undo?.addEventListener("click", () => attempt(async () => {
    await call("POST", `${at}/undo`);
    sayOnNextPage(t("The outcome is taken back; the appeal waits again."));
    location.reload();
  }));
  onKey("u", () => undo?.click());
  document.getElementById("take-next")?.addEventListener("click", () => attempt(next));
  onKey("n", () => (take ? take.click() : attempt(next)));
}

async function next() {
  const held = await call("POST", "/v1/appeals/claim");
  if (held) return location.assign(`/appeals/${held.appeal_id}`);
  sayOnNextPage(t("Nothing waits that you may decide right now."));
  location.assign("/appeals");
}

function startFurther() {
  document.getElementById("escalate")?.addEventListener("click", () => attempt(async () => {
    const made = await call("POST", `${at}/escalation`, {});
    location.assign(`/escalations/${made.escalation_id}`);
  }));
  document.getElementById("dispute").addEventListener("submit", (event) => {
    event.preventDefault();
    const { body, reference } = event.target.elements;
    attempt(() => then(`${at}/disputes`, { body: body.value, reference: reference.value }));
  });
  for (const form of document.querySelectorAll(".settle-dispute")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const dispute = form.closest("[data-dispute]").dataset.dispute;
      attempt(() => then(`${at}/disputes/${dispute}/outcome`, { outcome: form.elements.outcome.value }));
    });
  }
}

async function then(path, body) {
  await call("POST", path, body);
  sayOnNextPage(t("Recorded."));
  location.reload();
}

// Last: classes are there only from their place on.
startPage();
startCountdowns();
startPreviews();
if (head.dataset.token) startDesk(head.dataset.token);
else startReading();
startFurther();
openForms();
