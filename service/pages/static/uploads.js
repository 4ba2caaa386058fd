// Files that come with something: chosen, dropped or pasted, sent one after the other, each with its progress and its own problem.

import { upload } from "./api.js";
import { announce } from "./page.js";
import { t } from "./words.js";

// Made for `place`: a file field, a list and a row to copy. `changed` is told of every change, with what is there by then. A file
// that fails stays in the list, and takes nothing with it; the others go on.
export class Uploads {
  #place;
  #list;
  #most;
  #changed;
  #waiting = [];
  #busy = false;

  constructor(place, changed) {
    this.#place = place;
    this.#list = place.querySelector(".uploads-list");
    this.#most = Number(place.dataset.most);
    this.#changed = changed;
    const field = place.querySelector("input[type=file]");
    field.addEventListener("change", () => {
      this.add(field.files);
      field.value = "";
    });
    for (const name of ["dragenter", "dragover"]) place.addEventListener(name, (event) => this.#over(event, true));
    for (const name of ["dragleave", "drop"]) place.addEventListener(name, (event) => this.#over(event, false));
    place.addEventListener("drop", (event) => this.add(event.dataTransfer.files));
    document.addEventListener("paste", (event) => {
      if (!event.clipboardData?.files.length) return;
      event.preventDefault();
      this.add(event.clipboardData.files);
    });
    this.#list.addEventListener("click", (event) => this.#press(event.target));
  }

  // What is there: (id, name) of what has arrived.
  get arrived() {
    return this.#rows.filter((row) => row.dataset.media).map((row) => ({ media_id: row.dataset.media, name: row.dataset.name }));
  }

  get busy() {
    return this.#busy;
  }

  get failed() {
    return this.#rows.filter((row) => row.classList.contains("is-failed")).length;
  }

  add(files) {
    for (const file of files) {
      const row = this.#row(file.name || t("Pasted picture"));
      if (this.#rows.length > this.#most) this.#fail(row, t("At most %(most)s files fit; send the others with another one.", { most: this.#most }));
      else this.#queue(row, file);
    }
    this.#next();
  }

  // What arrived before the page was loaded anew.
  restore(before) {
    for (const { media_id: id, name } of before) this.#show(this.#row(name), id, "");
  }

  get #rows() {
    return [...this.#list.children];
  }

  #row(name) {
    const row = this.#place.querySelector("template").content.firstElementChild.cloneNode(true);
    row.dataset.name = name.slice(0, 200);
    row.querySelector(".upload-name").textContent = name;
    this.#list.append(row);
    return row;
  }

  #queue(row, file) {
    const clip = /^(?:video|audio)\//.test(file.type);
    const most = Number(clip ? this.#place.dataset.clipBytes : this.#place.dataset.bytes);
    if (file.type && !/^(?:image|video|audio)\//.test(file.type)) return this.#fail(row, t("Only pictures, clips and sounds are taken."));
    if (file.size > most) return this.#fail(row, t("It is larger than %(size)s MB, the limit of its kind.", { size: Math.floor(most / 1e6) }));
    row.querySelector(".upload-retry").onclick = () => {
      row.classList.remove("is-failed");
      this.#queue(row, file);
      this.#next();
    };
    this.#say(row, t("waits"));
    this.#waiting.push([row, file]);
  }

  async #next() {
    if (this.#busy) return;
    this.#busy = true;
    this.#changed(this.arrived);
    while (this.#waiting.length) {
      const [row, file] = this.#waiting.shift();
      if (row.isConnected) await this.#send(row, file);
    }
    this.#busy = false;
    this.#changed(this.arrived);
  }

  async #send(row, file) {
    const bar = row.querySelector("progress");
    const off = new AbortController();
    row.querySelector(".upload-remove").addEventListener("click", () => off.abort(), { once: true });
    bar.hidden = false;
    this.#say(row, t("being sent"));
    try {
      const sent = await upload("/v1/media", file, { signal: off.signal, progress: (share) => (bar.value = share) });
      this.#show(row, sent.media_id, sent.status === "failed" ? sent.failure : "", sent.status, sent.kind);
      announce(t("%(name)s has arrived.", { name: row.dataset.name }));
    } catch (error) {
      this.#fail(row, error.message);
    }
    this.#changed(this.arrived);
  }

  #show(row, id, failure, status = "ready", kind = "image") {
    row.dataset.media = id;
    row.querySelector("progress").hidden = true;
    if (failure) this.#say(row, t("It is kept, but cannot be shown: %(why)s", { why: failure }));
    else this.#say(row, status === "pending" ? t("It has arrived; its blurred pictures are being made.") : t("It has arrived, blurred."));
    if (failure || status !== "ready" || kind !== "image") return;
    const picture = row.querySelector("img");
    picture.onload = () => (picture.hidden = false);
    picture.src = `/v1/media/${id}/preview`;
  }

  #fail(row, why) {
    row.classList.add("is-failed");
    row.querySelector("progress").hidden = true;
    row.querySelector(".upload-retry").hidden = !row.querySelector(".upload-retry").onclick;
    this.#say(row, why);
  }

  #say(row, words) {
    const failed = row.classList.contains("is-failed");
    row.querySelector(".upload-state").textContent = words;
    if (!failed) row.querySelector(".upload-retry").hidden = true;
  }

  #press(target) {
    const row = target.closest(".upload");
    if (!row || !target.closest(".upload-remove")) return;
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    (next?.querySelector(".upload-remove") ?? this.#place.querySelector("input[type=file]")).focus();
    this.#changed(this.arrived);
  }

  #over(event, on) {
    if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
    event.preventDefault();
    this.#place.classList.toggle("is-over", on);
  }
}
