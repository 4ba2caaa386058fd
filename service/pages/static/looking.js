// What of the originals is open right now, and everything that ends it. Each look is on record with the server: when it
// began, before the first byte came, and when it ended, which is told as soon as it does.

import { call } from "./api.js";
import { secondsUntil } from "./clock.js";

const IDLE_SECONDS = 10;
const looks = new Set();

// `exposure` is the server's answer to a reveal; `close` takes what is shown away; `rests` says whether nothing plays, so
// that sitting still means that nobody looks.
export class Look {
  #exposure;
  #close;
  #rests;
  #idle = 0;
  #expiry;

  constructor(exposure, close, rests = () => true) {
    this.#exposure = exposure;
    this.#close = close;
    this.#rests = rests;
    // The address has run out by then: what is still shown would be seen on nobody's record.
    this.#expiry = setTimeout(() => this.end("idle"), Math.max(0, secondsUntil(exposure.expires_at)) * 1000);
    looks.add(this);
    this.goesOn();
  }

  goesOn() {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => (this.#rests() ? this.end("idle") : this.goesOn()), IDLE_SECONDS * 1000);
  }

  end(why) {
    if (!looks.delete(this)) return false;
    clearTimeout(this.#idle);
    clearTimeout(this.#expiry);
    this.#close(why);
    // Told late or never, the server counts until the address ran out: too much rather than too little.
    call("POST", `/v1/exposures/${this.#exposure.exposure_id}/end`, { why }, { last: true, stay: true }).catch(() => {});
    return true;
  }
}

// True when something was open, so that a key is not used up for nothing.
export function endLooks(why) {
  return [...looks].map((look) => look.end(why)).some(Boolean);
}

export function watchLooks() {
  addEventListener("blur", () => endLooks("left"));
  addEventListener("pagehide", () => endLooks("left"));
  document.addEventListener("visibilitychange", () => document.hidden && endLooks("hidden"));
  addEventListener("keydown", () => looks.forEach((look) => look.goesOn()));
}
