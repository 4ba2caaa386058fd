// Words that the model reacted to, underlined when the reviewer asks. Off until then: a hint that is seen before the
// text is read decides with it.

import { call } from "./api.js";
import { onCaseKey, untilNext } from "./life.js";
import { announce, setState } from "./page.js";
import { t } from "./words.js";

const STRENGTHS = ["", "slight", "strong"];
const SAID = 8;

export function startHints() {
  const place = document.getElementById("hints");
  if (place) new Hints(place);
}

class Hints {
  #place;
  #content = document.getElementById("content");
  // The text as it came: words, and between them buttons of masked ones, which keep their length whatever they show.
  #parts = [...this.#content.childNodes].map((node) => ({ node, characters: [...node.textContent] }));
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
    onCaseKey("w", () => this.#switch(!this.#on));
    untilNext().addEventListener("abort", () => { this.#asked += 1; });
    for (const button of this.#areas) button.addEventListener("click", () => this.#choose(button.dataset.area));
    if (localStorage.getItem(this.#remembered) === "on") this.#show();
  }

  #switch(on) {
    localStorage.setItem(this.#remembered, on ? "on" : "off");
    if (on) return this.#show();
    this.#hide();
    announce(t("Hints hidden."));
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
    this.#say(t("Asking the model…"));
    setState(this.#place, "aria-busy", true);
    try {
      const path = `/v1/cases/${this.#place.dataset.case}/hints?masked=true&area=${encodeURIComponent(this.#area)}`;
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
    const returns = traced ? JSON.parse(this.#place.dataset.returns) : [];
    const at = (place) => place - returns.filter((one) => one < place).length;
    const places = shown.map((hint) => ({ start: at(hint.start), end: at(hint.end), strength: hint.strength }));
    const home = traced ? this.#content : this.#read;
    fill(home, () => marked(traced ? this.#parts : [{ characters: [...answer.cleaned] }], places));
    this.#read.hidden = traced;
    this.#say(found(this.#name(), answer.whole, shown.length > 0), shown.length > 0);
    announce(spoken(this.#name(), home));
  }

  #clear() {
    if (this.#content.querySelector("mark")) fill(this.#content, () => this.#parts.map((part) => part.node));
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

// Puts marks around places of a text. A masked word is not cut: it is marked as a whole where a place touches it.
function marked(parts, places) {
  const pieces = [];
  let mark = null;
  let place = 0;
  const put = (piece, hint) => {
    if (!hint) {
      mark = null;
      return pieces.push(piece);
    }
    if (mark?.hint !== hint) {
      const element = document.createElement("mark");
      element.className = `hint hint-${STRENGTHS[hint.strength]}`;
      element.dataset.strength = hint.strength;
      mark = { hint, element };
      pieces.push(element);
    }
    mark.element.append(piece);
  };
  for (const { node, characters } of parts) {
    const end = place + characters.length;
    const touching = places.filter((hint) => hint.start < end && hint.end > place);
    if (node instanceof HTMLElement) {
      put(node, touching[0]);
    } else {
      let done = place;
      const upTo = (stop, hint) => {
        if (stop > done) put(characters.slice(done - place, stop - place).join(""), hint);
        done = Math.max(done, stop);
      };
      for (const hint of touching) {
        upTo(Math.min(hint.start, end));
        upTo(Math.min(hint.end, end), hint);
      }
      upTo(end);
    }
    place = end;
  }
  return pieces;
}

function found(area, whole, any) {
  if (any) return whole ? t("%(area)s:", { area }) : t("%(area)s, in the part that scored highest:", { area });
  return whole ? t("No word stands out for %(area)s.", { area }) : t("No word stands out for %(area)s, in the part that scored highest.", { area });
}

// What is moved loses the focus, so it is given back.
function fill(home, make) {
  const focused = home.contains(document.activeElement) ? document.activeElement : home;
  home.replaceChildren(...make());
  if (focused !== home && home.contains(focused)) focused.focus({ preventScroll: true });
}

// An underline is for the eye alone; the same is said in words, but for masked ones.
function spoken(area, home) {
  const marks = [...home.querySelectorAll("mark")];
  if (!marks.length) return t("No word stands out for %(area)s.", { area });
  const said = [2, 1].map((strength) => {
    const mine = marks.filter((mark) => mark.dataset.strength === String(strength)).slice(0, SAID);
    const words = mine.map((mark) => mark.textContent.replace(/•+/g, t("a masked word")));
    if (!words.length) return "";
    return strength === 2 ? t("strong: %(words)s", { words: words.join(", ") }) : t("slight: %(words)s", { words: words.join(", ") });
  });
  return t("Hints for %(area)s, no reasons. %(words)s.", { area, words: said.filter(Boolean).join("; ") });
}
