// The hold on a case: shows how long it lasts, extends it while somebody works, and says plainly when it is over.

import { call } from "./api.js";
import { countdown, secondsUntil } from "./clock.js";
import { untilNext } from "./life.js";
import { reloadWith } from "./notice.js";
import { announce, showProblem } from "./page.js";
import { t } from "./words.js";

const WARN_SECONDS = 60;
const ACTIVE_SECONDS = 60;
const RETRY_SECONDS = 15;
const ACTIVITY = ["pointermove", "pointerdown", "keydown", "wheel", "scroll"];

export class Lease {
  #bar = document.getElementById("lease");
  #left = document.getElementById("lease-left");
  #until = this.#bar.dataset.until;
  #length = Number(this.#bar.dataset.seconds);
  #lastActive = Date.now();
  #lastTry = 0;
  #warned = false;
  #limited = false;
  #timer = 0;
  #onEnd = [];

  caseId = this.#bar.dataset.case;
  queue = this.#bar.dataset.queue;
  token = this.#bar.dataset.token;
  live = true;
  // Whether the case after this one may be fetched, and when: a case that was itself fetched ahead is opened first.
  mayFetch = "fetch" in this.#bar.dataset;
  opened = Promise.resolve();

  start() {
    const signal = untilNext();
    for (const kind of ACTIVITY) {
      addEventListener(kind, () => { this.#lastActive = Date.now(); }, { passive: true, capture: true, signal });
    }
    // A hidden tab is ticked rarely; what it shows must be right the moment it is seen again.
    document.addEventListener("visibilitychange", () => this.#tick(), { signal });
    untilNext().addEventListener("abort", () => this.#stop());
    document.getElementById("keep").addEventListener("click", () => this.keep());
    document.getElementById("release").addEventListener("click", () => this.release());
    document.getElementById("claim-again").addEventListener("click", (event) => claimAgain(event.target, this.caseId));
    this.#timer = setInterval(() => this.#tick(), 1000);
    // That somebody looks at it makes a case that was fetched ahead a lease like any other.
    if ("unopened" in this.#bar.dataset) this.opened = this.#renew();
    this.#tick();
  }

  onEnd(listener) {
    this.#onEnd.push(listener);
  }

  async keep() {
    if (!this.live) return;
    await this.#renew();
    if (this.live && !this.#limited) announce(t("Yours for another %(time)s.", { time: countdown(this.#secondsLeft()) }));
  }

  async release() {
    if (!this.live) return;
    try {
      await call("POST", `/v1/cases/${this.caseId}/lease/release`, { lease_token: this.token });
      this.#stop();
      location.assign("/console");
    } catch (error) {
      this.refused(error);
    }
  }

  // Any call that speaks for this lease comes here when it fails.
  refused(error) {
    // Once it is over, it is said already, and the next case may stand here.
    if (!this.live) return;
    if (error.code === "lease_stale") this.end();
    else if (error.code === "content_changed") reloadWith(error.message);
    else showProblem(error.message);
  }

  end() {
    if (!this.live) return;
    this.#stop();
    this.#bar.classList.remove("is-short");
    this.#bar.classList.add("is-over");
    const words = t("Your time on this case is over. Your draft is kept, nothing was decided.");
    document.getElementById("lease-words").textContent = words;
    document.getElementById("lease-limit").hidden = true;
    document.getElementById("in-hands").hidden = true;
    for (const button of this.#bar.querySelectorAll(".button")) button.hidden = true;
    document.getElementById("claim-again").hidden = false;
    announce(words);
    for (const listener of this.#onEnd) listener();
  }

  // After a decision the case is closed by intent: no warning, no renewal.
  close() {
    this.#stop();
  }

  #stop() {
    this.live = false;
    clearInterval(this.#timer);
  }

  #tick() {
    if (!this.live) return;
    const seconds = this.#secondsLeft();
    this.#left.textContent = countdown(seconds);
    if (seconds <= 0) return this.end();
    const short = seconds < WARN_SECONDS;
    this.#bar.classList.toggle("is-short", short);
    if (short && !this.#warned) announce(this.#limited ? t("Less than a minute left on this case.") : t("Less than a minute left on this case. Press K to keep it."));
    this.#warned = short;
    const late = Date.now() - this.#lastTry > RETRY_SECONDS * 1000;
    if (seconds < this.#length / 2 && !this.#limited && this.#isActive() && late) this.#renew();
  }

  // Never more than the whole: a part of a second between two clocks would show as one second too many.
  #secondsLeft() {
    return Math.min(secondsUntil(this.#until), this.#length);
  }

  #isActive() {
    return !document.hidden && Date.now() - this.#lastActive < ACTIVE_SECONDS * 1000;
  }

  async #renew() {
    this.#lastTry = Date.now();
    try {
      const renewed = await call("POST", `/v1/cases/${this.caseId}/lease/renew`, { lease_token: this.token });
      this.#until = renewed.expires_at;
      this.#tick();
    } catch (error) {
      if (error.code === "lease_at_limit") this.#limit();
      else this.refused(error);
    }
  }

  // Kept as often as it can be: it is still theirs until the time that is shown.
  #limit() {
    if (this.#limited) return;
    this.#limited = true;
    document.getElementById("keep").hidden = true;
    const words = document.getElementById("lease-limit");
    words.hidden = false;
    announce(words.textContent);
  }
}

// Takes this very case again. The order of the queue is not asked: whoever has a draft here has begun it before.
export async function claimAgain(button, caseId) {
  button.disabled = true;
  try {
    await call("POST", `/v1/cases/${caseId}/claim`);
    location.reload();
  } catch (error) {
    button.disabled = false;
    showProblem(error.message);
  }
}
