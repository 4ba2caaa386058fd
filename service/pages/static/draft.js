// An unfinished decision is kept on the server as it is typed, so that neither a lapse nor a crash loses a word.

import { call } from "./api.js";
import { untilNext } from "./life.js";
import { t } from "./words.js";

const PAUSE_MILLISECONDS = 600;
const RETRY_MILLISECONDS = 5000;

export class Draft {
  #lease;
  #read;
  #state = document.getElementById("draft-state");
  #timer = 0;
  #saved = "";
  #closed = false;

  // `read` gives the form as plain values.
  constructor(lease, read) {
    this.#lease = lease;
    this.#read = read;
    this.#saved = JSON.stringify(read());
    addEventListener("pagehide", () => this.#save({ last: true }), { signal: untilNext() });
    untilNext().addEventListener("abort", () => this.#save({ last: true }));
    lease.onEnd(() => this.#save());
  }

  changed() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#save(), PAUSE_MILLISECONDS);
  }

  // Once a decision is made there is nothing left to keep.
  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #save(options) {
    const body = this.#read();
    const written = JSON.stringify(body);
    if (this.#closed || written === this.#saved) return;
    clearTimeout(this.#timer);
    try {
      await call("PUT", `/v1/cases/${this.#lease.caseId}/draft`, { lease_token: this.#lease.token, body }, options);
      this.#saved = written;
      this.#state.textContent = t("Draft kept");
    } catch (error) {
      this.#state.textContent = t("Draft not kept yet");
      if (mayPass(error)) this.#timer = setTimeout(() => this.#save(), RETRY_MILLISECONDS);
    }
  }
}

// No connection, too much at once, or a failure on the other side: the same call may work in a moment.
function mayPass({ status }) {
  return status === 0 || status === 429 || status >= 500;
}
