// The form of a new plan as values, and what is wrong with them, each where it is.

import { setState } from "./page.js";
import { t } from "./words.js";

// Where the API's words about a part of the body belong.
const PLACES = { golden_share: "golden", policy_id: "policy-id" };
const FILTERS = ["areas", "queues", "languages", "vendors"];
const DAY = 86_400_000;

export class PlanForm {
  #form = document.getElementById("plan");
  #kind = document.getElementById("kind");
  #previewed = document.getElementById("previewed");

  constructor() {
    this.#form.addEventListener("input", () => this.#show());
    this.#show();
  }

  // What is drawn from, and how: the body of a preview.
  drawn() {
    const scope = { from: this.#checked("from") };
    for (const name of FILTERS) scope[name] = this.#checked(name);
    if (this.#value("since")) scope.since = new Date(this.#value("since")).toISOString();
    if (this.#value("until")) scope.until = new Date(Date.parse(this.#value("until")) + DAY).toISOString();
    const body = { kind: this.#kind.value, size: Number(this.#value("size")), scope };
    if (this.#is("stratified")) {
      Object.assign(body, {
        strata: this.#checked("strata"),
        allocation: this.#value("allocation"),
        least: Number(this.#value("least")),
      });
    }
    if (this.#is("policy")) body.policy_id = this.#value("policy-id");
    return body;
  }

  // The body of a plan.
  plan() {
    const body = { ...this.drawn(), reviews: Number(this.#value("reviews")), golden_share: Number(this.#value("golden")) / 100 };
    for (const name of ["name", "owner", "reason"]) body[name] = this.#value(name);
    // As a text: it can be larger than a number of this language is exact.
    if (this.#value("seed")) body.seed = this.#value("seed");
    return body;
  }

  // Says everything that is missing at once and goes to the first of it; a preview needs less than a plan.
  complete({ toPreview }) {
    const problems = { ...this.#scopeProblems(), ...(toPreview ? {} : this.#planProblems()) };
    for (const place of this.#form.querySelectorAll(".problem")) this.#setProblem(place.id.replace(/-problem$/, ""), "");
    for (const [id, text] of Object.entries(problems)) this.#setProblem(id, text);
    const first = [...this.#form.querySelectorAll(".problem")].find((place) => place.textContent);
    if (first) this.#goTo(first.id.replace(/-problem$/, ""));
    return !first;
  }

  // What the API refused, beside the field that it names.
  refused(message) {
    const [, part, rest] = /^(?:scope\.)?([a-z_]+)(?:\.\d+)?: (.*)$/is.exec(message) ?? [];
    const name = part?.toLowerCase();
    const id = PLACES[name] ?? name;
    const field = id && document.getElementById(`${id}-problem`) ? id : "plan";
    this.#setProblem(field, field === "plan" ? message : rest.charAt(0).toUpperCase() + rest.slice(1));
    this.#goTo(field);
  }

  #scopeProblems() {
    const problems = { size: this.#whole("size") };
    if (this.#is("stratified")) {
      if (!this.#checked("strata").length) problems.strata = t("Choose at least one.");
      problems.least = this.#whole("least");
    }
    if (this.#is("policy") && !this.#value("policy-id")) problems["policy-id"] = t("Choose the version.");
    if (!this.#checked("from").length) problems.from = t("Choose at least one.");
    const [since, until] = [this.#value("since"), this.#value("until")];
    if (since && until && until < since) problems.until = t("This day lies before the first one.");
    return problems;
  }

  #planProblems() {
    const problems = { reviews: this.#whole("reviews"), golden: this.#whole("golden") };
    if (!this.#value("name")) problems.name = t("Give the plan a name.");
    if (!this.#value("owner")) problems.owner = t("Say who answers for it.");
    if (!this.#value("reason")) problems.reason = t("Say what it is to find out.");
    if (!/^\d*$/.test(this.#value("seed"))) problems.seed = t("A seed is a whole number; leave it empty for a new draw.");
    return problems;
  }

  #whole(id) {
    const { min, max } = document.getElementById(id);
    const text = this.#value(id);
    const fits = /^\d+$/.test(text) && Number(text) >= Number(min) && Number(text) <= Number(max);
    return fits ? "" : t("A whole number from %(least)s to %(most)s.", { least: min, most: Number(max).toLocaleString(document.documentElement.lang) });
  }

  #is(kind) {
    return this.#kind.value === kind;
  }

  #value(id) {
    return document.getElementById(id).value.trim();
  }

  #boxes(name) {
    return [...this.#form.querySelectorAll(`[name=${name}]:checked`)];
  }

  #checked(name) {
    return this.#boxes(name).map((box) => box.value);
  }

  // A preview of something else would mislead.
  #show() {
    document.getElementById("strata-choice").hidden = !this.#is("stratified");
    document.getElementById("policy-choice").hidden = !this.#is("policy");
    for (const name of FILTERS) {
      const picked = this.#boxes(name).map((box) => box.parentElement.textContent.trim());
      const few = picked.slice(0, 3).join(", ");
      const words = picked.length > 3 ? t("%(few)s and %(count)s more", { few, count: picked.length - 3 }) : few;
      document.querySelector(`#${name} .picked`).textContent = words || t("all");
    }
    this.#previewed.hidden = true;
  }

  #setProblem(id, text) {
    document.getElementById(`${id}-problem`).textContent = text;
    const field = document.getElementById(id);
    if (field.matches("input, select")) setState(field, "aria-invalid", Boolean(text));
  }

  #goTo(id) {
    const field = document.getElementById(id === "plan" ? "plan-problem" : id);
    if (field.matches("details")) field.open = true;
    (field.querySelector("summary, input") ?? field).focus();
  }
}
