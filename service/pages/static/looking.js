// What of the originals is open right now, and everything that ends it. Each look is on record with the server: when it
// began, before the first byte came, and when it ended, which is told as soon as it does.

import { call } from "./api.js";
import { secondsUntil } from "./clock.js";
import { untilNext } from "./life.js";

const IDLE_SECONDS = 10;
const looks = new Set();

// A look begins with the question for it, so that whatever ends looks also ends one whose answer is still on its way.
// `close` takes away what is shown; `rests` says whether nothing plays, so that sitting still means that nobody looks.
export class Look {
  #close;
  #rests;
  #exposure = null;
  #over = null;
  #idle = 0;
  #expiry = 0;

  constructor(close, rests) {
    this.#close = close;
    this.#rests = rests;
    looks.add(this);
  }

  // `exposure` is the server's answer to a reveal. False when the look is over by then: nothing may be shown any more.
  begin(exposure) {
    this.#exposure = exposure;
    if (this.#over) {
      this.#tell(this.#over);
      return false;
    }
    // What is still shown when the address has run out would be seen on nobody's record.
    this.#expiry = setTimeout(() => this.end("over"), Math.max(0, secondsUntil(exposure.expires_at)) * 1000);
    this.goesOn();
    return true;
  }

  goesOn() {
    if (!this.#exposure) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => (this.#rests() ? this.end("idle") : this.goesOn()), IDLE_SECONDS * 1000);
  }

  end(why) {
    if (!looks.delete(this)) return false;
    clearTimeout(this.#idle);
    clearTimeout(this.#expiry);
    this.#over = why;
    this.#close(why);
    if (this.#exposure) this.#tell(why);
    return true;
  }

  // Told late or never, the server counts until the address ran out: too much rather than too little.
  #tell(why) {
    if (why === "over") return;
    call("POST", `/v1/exposures/${this.#exposure.exposure_id}/end`, { why }, { last: true, stay: true }).catch(() => {});
  }
}

// True when something was open or on its way, so that a key is not used up for nothing.
export function endLooks(why) {
  return [...looks].map((look) => look.end(why)).some(Boolean);
}

export function watchLooks() {
  const signal = untilNext();
  for (const kind of ["blur", "pagehide", "beforeprint"]) addEventListener(kind, () => endLooks("left"), { signal });
  signal.addEventListener("abort", () => endLooks("left"));
  document.addEventListener("visibilitychange", () => document.hidden && endLooks("hidden"), { signal });
  addEventListener("keydown", () => looks.forEach((look) => look.goesOn()), { signal });
  // Saved, copied or opened elsewhere it would be seen on nobody's record.
  document.addEventListener("contextmenu", (event) => {
    if (looks.size && event.target.closest(".picture")) event.preventDefault();
  }, { signal });
}
