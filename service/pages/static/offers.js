// Which actions may be taken and which are recommended: the server says, and is asked again when the form says of what.

import { call } from "./api.js";

const PAUSE_MILLISECONDS = 250;

export class Offers {
  #caseId;
  #read;
  #chips = [...document.querySelectorAll("#actions .chip")];
  #asked = "";
  #timer = 0;
  #turn = 0;

  // `read` gives the form as plain values. The page came with what is recommended for the model's own view.
  constructor(caseId, read) {
    this.#caseId = caseId;
    this.#read = read;
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
      const chip = this.#chips.find((one) => one.querySelector("input").value === action.id);
      if (!chip) continue;
      this.#mark(chip, action);
      if (!action.allowed) reasons.set(action.why_not, [...(reasons.get(action.why_not) ?? []), action.name]);
    }
    document.getElementById("actions-because").textContent = recommended.because;
    const lines = [...reasons].map(([reason, names]) => {
      const line = document.createElement("li");
      line.textContent = `${names.join(", ")}: ${reason.charAt(0).toUpperCase()}${reason.slice(1)}.`;
      return line;
    });
    document.getElementById("actions-refused").replaceChildren(...lines);
  }

  #mark(chip, action) {
    const box = chip.querySelector("input");
    box.disabled = !action.allowed;
    if (box.disabled) {
      box.checked = false;
      box.dataset.why = action.why_not;
    }
    chip.title = action.why_not ?? action.description;
    chip.querySelector(".recommended").hidden = !action.recommended;
  }
}
