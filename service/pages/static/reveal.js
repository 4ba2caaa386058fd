// Asking for an original: with a reason, recorded by the server before the first byte, and over as soon as nobody looks.

import { call } from "./api.js";
import { untilNext } from "./life.js";
import { Look } from "./looking.js";
import { announce, late, setState } from "./page.js";
import { t, tn } from "./words.js";

// Looking at a part of it is the smaller step: one press, and this is what the record says of why.
const LENS_REASON = "a part of it, through the lens";
const LOUDEST = 0.5;
const ENDED = {
  idle: () => t("Blurred again, as nothing moved for a while."),
  over: () => t("Blurred again, as its time is up. Ask for it again if you need it."),
};

export class Reveal {
  #medium;
  #lease;
  #button;
  #lensButton;
  #Lens = null;
  #form;
  #problem;
  #look = null;
  #shown = null;
  #pointerInside = false;
  #count = 0;
  seen = false;

  constructor(medium, lease) {
    this.#medium = medium;
    this.#lease = lease;
    const figure = medium.figure;
    this.#button = figure.querySelector(".reveal");
    this.#lensButton = figure.querySelector(".lens-toggle");
    this.#form = figure.querySelector(".reveal-form");
    this.#problem = figure.querySelector(".problem");
    this.#button.addEventListener("click", () => this.close("closed") || this.ask());
    this.#lensButton?.addEventListener("click", () => this.toggleLens());
    this.#form.addEventListener("submit", (event) => this.#confirm(event));
    this.#form.addEventListener("change", () => this.#otherReason());
    this.#form.querySelector(".cancel").addEventListener("click", () => this.#cancel());
    this.#form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      // The page's own Escape would take the focus from the button that it has just gone back to.
      event.preventDefault();
      this.#cancel();
    });
    for (const kind of ["pointermove", "pointerdown"]) figure.addEventListener(kind, () => this.#moved());
    figure.addEventListener("pointerleave", (event) => {
      if (this.#pointerInside && event.pointerType !== "touch") this.close("left");
    });
    // A finger that lifts has not left the picture; touching something else has.
    document.addEventListener("pointerdown", (event) => figure.contains(event.target) || this.close("left"), { signal: untilNext() });
    lease.onEnd(() => this.#retire());
  }

  ask() {
    if (this.#look || !this.#lease.live) return;
    this.#form.hidden = false;
    this.#button.setAttribute("aria-expanded", "true");
    this.#form.querySelector("input:checked").focus();
    this.#form.scrollIntoView({ block: "nearest" });
  }

  close(why) {
    return this.#look?.end(why) ?? false;
  }

  get hasLens() {
    return Boolean(this.#lensButton);
  }

  toggleLens() {
    if (!this.#lensButton || this.close("closed") || !this.#lease.live) return;
    if (this.#medium.shown?.naturalWidth) this.#open("lens", LENS_REASON);
    else this.#say(t("The lens lies on the blurred picture, which is not there. Reveal the whole of it instead."));
  }

  #confirm(event) {
    event.preventDefault();
    if (this.#look) return;
    const reason = this.#reason();
    this.#problem.textContent = reason ? "" : t("Say in a few words why.");
    if (reason) this.#open("whole", reason);
  }

  async #open(as, reason) {
    const look = new Look((why) => this.#closed(why), () => this.#shown.paused ?? true);
    this.#look = look;
    this.#problem.textContent = "";
    this.#wait(true);
    try {
      const path = `/v1/media/${this.#medium.id}/reveal`;
      // First what it takes to show it: what stands on record as seen is seen.
      if (as === "lens") this.#Lens ??= (await late(import("./lens.js"))).Lens;
      const exposure = await call("POST", path, { lease_token: this.#lease.token, reason, as });
      if (look.begin(exposure)) this.#show(as, exposure.url);
    } catch (error) {
      if (!look.end("closed")) return;
      this.#say(error.message);
      if (error.code === "lease_stale") this.#lease.refused(error);
    }
  }

  #show(as, url) {
    this.#wait(false);
    this.#fold(true);
    this.#medium.stopBlurred();
    this.#shown = as === "lens" ? this.#lens(url) : this.#whole(url);
    this.#opened(as);
  }

  // Buttons keep their focus and their place; they only look as if they were at work.
  #wait(on) {
    setState(this.#form.querySelector(".confirm"), "aria-disabled", on);
    if (this.#lensButton) setState(this.#lensButton, "aria-disabled", on);
  }

  #lens(url) {
    const medium = this.#medium;
    return new this.#Lens(medium.picture, medium.shown, url, () => this.#broken());
  }

  #whole(url) {
    const kind = this.#medium.kind;
    const element = document.createElement(kind === "image" ? "img" : kind);
    element.className = "revealed";
    if (kind === "image") {
      element.alt = t("The original picture");
      element.draggable = false;
    } else {
      quiet(element, kind === "video");
      element.setAttribute("aria-label", kind === "video" ? t("The original video, muted") : t("The original sound"));
    }
    element.addEventListener("error", () => element.isConnected && this.#broken());
    element.src = url;
    this.#medium.picture.append(element);
    return element;
  }

  #opened(as) {
    this.seen = true;
    this.#pointerInside = false;
    this.#count += 1;
    this.#medium.figure.classList.add("is-open");
    this.#medium.picture.scrollIntoView({ block: "nearest" });
    this.#medium.figure.querySelector(".reveals").textContent = tn("· seen once", "· seen %(num)s times", this.#count);
    countReveal();
    this.#button.firstChild.textContent = `${t("Blur again")} `;
    this.#lensButton?.setAttribute("aria-pressed", String(as === "lens"));
    announce(as === "lens"
      ? t("Lens on: the pointer or the arrow keys move it. Press Escape to blur it again.")
      : t("Original shown. Press Escape to blur it again."));
  }

  // The element goes, not just its visibility: nothing is left that a style or an extension could show again. Without an
  // address a clip does not go on loading out of sight.
  #closed(why) {
    this.#look = null;
    this.#wait(false);
    const shown = this.#shown;
    this.#shown = null;
    if (!shown) return announce(t("It stays blurred."));
    const held = this.#medium.picture.contains(document.activeElement);
    shown.remove();
    shown.removeAttribute?.("src");
    shown.load?.();
    if (held) (this.#lensButton ?? this.#button).focus({ preventScroll: true });
    this.#medium.figure.classList.remove("is-open");
    this.#button.firstChild.textContent = `${t("Reveal again…")} `;
    this.#lensButton?.setAttribute("aria-pressed", "false");
    announce(ENDED[why]?.() ?? t("Blurred again."));
  }

  #broken() {
    this.close("closed");
    this.#say(t("It could not be loaded. Ask for it again."));
  }

  #say(problem) {
    this.ask();
    this.#problem.textContent = problem;
  }

  #moved() {
    if (!this.#shown) return;
    // Only a pointer that was over the picture can leave it: opening moves things under a pointer that rests.
    this.#pointerInside = true;
    this.#look.goesOn();
  }

  #retire() {
    this.close("lease");
    this.#fold(false);
    this.#button.disabled = true;
    if (this.#lensButton) this.#lensButton.disabled = true;
  }

  #reason() {
    const chosen = this.#form.querySelector("input[name=reason]:checked").value;
    return chosen || this.#form.querySelector(".reason-text").value.trim();
  }

  #otherReason() {
    const text = this.#form.querySelector(".reason-text");
    text.hidden = this.#form.querySelector("input[name=reason]:checked").value !== "";
    if (!text.hidden) text.focus();
  }

  // Also takes back what is asked for and not there yet.
  #cancel() {
    this.close("closed");
    this.#fold(true);
  }

  #fold(backToButton) {
    if (this.#form.hidden) return;
    this.#form.hidden = true;
    this.#button.setAttribute("aria-expanded", "false");
    if (backToButton) this.#button.focus({ preventScroll: true });
  }
}

// Nothing plays by itself, and nothing is ever louder than half.
export function quiet(element, muted) {
  Object.assign(element, { controls: true, muted, preload: "metadata", autoplay: false, volume: LOUDEST, disablePictureInPicture: true, playsInline: true });
  element.setAttribute("controlslist", "nodownload noremoteplayback");
  element.addEventListener("volumechange", () => {
    if (element.volume > LOUDEST) element.volume = LOUDEST;
  });
}

function countReveal() {
  const place = document.getElementById("revealed");
  const count = Number(place.dataset.count) + 1;
  place.dataset.count = count;
  place.textContent = tn("You have looked at originals of this case once.", "You have looked at originals of this case %(num)s times.", count);
}
