// A lens: of the whole picture the server renders only the small tile that is asked for, and nothing else arrives.

import { t } from "./words.js";

const STEP = 0.05;
const BIG_STEP = 0.15;
// Of a tile on the page, whatever the picture's size.
const LEAST_SIDE = 72;
// The server cuts 20 tiles a second for one look and refuses more.
const APART_MS = 60;
// A finger that taps moves nothing, so where it comes down counts as well.
const POINTER = ["pointermove", "pointerdown"];
// As an application, so that screen readers leave the arrow keys to it.
const ROLE = { tabindex: "0", role: "application" };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Lens {
  #picture;
  #shown;
  #url;
  #broken;
  #tile = document.createElement("img");
  #place = { x: 0.5, y: 0.5 };
  #wanted = false;
  #loading = false;
  #asked = -APART_MS;
  #waiting = 0;

  // `picture` is the box that shows the blurred `shown`; `url` takes x and y as shares of width and height.
  constructor(picture, shown, url, broken) {
    this.#picture = picture;
    this.#shown = shown;
    this.#url = url;
    this.#broken = broken;
    this.#tile.className = "lens";
    this.#tile.alt = t("Part of the original under the lens");
    this.#tile.draggable = false;
    this.#tile.addEventListener("load", () => this.#loaded());
    this.#tile.addEventListener("error", () => this.#picture.contains(this.#tile) && this.#broken());
    picture.append(this.#tile);
    this.onPointer = (event) => this.#toPointer(event);
    this.onKey = (event) => this.#byKey(event);
    for (const kind of POINTER) picture.addEventListener(kind, this.onPointer);
    picture.addEventListener("keydown", this.onKey);
    for (const [name, value] of Object.entries(ROLE)) picture.setAttribute(name, value);
    picture.setAttribute("aria-label", t("Lens: arrow keys move it, Escape takes it away"));
    picture.focus({ preventScroll: true });
    this.#ask();
  }

  // The element goes, not just its visibility: nothing is left that a style or an extension could show again.
  remove() {
    clearTimeout(this.#waiting);
    for (const kind of POINTER) this.#picture.removeEventListener(kind, this.onPointer);
    this.#picture.removeEventListener("keydown", this.onKey);
    for (const name of [...Object.keys(ROLE), "aria-label"]) this.#picture.removeAttribute(name);
    this.#tile.remove();
    this.#tile.removeAttribute("src");
  }

  // Where the blurred picture lies in its box: it keeps its shape, so there may be bars at two sides.
  #frame() {
    const box = this.#shown.getBoundingClientRect();
    const scale = Math.min(box.width / this.#shown.naturalWidth, box.height / this.#shown.naturalHeight);
    const width = this.#shown.naturalWidth * scale;
    const height = this.#shown.naturalHeight * scale;
    const outer = this.#picture.getBoundingClientRect();
    const left = box.left - outer.left + (box.width - width) / 2;
    return { left, top: box.top - outer.top + (box.height - height) / 2, width, height, outer };
  }

  #toPointer(event) {
    const frame = this.#frame();
    this.#to((event.clientX - frame.outer.left - frame.left) / frame.width, (event.clientY - frame.outer.top - frame.top) / frame.height);
  }

  #byKey(event) {
    const arrow = ARROWS[event.key];
    if (!arrow) return;
    event.preventDefault();
    const step = event.shiftKey ? BIG_STEP : STEP;
    this.#to(this.#place.x + arrow[0] * step, this.#place.y + arrow[1] * step);
  }

  #to(x, y) {
    this.#place = { x: Math.min(1, Math.max(0, x)), y: Math.min(1, Math.max(0, y)) };
    this.#ask();
  }

  // One tile on its way at a time, and then the one for where the lens is by then.
  #ask() {
    this.#wanted = true;
    if (this.#loading || this.#waiting) return;
    const early = this.#asked + APART_MS - performance.now();
    if (early > 0) this.#waiting = setTimeout(() => this.#fetch(), early);
    else this.#fetch();
  }

  #fetch() {
    this.#waiting = 0;
    this.#wanted = false;
    this.#loading = true;
    this.#asked = performance.now();
    this.#tile.dataset.x = this.#place.x;
    this.#tile.dataset.y = this.#place.y;
    this.#tile.src = `${this.#url}&x=${this.#place.x.toFixed(4)}&y=${this.#place.y.toFixed(4)}`;
  }

  #loaded() {
    this.#loading = false;
    const frame = this.#frame();
    const side = Math.max(LEAST_SIDE, 0.22 * Math.min(frame.width, frame.height));
    // Near a border the server moves the tile inside, so the lens stays there, too.
    const inside = (share, length) => Math.max(side / 2, Math.min(share * length, length - side / 2));
    this.#tile.style.left = `${frame.left + inside(this.#tile.dataset.x, frame.width)}px`;
    this.#tile.style.top = `${frame.top + inside(this.#tile.dataset.y, frame.height)}px`;
    this.#tile.style.setProperty("--side", `${side}px`);
    this.#tile.classList.add("is-there");
    if (this.#wanted) this.#ask();
  }
}
