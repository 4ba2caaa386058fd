// The decision form as values: what depends on what, what is missing, what the model merely suggested. A form that asks for a
// label alone has no actions.

import { announce, setState } from "./page.js";
import { t } from "./words.js";

export class DecisionForm {
  #form = document.getElementById("decision");
  #fields = document.getElementById("form-fields");
  #actions = [...this.#form.querySelectorAll("[name=actions]")];
  #area = document.getElementById("policy-area");
  #severities = [...this.#form.querySelectorAll("[name=severity]")];
  #note = document.getElementById("note");
  #suggested = document.getElementById("suggested");
  #benign = this.#form.dataset.benign;
  // What the form filled in by itself for "no violation", to be taken back with it.
  #filled = false;

  constructor() {
    for (const box of this.#actions) {
      box.addEventListener("change", () => {
        this.#actionChanged(box);
        // Browsers told of the input before, when area and severity were still the old ones.
        this.#show();
      });
    }
    this.#form.addEventListener("input", () => this.#show());
    this.restore(JSON.parse(this.#form.dataset.draft));
  }

  values() {
    const severity = this.#severities.find((radio) => radio.checked);
    return {
      ...(this.#actions.length && { actions: this.#chosen().map((box) => box.value) }),
      policy_area: this.#area.value,
      severity: severity ? Number(severity.value) : null,
      note: this.#note.value,
    };
  }

  restore(draft) {
    if (Array.isArray(draft.actions)) for (const box of this.#actions) box.checked = !box.disabled && draft.actions.includes(box.value);
    if (typeof draft.policy_area === "string" && this.#optionOf(draft.policy_area)) this.#area.value = draft.policy_area;
    for (const radio of this.#severities) radio.checked = draft.severity === Number(radio.value);
    if (typeof draft.note === "string") this.#note.value = draft.note;
    this.#show();
  }

  toggleAction(position) {
    const box = this.#actions[position];
    if (!box || this.#fields.disabled) return;
    if (box.disabled) return announce(t("%(action)s cannot be taken: %(reason)s", { action: box.dataset.name, reason: box.dataset.why }));
    box.click();
    announce(box.checked ? t("%(action)s chosen", { action: box.dataset.name }) : t("%(action)s dropped", { action: box.dataset.name }));
  }

  // Chooses these actions and no others, of those that can be taken.
  chooseActions(wanted) {
    if (this.#fields.disabled) return;
    for (const box of this.#actions) {
      if (!box.disabled && box.checked !== wanted.includes(box.value)) box.click();
    }
  }

  chooseSeverity(level) {
    const radio = this.#severities[level];
    if (radio && !this.#fields.disabled) radio.click();
  }

  focus(id) {
    document.getElementById(id).focus();
  }

  disable(disabled) {
    this.#fields.disabled = disabled;
  }

  // Says everything that is missing at once and goes to the first of it.
  complete() {
    const values = this.values();
    const problems = {
      ...(values.actions && { actions: values.actions.length ? "" : t("Choose at least one action.") }),
      "policy-area": this.#areaProblem(values),
      severity: this.#severityProblem(values),
      note: "",
    };
    for (const [id, problem] of Object.entries(problems)) this.#setProblem(id, problem);
    const first = Object.keys(problems).find((id) => problems[id]);
    if (first) (this.#fields.querySelector(`#${first} input`) ?? document.getElementById(first)).focus();
    return !first;
  }

  // The decision in a line.
  summary() {
    const actions = this.#chosen().map((box) => box.dataset.name).join(", ");
    return t("%(actions)s, %(area)s, severity %(level)s", { actions, area: this.#area.selectedOptions[0].text, level: this.values().severity });
  }

  #chosen() {
    return this.#actions.filter((box) => box.checked);
  }

  #enforces() {
    if (!this.#actions.length) return Boolean(this.#area.value) && this.#area.value !== this.#benign;
    return this.#chosen().some((box) => !("alone" in box.dataset));
  }

  #optionOf(area) {
    return [...this.#area.options].find((option) => option.value === area);
  }

  #areaProblem(values) {
    if (!values.policy_area) return t("Choose the policy area.");
    return values.policy_area === this.#benign && this.#enforces() ? t("Name the area that was broken: benign content stays.") : "";
  }

  // Beside an action that leaves content as it is, what is said of the severity counts for nothing; alone it would contradict.
  #severityProblem(values) {
    if (values.severity === null) return t("Choose a severity.");
    const contradicts = !this.#actions.length && values.policy_area === this.#benign && values.severity > 0;
    return contradicts ? t("Benign content has severity 0.") : "";
  }

  #setProblem(id, problem) {
    document.getElementById(`${id}-problem`).textContent = problem;
    const field = document.getElementById(id);
    // A group of chips cannot be invalid in the eyes of assistive technology; its problem text describes it.
    if (field.matches("select, textarea")) setState(field, "aria-invalid", Boolean(problem));
  }

  #actionChanged(box) {
    if (!box.checked) return;
    if ("alone" in box.dataset) {
      for (const other of this.#actions) other.checked = other === box;
      this.#area.value = this.#benign;
      this.#severities[0].checked = true;
      this.#filled = true;
      return;
    }
    for (const other of this.#actions) if ("alone" in other.dataset || contradict(box, other)) other.checked = false;
    if (this.#area.value === this.#benign) this.#area.value = this.#suggestedViolation();
    if (this.#filled) for (const radio of this.#severities) radio.checked = false;
    this.#filled = false;
  }

  #suggestedViolation() {
    const area = this.#suggested?.dataset.area ?? "";
    return area === this.#benign ? "" : area;
  }

  #show() {
    const option = this.#area.selectedOptions[0];
    const radio = this.#severities.find((one) => one.checked);
    document.getElementById("area-words").textContent = option.dataset.description ?? "";
    document.getElementById("severity-words").textContent = radio ? radio.dataset.anchor : floorWords(option);
    this.#advise(option, radio);
    if (this.#suggested) this.#suggested.hidden = this.#area.value !== this.#suggested.dataset.area;
    if (this.#chosen().length) this.#setProblem("actions", "");
    if (option.value) this.#setProblem("policy-area", "");
    if (radio) this.#setProblem("severity", "");
    this.#form.dispatchEvent(new CustomEvent("areachange", { detail: option.value }));
  }

  // A severity below what the area usually has is worth a second look, and may still be right.
  #advise(option, radio) {
    const advice = document.getElementById("severity-advice");
    const low = radio && this.#enforces() && Number(radio.value) < Number(option.dataset.floor ?? 0);
    advice.textContent = low ? t("%(area)s usually counts from severity %(floor)s on once it is confirmed. You can still record %(level)s.", { area: option.text, floor: option.dataset.floor, level: radio.value }) : "";
    advice.hidden = !low;
  }
}

// Suspending and disabling an account, for example; each pair is named by one of the two.
function contradict(one, other) {
  const names = (box) => box.dataset.excludes.split(" ");
  return names(one).includes(other.value) || names(other).includes(one.value);
}

function floorWords(option) {
  const floor = Number(option.dataset.floor ?? 0);
  return floor ? t("%(area)s usually counts from severity %(floor)s on once it is confirmed.", { area: option.text, floor }) : "";
}
