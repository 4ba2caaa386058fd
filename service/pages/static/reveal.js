// Looking at an original: asked for with a reason, recorded by the server, and over as soon as nobody looks.

import { call } from "./api.js";
import { onKey } from "./keys.js";
import { announce } from "./page.js";

const IDLE_SECONDS = 10;

export function startReveals(lease) {
  const media = [...document.querySelectorAll(".medium")].map((figure) => new Medium(figure, lease));
  // True when there was something to blur, so that a key is not used up for nothing.
  const closeAll = () => media.map((medium) => medium.close()).some(Boolean);
  addEventListener("blur", closeAll);
  addEventListener("pagehide", closeAll);
  document.addEventListener("visibilitychange", () => document.hidden && closeAll());
  lease.onEnd(() => media.forEach((medium) => medium.retire()));
  // A finger that lifts has not left the picture; touching something else has.
  document.addEventListener("pointerdown", (event) => media.forEach((medium) => medium.holds(event.target) || medium.close()));
  onKey("v", () => closeAll() || (media.find((medium) => !medium.seen) ?? media[0])?.ask());
  return closeAll;
}

// A picture that does not come would leave a hole with the browser's own sign in it.
export function startPreviews() {
  for (const image of document.querySelectorAll("img.preview")) {
    image.addEventListener("error", () => replaceBroken(image));
    if (image.complete && image.naturalWidth === 0) replaceBroken(image);
  }
}

function replaceBroken(image) {
  const place = document.createElement("p");
  place.className = "placeholder";
  place.textContent = "The blurred preview could not be loaded. Reload the page to try again.";
  image.replaceWith(place);
}

function countReveal() {
  const place = document.getElementById("revealed");
  const count = Number(place.dataset.count) + 1;
  place.dataset.count = count;
  place.textContent = `You have looked at originals of this case ${count === 1 ? "once" : `${count} times`}.`;
}

class Medium {
  #figure;
  #lease;
  #button;
  #form;
  #problem;
  #image = null;
  #idle = 0;
  #pointerInside = false;
  #count = 0;
  seen = false;

  constructor(figure, lease) {
    this.#figure = figure;
    this.#lease = lease;
    this.#button = figure.querySelector(".reveal");
    this.#form = figure.querySelector(".reveal-form");
    this.#problem = figure.querySelector(".problem");
    this.#button.addEventListener("click", () => (this.#image ? this.close() : this.ask()));
    this.#form.addEventListener("submit", (event) => this.#confirm(event));
    this.#form.addEventListener("change", () => this.#otherReason());
    this.#form.querySelector(".cancel").addEventListener("click", () => this.#fold(true));
    this.#form.addEventListener("keydown", (event) => event.key === "Escape" && this.#fold(true));
    figure.addEventListener("pointermove", () => this.#stillLooking(true));
    figure.addEventListener("pointerleave", (event) => {
      if (this.#pointerInside && event.pointerType !== "touch") this.close();
    });
    addEventListener("keydown", () => this.#stillLooking(false));
  }

  ask() {
    if (this.#image || !this.#lease.live) return;
    this.#form.hidden = false;
    this.#button.setAttribute("aria-expanded", "true");
    this.#form.querySelector("input:checked").focus();
    this.#form.scrollIntoView({ block: "nearest" });
  }

  holds(element) {
    return this.#figure.contains(element);
  }

  // The element goes, not just its visibility: nothing is left that a style or an extension could show again.
  close() {
    if (!this.#image) return false;
    clearTimeout(this.#idle);
    this.#image.remove();
    this.#image = null;
    this.#figure.classList.remove("is-open");
    this.#button.firstChild.textContent = "Reveal again… ";
    announce("Picture blurred again.");
    return true;
  }

  retire() {
    this.close();
    this.#fold(false);
    this.#button.disabled = true;
  }

  async #confirm(event) {
    event.preventDefault();
    const reason = this.#reason();
    this.#problem.textContent = reason ? "" : "Say in a few words why.";
    if (!reason) return;
    const confirm = this.#form.querySelector(".confirm");
    confirm.disabled = true;
    try {
      const path = `/v1/media/${this.#figure.dataset.media}/reveal`;
      const { url } = await call("POST", path, { lease_token: this.#lease.token, reason });
      this.#fold(true);
      this.#open(url);
    } catch (error) {
      this.#problem.textContent = error.message;
      if (error.code === "lease_stale") this.#lease.refused(error);
    }
    confirm.disabled = false;
  }

  #open(url) {
    // The reviewer may have left while the server answered; then nothing is shown.
    if (document.hidden || !this.#lease.live) return;
    this.seen = true;
    this.#count += 1;
    this.#figure.querySelector(".reveals").textContent = this.#count === 1 ? "· seen once" : `· seen ${this.#count} times`;
    countReveal();
    const image = document.createElement("img");
    image.className = "revealed";
    image.alt = "The original picture";
    image.draggable = false;
    image.addEventListener("error", () => {
      this.close();
      this.#problem.textContent = "The picture could not be loaded. Ask for it again.";
      this.ask();
    });
    image.src = url;
    this.#image = image;
    this.#pointerInside = false;
    this.#figure.classList.add("is-open");
    this.#figure.querySelector(".picture").append(image);
    this.#button.firstChild.textContent = "Blur again ";
    this.#stillLooking(false);
    announce("Original shown. Press Escape to blur it again.");
  }

  #stillLooking(byPointer) {
    if (!this.#image) return;
    // Only a pointer that was over the picture can leave it: opening moves things under a pointer that rests.
    if (byPointer) this.#pointerInside = true;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.close(), IDLE_SECONDS * 1000);
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
