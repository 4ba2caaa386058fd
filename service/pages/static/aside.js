// Putting a case aside instead of deciding it: hold, hand over, ask for a second opinion, skip. Each is a small dialog,
// one call, and straight on to the next case.

import { call } from "./api.js";
import { onCaseKey } from "./life.js";
import { sayOnNextPage } from "./notice.js";
import { announce, setState } from "./page.js";
import { moment, t } from "./words.js";

const KEYS = { h: "hold", o: "hand-over", q: "opinion", x: "skip" };
// What has to be filled in, and what is said where it is not.
const NEEDED = {
  "hold-reason": () => t("Say in a few words what you are waiting for."),
  "hand-over-to": () => t("Name the colleague by user name."),
  "hand-over-note": () => t("Say in a few words why it goes to them."),
  "opinion-question": () => t("Ask your question."),
};
const EARLIER_SECONDS = 60;

// `form` is the decision form, `leave` goes on to the next case (true) or the console (false), as the reviewer chose.
export function startAside(lease, form, leave) {
  const aside = new Aside(lease, form, leave);
  for (const button of document.querySelectorAll(".aside")) {
    button.addEventListener("click", () => aside.open(button.dataset.aside));
  }
  for (const [key, name] of Object.entries(KEYS)) {
    onCaseKey(key, () => document.querySelector(`[data-aside=${name}]`)?.click());
  }
}

class Aside {
  #lease;
  #form;
  #leave;
  #busy = false;

  constructor(lease, form, leave) {
    this.#lease = lease;
    this.#form = form;
    this.#leave = leave;
    for (const dialog of document.querySelectorAll(".aside-dialog")) {
      dialog.querySelector(".cancel").addEventListener("click", () => dialog.close());
      dialog.querySelector("form").addEventListener("submit", (event) => {
        event.preventDefault();
        this.#submit(dialog, event.submitter);
      });
    }
    lease.onEnd(() => document.querySelector(".aside-dialog[open]")?.close());
  }

  open(name) {
    if (!this.#lease.live) return;
    if (name === "opinion" && !this.#proposes()) return;
    const dialog = document.getElementById(`${name}-dialog`);
    this.#refuse(dialog, "");
    dialog.showModal();
    dialog.querySelector("input[type=text], textarea, .reason").focus();
  }

  // What one would decide belongs to the question, so the form comes first.
  #proposes() {
    if (!this.#form.complete()) {
      announce(t("Fill in what you would decide first; the other person does not see it."));
      return false;
    }
    document.getElementById("opinion-words").textContent = this.#form.summary();
    return true;
  }

  async #submit(dialog, submitter) {
    const form = dialog.querySelector("form");
    const button = submitter ?? form.querySelector("[type=submit]");
    if (this.#busy || button.getAttribute("aria-disabled") || !filled(form)) return;
    const wish = { ...Object.fromEntries(new FormData(form)), ...(button.name ? { [button.name]: button.value } : {}) };
    this.#busy = true;
    setState(button, "aria-disabled", true);
    try {
      const answer = await call("POST", `/v1/cases/${this.#lease.caseId}/${form.dataset.call}`, this.#body(form, wish));
      this.#lease.close();
      sayOnNextPage(words(form.dataset.call, wish, answer));
      // Nobody who was just upset is handed the next one unasked.
      await this.#leave(wish.reason !== "upset");
    } catch (error) {
      this.#busy = false;
      setState(button, "aria-disabled", error.code === "no_time_to_hold");
      this.#failed(dialog, error);
    }
  }

  #body(form, wish) {
    const body = { lease_token: this.#lease.token, ...wish };
    if (form.dataset.call === "hold") body.minutes = Number(wish.minutes);
    if (form.dataset.call === "second-opinion") body.proposal = this.#form.values();
    return body;
  }

  #failed(dialog, error) {
    if (error.code === "lease_stale") {
      dialog.close();
      return this.#lease.end();
    }
    // The API names the field in front, which the dialog shows by its place.
    const text = error.message.replace(/^\w+: /, "");
    const said = text.charAt(0).toUpperCase() + text.slice(1);
    if (error.code === "cannot_receive") return problem(document.getElementById("hand-over-to"), said).focus();
    this.#refuse(dialog, said);
  }

  #refuse(dialog, text) {
    const place = dialog.querySelector(".notice-bad");
    place.textContent = text;
    place.hidden = !text;
    if (text) return;
    for (const field of dialog.querySelectorAll("[aria-describedby]")) problem(field, "");
  }
}

function filled(form) {
  const empty = [...form.elements].filter((field) => NEEDED[field.id] && problemOf(field));
  empty[0]?.focus();
  return empty.length === 0;
}

function problemOf(field) {
  const text = field.value.trim() ? "" : NEEDED[field.id]();
  problem(field, text);
  return text;
}

function problem(field, text) {
  document.getElementById(`${field.id}-problem`).textContent = text;
  setState(field, "aria-invalid", Boolean(text));
  return field;
}

// The page that shows it is that of the next case, or the console.
function words(kind, wish, answer) {
  if (kind === "second-opinion") return t("Your question about the last case waits for somebody else. Their answer comes to your console.");
  if (kind === "skip") {
    return wish.reason === "upset" ? t("Skipped. Take the time you need; the next case waits until you ask for it.") : t("Skipped.");
  }
  const until = clock(answer.until);
  if (kind === "hand-over") return t("The last case is handed over to %(name)s and waits for them until %(until)s.", { name: wish.to.trim(), until });
  const asked = Date.parse(answer.server_now) + Number(wish.minutes) * 60_000;
  const earlier = asked - Date.parse(answer.until) > EARLIER_SECONDS * 1000;
  return earlier
    ? t("The last case is kept back for you until %(until)s. That is earlier than you asked, for it has to be begun by then.", { until })
    : t("The last case is kept back for you until %(until)s.", { until });
}

function clock(written) {
  const when = new Date(written);
  const today = when.toISOString().slice(0, 10) === new Date().toISOString().slice(0, 10);
  const day = today ? {} : { day: "numeric", month: "short" };
  return `${moment(when, { ...day, hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC" })} UTC`;
}
