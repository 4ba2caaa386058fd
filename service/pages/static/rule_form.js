// The form of one rule, in a dialog: from a rule to fields and back.

import { t } from "./words.js";

const LISTS = ["languages", "markets", "kinds", "reasons", "flags"];
const PATTERNS = {
  languages: [/^[A-Za-z]{2,8}$/, () => t("“%(value)s” is no language code, such as ar.")],
  markets: [/^[A-Za-z]{2}$/, () => t("“%(value)s” is no country code of two letters, such as DE.")],
  kinds: [/^[a-z][a-z0-9_]{0,39}$/, () => t("“%(value)s” is no surface: lower case, such as post.")],
  reasons: [/^.{1,100}$/, () => t("“%(value)s” is too long for a reason.")],
  flags: [/^[a-z][a-z0-9_]{0,39}$/, () => t("“%(value)s” is no flag: lower case, such as high_profile.")],
};

export class RuleForm {
  #dialog = document.getElementById("rule-dialog");
  #form = document.getElementById("rule-form");
  #areas = document.getElementById("rule-areas");
  #row = document.getElementById("area-row");
  #problem = document.getElementById("rule-problem");
  #others = [];
  #answer = null;

  constructor(queues) {
    const options = queues.map((queue) => Object.assign(new Option(queue.title, queue.name), { dir: "auto" }));
    this.#field("queue").append(...options);
    this.#form.addEventListener("submit", (event) => this.#keep(event));
    document.getElementById("rule-cancel").addEventListener("click", () => this.#dialog.close());
    document.getElementById("add-area").addEventListener("click", () => this.#addArea().querySelector("select").focus());
  }

  // The rule as it was filled in, or null when that was cancelled.
  ask(rule, rules) {
    this.#others = rules.filter((one) => one !== rule).map((one) => one.name.toLowerCase());
    this.#fill(rule ?? { name: "", queue: this.#field("queue").options[0].value, when: {} });
    document.getElementById("rule-title").textContent = rule ? t("Edit the rule") : t("Add a rule");
    this.#answer = null;
    this.#dialog.showModal();
    this.#field("name").focus();
    return new Promise((resolve) => {
      this.#dialog.addEventListener("close", () => resolve(this.#answer), { once: true });
    });
  }

  #field(name) {
    return document.getElementById(`rule-${name}`);
  }

  #fill({ name, queue, when }) {
    this.#problem.textContent = "";
    this.#field("name").value = name;
    this.#field("queue").value = queue;
    for (const list of LISTS) this.#field(list).value = (when[list] ?? []).join(", ");
    for (const list of ["channels", "primary_areas"]) {
      for (const box of this.#boxes(list)) box.checked = (when[list] ?? []).includes(box.value);
    }
    this.#form.querySelector("details").open = (when.primary_areas ?? []).length > 0;
    this.#field("scored").value = when.scored ?? "";
    this.#field("severity").value = when.severity ?? "";
    this.#field("graphic").value = when.graphic ?? "";
    this.#areas.replaceChildren();
    for (const one of when.areas ?? []) this.#addArea(one);
  }

  #boxes(name) {
    return [...this.#form.querySelectorAll(`[name=${name}]`)];
  }

  #addArea(one) {
    const row = this.#row.content.cloneNode(true).firstElementChild;
    if (one) {
      row.querySelector("select").value = one.area;
      row.querySelector("input").value = Math.round(one.least * 1000) / 10;
    }
    row.querySelector("button").addEventListener("click", () => {
      row.remove();
      document.getElementById("add-area").focus();
    });
    this.#areas.append(row);
    return row;
  }

  #keep(event) {
    event.preventDefault();
    const problem = this.#firstProblem();
    this.#problem.textContent = problem ? problem[1] : "";
    if (problem) return problem[0].focus();
    this.#answer = this.#read();
    this.#dialog.close();
  }

  #firstProblem() {
    const name = this.#field("name");
    if (!name.value.trim()) return [name, t("Give the rule a name that says what it is for.")];
    if (this.#others.includes(name.value.trim().toLowerCase())) return [name, t("Another rule has this name already.")];
    if (!this.#field("queue").value) return [this.#field("queue"), t("The queue it led to is closed; choose another.")];
    for (const list of LISTS) {
      const [pattern, words] = PATTERNS[list];
      const wrong = this.#values(list).find((value) => !pattern.test(value));
      if (wrong) return [this.#field(list), words().replace("%(value)s", () => wrong)];
    }
    for (const input of this.#areas.querySelectorAll("input")) {
      const percent = Number(input.value);
      if (!(percent > 0 && percent <= 100)) return [input, t("A least probability lies above 0 and up to 100 per cent.")];
    }
    return null;
  }

  #values(list) {
    return this.#field(list).value.split(",").map((value) => value.trim()).filter(Boolean);
  }

  #read() {
    const level = (name) => (this.#field(name).value === "" ? null : Number(this.#field(name).value));
    const chosen = (name) => this.#boxes(name).filter((box) => box.checked).map((box) => box.value);
    const scored = { "": null, true: true, false: false }[this.#field("scored").value];
    const areas = [...this.#areas.children].map((row) => ({
      area: row.querySelector("select").value,
      least: Number(row.querySelector("input").value) / 100,
    }));
    const lists = Object.fromEntries(LISTS.map((list) => [list, this.#values(list)]));
    return {
      name: this.#field("name").value.trim(),
      queue: this.#field("queue").value,
      when: {
        channels: chosen("channels"),
        ...lists,
        languages: lists.languages.map((code) => code.toLowerCase()),
        markets: lists.markets.map((code) => code.toUpperCase()),
        scored,
        areas,
        primary_areas: chosen("primary_areas"),
        severity: level("severity"),
        graphic: level("graphic"),
      },
    };
  }
}
