// Words that the model reacted to, underlined when the reviewer asks. Off until then: a hint that is seen before the
// text is read decides with it.

import { call } from "./api.js";
import { onKey } from "./keys.js";
import { announce, setState } from "./page.js";

const STRENGTHS = ["", "slight", "strong"];
const SAID = 8;

export function startHints() {
  const place = document.getElementById("hints");
  if (place) new Hints(place);
}

class Hints {
  #place;
  #content = document.getElementById("content");
  #text = this.#content.textContent;
  #toggle = document.getElementById("hints-toggle");
  #words = document.getElementById("hints-words");
  #read = document.getElementById("hints-read");
  #areas = [...document.querySelectorAll(".area-choice")];
  #remembered;
  #area;
  #on = false;
  #asked = 0;

  constructor(place) {
    this.#place = place;
    this.#area = place.dataset.area;
    this.#remembered = `triage.hints.${place.dataset.viewer}`;
    this.#toggle.addEventListener("click", () => this.#switch(!this.#on));
    onKey("w", () => this.#switch(!this.#on));
    for (const button of this.#areas) button.addEventListener("click", () => this.#choose(button.dataset.area));
    if (localStorage.getItem(this.#remembered) === "on") this.#show();
  }

  #switch(on) {
    localStorage.setItem(this.#remembered, on ? "on" : "off");
    if (on) return this.#show();
    this.#hide();
    announce("Hints hidden.");
  }

  // The area that is shown already is the way to hide it again.
  #choose(area) {
    if (this.#on && area === this.#area) return this.#switch(false);
    this.#area = area;
    this.#switch(true);
  }

  #hide() {
    this.#asked += 1;
    this.#on = false;
    setState(this.#place, "aria-busy", false);
    this.#clear();
    this.#mark();
  }

  async #show() {
    const asked = (this.#asked += 1);
    this.#on = true;
    this.#clear();
    this.#mark();
    this.#say("Asking the model…");
    setState(this.#place, "aria-busy", true);
    try {
      const path = `/v1/cases/${this.#place.dataset.case}/hints?area=${encodeURIComponent(this.#area)}`;
      const answer = await call("GET", path);
      // The reviewer may have gone on to another area or hidden the hints meanwhile.
      if (asked === this.#asked) this.#draw(answer);
    } catch (error) {
      if (asked === this.#asked) this.#say(error.message);
    }
    if (asked === this.#asked) setState(this.#place, "aria-busy", false);
  }

  #draw(answer) {
    const shown = answer.hints.filter((hint) => hint.strength);
    const traced = answer.cleaned === null;
    const characters = [...(traced ? this.#text : answer.cleaned)];
    const returns = traced ? JSON.parse(this.#place.dataset.returns) : [];
    const at = (place) => place - returns.filter((one) => one < place).length;
    const pieces = [];
    let done = 0;
    for (const hint of shown) {
      const mark = document.createElement("mark");
      mark.className = `hint hint-${STRENGTHS[hint.strength]}`;
      mark.textContent = characters.slice(at(hint.start), at(hint.end)).join("");
      pieces.push(characters.slice(done, at(hint.start)).join(""), mark);
      done = at(hint.end);
    }
    const home = traced ? this.#content : this.#read;
    home.replaceChildren(...pieces, characters.slice(done).join(""));
    this.#read.hidden = traced;
    const part = answer.whole ? "" : ", in the part that scored highest";
    this.#say(shown.length ? `${this.#name()}${part}:` : `No word stands out for ${this.#name()}${part}.`, shown.length > 0);
    announce(spoken(this.#name(), shown, home));
  }

  #clear() {
    if (this.#content.firstElementChild) this.#content.replaceChildren(this.#text);
    this.#read.replaceChildren();
    this.#read.hidden = true;
    this.#say("");
  }

  // The room for these words is always there, so that nothing on the page moves.
  #say(words, withSamples = false) {
    this.#words.textContent = words;
    document.getElementById("hints-samples").hidden = !withSamples;
  }

  #mark() {
    this.#toggle.setAttribute("aria-pressed", String(this.#on));
    for (const button of this.#areas) {
      button.setAttribute("aria-pressed", String(this.#on && button.dataset.area === this.#area));
    }
  }

  #name() {
    const button = this.#areas.find((one) => one.dataset.area === this.#area);
    return button?.dataset.name ?? this.#place.dataset.areaName;
  }
}

// An underline is for the eye alone; the same is said in words.
function spoken(area, shown, home) {
  if (!shown.length) return `No word stands out for ${area}.`;
  const words = [...home.querySelectorAll("mark")].map((mark) => mark.textContent);
  const said = STRENGTHS.slice(1).reverse().map((strength, index) => {
    const mine = words.filter((_, place) => shown[place].strength === 2 - index).slice(0, SAID);
    return mine.length ? `${strength}: ${mine.join(", ")}` : "";
  });
  return `Hints for ${area}, no reasons. ${said.filter(Boolean).join("; ")}.`;
}
