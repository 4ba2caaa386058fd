// Asking for an original: with a reason, recorded by the server before the first byte, and over as soon as nobody looks.

import { call } from "./api.js";
import { Lens } from "./lens.js";
import { Look } from "./looking.js";
import { announce } from "./page.js";

// Looking at a part of it is the smaller step: one press, and this is what the record says of why.
const LENS_REASON = "a part of it, through the lens";
const LOUDEST = 0.5;

export class Reveal {
  #medium;
  #lease;
  #button;
  #lensButton;
  #form;
  #problem;
  #look = null;
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
    this.#form.querySelector(".cancel").addEventListener("click", () => this.#fold(true));
    this.#form.addEventListener("keydown", (event) => event.key === "Escape" && this.#fold(true));
    figure.addEventListener("pointermove", () => this.#moved());
    figure.addEventListener("pointerleave", (event) => {
      if (this.#pointerInside && event.pointerType !== "touch") this.close("left");
    });
    // A finger that lifts has not left the picture; touching something else has.
    document.addEventListener("pointerdown", (event) => figure.contains(event.target) || this.close("left"));
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

  async toggleLens() {
    if (!this.#lensButton || this.close("closed") || !this.#lease.live) return;
    this.#lensButton.disabled = true;
    await this.#open("lens", LENS_REASON);
    this.#lensButton.disabled = false;
  }

  async #confirm(event) {
    event.preventDefault();
    const reason = this.#reason();
    this.#problem.textContent = reason ? "" : "Say in a few words why.";
    if (!reason) return;
    const confirm = this.#form.querySelector(".confirm");
    confirm.disabled = true;
    await this.#open("whole", reason);
    confirm.disabled = false;
  }

  async #open(as, reason) {
    let exposure;
    this.#problem.textContent = "";
    try {
      const path = `/v1/media/${this.#medium.id}/reveal`;
      exposure = await call("POST", path, { lease_token: this.#lease.token, reason, as });
    } catch (error) {
      this.#say(error.message);
      if (error.code === "lease_stale") this.#lease.refused(error);
      return;
    }
    this.#fold(false);
    const shown = as === "lens" ? this.#lens(exposure.url) : this.#whole(exposure.url);
    const rests = () => shown.paused ?? true;
    this.#look = new Look(exposure, (why) => this.#closed(shown, why), rests);
    this.#opened(as);
    // Whoever left while the server answered sees nothing, and the record ends.
    if (document.hidden || !this.#lease.live) this.close("hidden");
  }

  #lens(url) {
    const medium = this.#medium;
    return new Lens(medium.picture, medium.shown, url, () => this.#broken());
  }

  #whole(url) {
    const kind = this.#medium.kind;
    const element = document.createElement(kind === "image" ? "img" : kind);
    element.className = "revealed";
    if (kind === "image") {
      element.alt = "The original picture";
      element.draggable = false;
    } else {
      quiet(element, kind === "video");
      element.setAttribute("aria-label", kind === "video" ? "The original video, muted" : "The original sound");
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
    this.#medium.figure.querySelector(".reveals").textContent = this.#count === 1 ? "· seen once" : `· seen ${this.#count} times`;
    countReveal();
    this.#button.firstChild.textContent = "Blur again ";
    this.#lensButton?.setAttribute("aria-pressed", String(as === "lens"));
    const how = as === "lens" ? "Lens on: the pointer or the arrow keys move it." : "Original shown.";
    announce(`${how} Press Escape to blur it again.`);
  }

  // The element goes, not just its visibility: nothing is left that a style or an extension could show again.
  #closed(shown, why) {
    this.#look = null;
    shown.pause?.();
    shown.remove();
    this.#medium.figure.classList.remove("is-open");
    this.#button.firstChild.textContent = "Reveal again… ";
    this.#lensButton?.setAttribute("aria-pressed", "false");
    announce(why === "idle" ? "Blurred again, as nothing moved for a while." : "Blurred again.");
  }

  #broken() {
    this.close("closed");
    this.#say("It could not be loaded. Ask for it again.");
  }

  #say(problem) {
    this.ask();
    this.#problem.textContent = problem;
  }

  #moved() {
    if (!this.#look) return;
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
  place.textContent = `You have looked at originals of this case ${count === 1 ? "once" : `${count} times`}.`;
}
