// The media of a case: blurred as the server says, changed within what it allows, revealed on purpose.

import { call } from "./api.js";
import { onCaseKey, untilNext } from "./life.js";
import { endLooks, watchLooks } from "./looking.js";
import { announce, showProblem } from "./page.js";
import { quiet, Reveal } from "./reveal.js";
import { t } from "./words.js";

const STRONGEST = 4;
const SPEEDS = [1, 1.5, 2];

// Without a lease nothing can be revealed, but how the blurred media are shown is still the reader's choice.
export function startMedia(lease = null) {
  const media = [...document.querySelectorAll(".medium[data-media]")].map((figure) => new Medium(figure, lease));
  startPreferences();
  // A clip does not go on playing out of sight.
  untilNext().addEventListener("abort", () => media.forEach((one) => one.stopBlurred()));
  // What a key is about, of those that it can do something to: the one in focus, or else the first not looked at yet.
  const current = (able) => {
    const some = media.filter(able);
    return some.find((one) => one.figure.contains(document.activeElement)) ?? some.find((one) => !one.reveal?.seen) ?? some[0];
  };
  onCaseKey("b", () => current((one) => one.shown)?.blurMore());
  onCaseKey("y", () => current((one) => one.figure.dataset.lines)?.toggleLines());
  onCaseKey("p", () => current((one) => one.figure.dataset.proxy)?.playBlurred());
  if (!lease) return () => false;
  watchLooks();
  onCaseKey("v", () => endLooks("closed") || current((one) => one.reveal)?.reveal.ask());
  onCaseKey("l", () => current((one) => one.reveal?.hasLens)?.reveal.toggleLens());
  return () => endLooks("closed");
}

// A picture that does not come would leave a hole with the browser's own sign in it.
export function startPreviews() {
  for (const image of document.querySelectorAll("img.preview, img.wave")) {
    image.addEventListener("error", () => replaceBroken(image));
    if (image.complete && image.naturalWidth === 0) replaceBroken(image);
  }
}

function replaceBroken(image) {
  const place = document.createElement("p");
  place.className = "placeholder";
  place.textContent = t("The preview could not be loaded. Reload the page to try again.");
  image.replaceWith(place);
}

class Medium {
  #level;
  #lines;
  #colour;
  #urls;
  reveal = null;

  constructor(figure, lease) {
    this.figure = figure;
    this.picture = figure.querySelector(".picture");
    const { level, least, colour, first, lines, sheet } = figure.dataset;
    this.least = Number(least);
    this.#level = Number(level);
    this.#colour = colour === "true";
    this.#lines = first === "lines";
    this.#urls = { lines, sheet };
    if (lease && figure.querySelector(".reveal")) this.reveal = new Reveal(this, lease);
    figure.querySelector(".blur-more")?.addEventListener("click", () => this.blurMore());
    figure.querySelector(".lines")?.addEventListener("click", () => this.toggleLines());
    figure.querySelector(".colour")?.addEventListener("click", () => this.#toggleColour());
    figure.querySelector(".play")?.addEventListener("click", () => this.playBlurred());
  }

  get id() {
    return this.figure.dataset.media;
  }

  get kind() {
    return this.figure.dataset.kind;
  }

  // The blurred picture under what is revealed; gone when it could not be loaded.
  get shown() {
    return this.figure.querySelector(".preview");
  }

  // One step stronger; from the strongest back to the weakest that is allowed.
  blurMore() {
    if (!this.shown) return;
    this.#level = this.#level >= STRONGEST ? this.least : this.#level + 1;
    this.#lines = false;
    this.#draw();
    announce(this.#blurWords());
  }

  #blurWords() {
    return t("Blur %(level)s of %(most)s", { level: this.#level, most: STRONGEST });
  }

  toggleLines() {
    if (!this.#urls.lines || !this.shown) return;
    this.#lines = !this.#lines;
    this.#draw();
    announce(this.#lines ? t("Line drawing") : this.#blurWords());
  }

  #toggleColour() {
    this.#colour = !this.#colour;
    this.#lines = false;
    this.#draw();
  }

  #draw() {
    this.stopBlurred();
    const blurred = this.#urls.sheet && !this.#colour ? "sheet" : this.#colour ? "colour" : "gray";
    this.shown.src = this.#lines ? this.#urls.lines : this.#preview(blurred);
    this.shown.alt = this.#lines ? t("Line drawing of the picture") : t("Blurred at level %(level)s of %(most)s", { level: this.#level, most: STRONGEST });
    this.figure.querySelector(".blur-now").textContent = this.#lines ? t("Line drawing") : this.#blurWords();
    press(this.figure.querySelector(".lines"), this.#lines);
    press(this.figure.querySelector(".colour"), this.#colour);
  }

  #preview(variant) {
    return `/v1/media/${this.id}/preview?level=${this.#level}&variant=${variant}`;
  }

  // The muted, blurred, gray video in the place of its sheet; again takes it away.
  playBlurred() {
    if (!this.figure.dataset.proxy || this.stopBlurred()) return;
    this.reveal?.close("closed");
    const video = document.createElement("video");
    video.className = "proxy";
    quiet(video, true);
    video.setAttribute("aria-label", t("The video, blurred, gray and without sound"));
    video.addEventListener("error", () => this.stopBlurred() && showProblem(t("The blurred video could not be played.")));
    video.src = this.#preview("proxy");
    this.picture.append(video);
    this.picture.after(speeds(video));
    press(this.figure.querySelector(".play"), true);
    // Where a browser does not start it by itself, its own button does.
    video.play().catch(() => {});
  }

  stopBlurred() {
    const video = this.picture.querySelector(".proxy");
    if (!video) return false;
    video.remove();
    video.removeAttribute("src");
    video.load();
    this.figure.querySelector(".speeds").remove();
    press(this.figure.querySelector(".play"), false);
    return true;
  }
}

function speeds(video) {
  const row = document.createElement("span");
  row.className = "row small speeds";
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", t("Speed"));
  for (const speed of SPEEDS) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button button-quiet";
    button.textContent = `${speed}×`;
    press(button, speed === 1);
    button.addEventListener("click", () => {
      video.playbackRate = speed;
      for (const other of row.children) press(other, other === button);
    });
    row.append(button);
  }
  return row;
}

function press(button, on) {
  button?.setAttribute("aria-pressed", String(on));
}

function startPreferences() {
  const form = document.getElementById("media-preferences");
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const level = form.elements.level.value;
    try {
      await call("PUT", "/v1/me/media", {
        level: level === "" ? null : Number(level),
        colour: form.elements.colour.checked,
        lines_first: form.elements.lines_first.checked,
        mask_text: form.elements.mask_text.checked,
      });
      location.reload();
    } catch (error) {
      showProblem(error.message);
    }
  });
}
