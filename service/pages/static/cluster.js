// One decision for all similar cases: what it would decide is shown first, and nothing else is decided with it.

import { call } from "./api.js";
import { rememberCluster } from "./undo.js";
import { t, tn } from "./words.js";

const LEFT_OUT = {
  leased: (number) => tn("%(num)s in somebody's hands", "%(num)s in somebody's hands", number),
  held: (number) => tn("%(num)s kept back for somebody", "%(num)s kept back for somebody", number),
  shed: (number) => tn("%(num)s given up for now", "%(num)s given up for now", number),
  decided: (number) => tn("%(num)s decided already", "%(num)s decided already", number),
  special_route: (number) => tn("%(num)s on a special route, where each is looked at", "%(num)s on a special route, where each is looked at", number),
  other_language: (number) => tn("%(num)s in another language", "%(num)s in another language", number),
  other_text: (number) => tn("%(num)s with another text", "%(num)s with another text", number),
  other_pictures: (number) => tn("%(num)s with other pictures", "%(num)s with other pictures", number),
  not_scored: (number) => tn("%(num)s not scored yet", "%(num)s not scored yet", number),
  scores_far_apart: (number) => tn("%(num)s judged differently by the model", "%(num)s judged differently by the model", number),
  above_cap: (number, most) => tn("%(num)s above what one decision may take (%(most)s)", "%(num)s above what one decision may take (%(most)s)", number, { most }),
};


// `form` is the decision form, `leave` goes on once all is decided.
export class Cluster {
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
    this.#count.textContent = t("Looking at what is similar…");
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
      ? tn("%(num)s other case would be decided with this one.", "%(num)s other cases would be decided with this one.", others)
      : t("None of the similar cases can be decided with this one.");
    document.getElementById("cluster-cases").replaceChildren(...preview.cases.map(row));
    const left = Object.entries(preview.left_out);
    document.getElementById("cluster-left").hidden = left.length === 0;
    document.getElementById("cluster-reasons").replaceChildren(...left.map(([reason, number]) => leftOut(reason, number, preview.cap)));
    this.#button.disabled = others === 0;
    this.#button.textContent = others ? tn("Decide %(num)s case", "Decide %(num)s cases", others + 1) : t("Decide");
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
  link.setAttribute("aria-label", t("Case %(id)s in a new tab", { id: one.case_id.slice(-12) }));
  const what = document.createElement("span");
  what.className = "soft";
  const reports = tn("%(num)s report", "%(num)s reports", one.report_count);
  what.textContent = `${likeness(one)} · ${reports}`;
  line.append(link, " ", what);
  return line;
}

function leftOut(reason, number, cap) {
  const line = document.createElement("li");
  line.textContent = LEFT_OUT[reason]?.(number, cap) ?? `${number} ${reason.replaceAll("_", " ")}`;
  return line;
}

function likeness({ kind, distance }) {
  if (kind === "image") return distance === 0 ? t("same picture") : t("nearly the same picture");
  return distance === 0 ? t("same text") : t("nearly the same text");
}
