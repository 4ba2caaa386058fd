// Which actions may be taken and which are recommended: the server says, and is asked again when the form says of what.

import { call } from "./api.js";
import { untilNext } from "./life.js";
import { t } from "./words.js";

const PAUSE_MILLISECONDS = 250;

export class Offers {
  #caseId;
  #read;
  #chips = [...document.querySelectorAll("#actions .chip")];
  #asked = "";
  #timer = 0;
  #turn = 0;
  // Ids of what is recommended and can be taken.
  recommended = this.#chips.filter((chip) => !chip.querySelector(".recommended").hidden && !chip.querySelector("input").disabled).map((chip) => chip.querySelector("input").value);

  // `read` gives the form as plain values. The page came with what is recommended for the model's own view, which is `stale`
  // where something was decided since it was made.
  constructor(caseId, read, { stale = false } = {}) {
    this.#caseId = caseId;
    this.#read = read;
    if (stale) this.#asked = null;
    untilNext().addEventListener("abort", () => {
      clearTimeout(this.#timer);
      // What is recommended for this case must not stand beside the next one.
      this.#turn += 1;
    });
    this.changed();
  }

  changed() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), PAUSE_MILLISECONDS);
  }

  async #ask() {
    const { policy_area: area, severity } = this.#read();
    const whole = area && severity !== null;
    const query = whole ? `?${new URLSearchParams({ policy_area: area, severity })}` : "";
    if (query === this.#asked) return;
    this.#asked = query;
    this.#turn += 1;
    const turn = this.#turn;
    try {
      const answer = await call("GET", `/v1/cases/${this.#caseId}/actions${query}`);
      if (turn === this.#turn) this.#show(answer);
    } catch {
      // A recommendation that did not come is asked for with the next change; deciding checks everything itself.
      this.#asked = "?";
    }
  }

  #show({ actions, recommended }) {
    const reasons = new Map();
    for (const action of actions) {
      const chip = this.#chipOf(action.id);
      if (!chip) continue;
      this.#mark(chip, action);
      if (!action.allowed) reasons.set(action.why_not, [...(reasons.get(action.why_not) ?? []), nameOn(chip)]);
    }
    document.getElementById("actions-because").textContent = recommended.because;
    const follows = actions.filter((action) => action.recommended && action.allowed);
    this.recommended = follows.map((action) => action.id);
    document.getElementById("follow-names").textContent = follows.map((action) => nameOn(this.#chipOf(action.id))).join(", ");
    document.getElementById("follow-place").hidden = follows.length === 0;
    const lines = [...reasons].map(([reason, names]) => {
      const line = document.createElement("li");
      line.textContent = t("%(actions)s: %(reason)s.", { actions: names.join(", "), reason: reason.charAt(0).toUpperCase() + reason.slice(1) });
      return line;
    });
    document.getElementById("actions-refused").replaceChildren(...lines);
  }

  #chipOf(id) {
    return this.#chips.find((one) => one.querySelector("input").value === id);
  }

  #mark(chip, action) {
    const box = chip.querySelector("input");
    box.disabled = !action.allowed;
    if (box.disabled) {
      box.checked = false;
      box.dataset.why = action.why_not;
    }
    chip.title = action.why_not ?? chip.dataset.words;
    chip.querySelector(".recommended").hidden = !action.recommended;
  }
}

// As the page says it, in the language of its reader.
function nameOn(chip) {
  return chip?.querySelector("input").dataset.name ?? "";
}
