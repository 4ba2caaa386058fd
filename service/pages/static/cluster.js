// One decision for all similar cases: what it would decide is shown first, and nothing else is decided with it.

import { call } from "./api.js";
import { onKey } from "./keys.js";
import { rememberCluster } from "./undo.js";

const LEFT_OUT = {
  leased: "in somebody's hands",
  held: "kept back for somebody",
  shed: "given up for now",
  decided: "decided already",
  special_route: "on a special route, where each is looked at",
  other_language: "in another language",
  other_text: "with another text",
  other_pictures: "with other pictures",
  not_scored: "not scored yet",
  scores_far_apart: "judged differently by the model",
  above_cap: "above what one decision may take",
};

// `form` is the decision form, `leave` goes on once all is decided.
export function startCluster(lease, form, leave) {
  const button = document.getElementById("cluster-open");
  if (!button) return;
  const cluster = new Cluster(lease, form, leave);
  button.addEventListener("click", () => cluster.open());
  onKey("d", () => button.click());
  lease.onEnd(() => { button.disabled = true; });
}

class Cluster {
  #lease;
  #form;
  #leave;
  #dialog = document.getElementById("cluster-dialog");
  #button = document.getElementById("cluster-decide");
  #radius = document.getElementById("cluster-radius");
  #count = document.getElementById("cluster-count");
  #preview = null;
  #turn = 0;
  #busy = false;

  constructor(lease, form, leave) {
    this.#lease = lease;
    this.#form = form;
    this.#leave = leave;
    this.#radius.addEventListener("change", () => this.#look());
    document.getElementById("cluster-cancel").addEventListener("click", () => this.#dialog.close());
    document.getElementById("cluster-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#decide();
    });
    lease.onEnd(() => this.#dialog.close());
  }

  open() {
    if (!this.#lease.live || !this.#form.complete()) return;
    document.getElementById("cluster-words").textContent = this.#form.summary();
    this.#dialog.showModal();
    this.#radius.focus();
    return this.#look();
  }

  async #look() {
    this.#turn += 1;
    const turn = this.#turn;
    this.#preview = null;
    this.#button.disabled = true;
    this.#say("");
    this.#count.textContent = "Looking at what is similar…";
    try {
      const body = { radius: Number(this.#radius.value) };
      const preview = await call("POST", `/v1/cases/${this.#lease.caseId}/cluster/preview`, body);
      if (turn === this.#turn) this.#show(preview);
    } catch (error) {
      if (turn === this.#turn) this.#say(error.message);
    }
  }

  #show(preview) {
    this.#preview = preview;
    const others = preview.count;
    this.#count.textContent = others
      ? `${counted(others, "other case")} would be decided with this one.`
      : "None of the similar cases can be decided with this one.";
    document.getElementById("cluster-cases").replaceChildren(...preview.cases.map(row));
    const left = Object.entries(preview.left_out);
    document.getElementById("cluster-left").hidden = left.length === 0;
    document.getElementById("cluster-reasons").replaceChildren(...left.map(([reason, number]) => leftOut(reason, number, preview.cap)));
    this.#button.disabled = others === 0;
    this.#button.textContent = others ? `Decide ${counted(others + 1, "case")}` : "Decide";
  }

  async #decide() {
    if (this.#busy || !this.#preview || this.#button.disabled) return;
    this.#busy = true;
    this.#button.disabled = true;
    this.#say("");
    try {
      const body = { lease_token: this.#lease.token, preview_token: this.#preview.preview_token, ...this.#form.values() };
      const made = await call("POST", `/v1/cases/${this.#lease.caseId}/cluster/decide`, body);
      this.#lease.close();
      rememberCluster(made, this.#form, this.#lease.caseId);
      await this.#leave(true);
    } catch (error) {
      this.#busy = false;
      await this.#failed(error);
    }
  }

  async #failed(error) {
    if (error.code === "lease_stale" || error.code === "content_changed") {
      this.#dialog.close();
      return this.#lease.refused(error);
    }
    // Too old, or the content is another one: what would be decided now is looked at anew.
    if (error.code === "preview_stale") await this.#look();
    else this.#button.disabled = false;
    this.#say(error.message);
  }

  #say(text) {
    const place = document.getElementById("cluster-problem");
    place.textContent = text;
    place.hidden = !text;
  }
}

function row(one) {
  const line = document.createElement("li");
  const link = document.createElement("a");
  link.href = `/cases/${one.case_id}`;
  link.target = "_blank";
  link.className = "mono";
  link.textContent = one.case_id.slice(-12);
  link.setAttribute("aria-label", `Case ${one.case_id.slice(-12)} in a new tab`);
  const what = document.createElement("span");
  what.className = "soft";
  const same = one.kind === "image" ? "picture" : "text";
  what.textContent = `${one.distance === 0 ? "same" : "nearly the same"} ${same} · ${counted(one.report_count, "report")}`;
  line.append(link, " ", what);
  return line;
}

function leftOut(reason, number, cap) {
  const line = document.createElement("li");
  const words = LEFT_OUT[reason] ?? reason.replaceAll("_", " ");
  line.textContent = `${number.toLocaleString("en")} ${words}${reason === "above_cap" ? ` (${cap.toLocaleString("en")})` : ""}`;
  return line;
}

function counted(number, what) {
  return `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;
}
