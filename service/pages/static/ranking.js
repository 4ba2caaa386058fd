// The page of the order: constants, what they would change among the first cases, and putting a version to work.

import { call } from "./api.js";
import { onKey } from "./keys.js";
import { reloadWith } from "./notice.js";
import { setState, showProblem, startPage } from "./page.js";
import { t, tn } from "./words.js";

const data = JSON.parse(document.getElementById("ranking").dataset.ranking);
const form = document.getElementById("constants");
const state = document.getElementById("preview-state");
const saved = JSON.stringify(values());
let tried = null;
let asking = new AbortController();

startPage();
form.addEventListener("submit", (event) => {
  event.preventDefault();
  preview();
});
form.addEventListener("input", changed);
form.addEventListener("reset", () => setTimeout(changed));
document.getElementById("save-form").addEventListener("submit", save);
onKey("p", preview);
startRevival();

function values() {
  const found = { unscored_severity: [], shed: form.elements.shed.checked };
  for (const input of form.querySelectorAll("input[type=number]")) {
    const value = input.value === "" ? null : Number(input.value);
    if (input.name === "unscored_severity") found.unscored_severity.push(value);
    else found[input.name] = value;
  }
  return found;
}

function changed() {
  const draft = JSON.stringify(values()) !== saved;
  document.getElementById("draft-tag").hidden = !draft;
  for (const input of form.querySelectorAll(".ranking-field input[type=number]")) {
    input.closest(".ranking-field").classList.toggle("is-changed", input.value !== input.defaultValue);
  }
  if (tried === JSON.stringify(values())) return;
  document.getElementById("save-card").hidden = true;
  if (tried) state.textContent = t("Changed since the preview: preview again before you put it to work.");
}

async function preview() {
  if (!isValid()) return;
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  const constants = values();
  const queue = document.getElementById("queue").value;
  const top = Number(document.getElementById("top").value);
  state.textContent = t("Working it out…");
  form.setAttribute("aria-busy", "true");
  showProblem("");
  try {
    const answer = await call("POST", "/v1/ranking/preview", { constants, queue, top }, { signal });
    tried = JSON.stringify(constants);
    state.textContent = "";
    show(answer);
    document.getElementById("save-card").hidden = tried === saved;
    document.getElementById("result-title").focus();
  } catch (error) {
    if (signal.aborted) return;
    state.textContent = "";
    showProblem(error.message);
  }
  form.removeAttribute("aria-busy");
}

function isValid() {
  let first = null;
  const say = (input, place, words) => {
    place.textContent = words;
    setState(input, "aria-invalid", Boolean(words));
    if (words) first ??= input;
  };
  for (const input of form.querySelectorAll(".ranking-input input")) {
    const words = input.checkValidity()
      ? ""
      : t("A number from %(least)s to %(most)s is needed.", { least: input.min, most: input.max });
    say(input, document.getElementById(`p-${input.name}`), words);
  }
  const shares = [...form.querySelectorAll("[name=unscored_severity]")];
  const sum = shares.reduce((total, one) => total + Number(one.value), 0);
  const fits = shares.every((one) => one.checkValidity()) && Math.abs(sum - 1) < 1e-6;
  say(shares[0], document.getElementById("p-unscored_severity"), fits ? "" : t("The shares must sum to 1; they sum to %(sum)s.", { sum: number(sum) }));
  first?.focus();
  return !first;
}

function show(answer) {
  document.getElementById("result").hidden = false;
  const { now, then, enter, leave, areas } = answer;
  document.getElementById("result-words").textContent = verdict(answer);
  document.getElementById("result-scope").textContent = answer.complete
    ? tn("The only open case was looked at.", "All %(open)s open cases were compared.", answer.open, { open: number(answer.open) })
    : t(
      "%(compared)s of %(open)s open cases were compared: those in front, those due next, the longest waiting, and some drawn at random. A place beyond the first hundred is among these.",
      { compared: number(answer.compared), open: number(answer.open) },
    );
  fill("orders", [
    [t("Half of them wait less than"), span(now.median_wait_seconds), span(then.median_wait_seconds)],
    [t("The longest waits"), span(now.longest_wait_seconds), span(then.longest_wait_seconds)],
    [t("Harm an hour"), number(now.harm_per_hour), number(then.harm_per_hour)],
    [t("Mean severity"), number(now.mean_severity), number(then.mean_severity)],
    [t("Time to decide them"), span(now.minutes * 60), span(then.minutes * 60)],
    [t("With a deadline"), number(now.with_deadline), number(then.with_deadline)],
    [t("Without a score"), number(now.unscored), number(then.unscored)],
  ]);
  fill("areas", areas.map((one) => [data.areas[one.area] ?? one.area, number(one.now), number(one.then)]));
  list("enter", enter);
  list("leave", leave);
}

function verdict({ open, top, enter }) {
  if (!open) return t("Nothing waits in this queue: there is no order to compare.");
  if (open <= top) return t("The queue holds no more than these: none of them enters or leaves, at most their order changes.");
  if (!enter.length) return t("The first %(top)s cases would be the same, at most in another order.", { top });
  return tn(
    "%(num)s of the first %(top)s cases would be another one.",
    "%(num)s of the first %(top)s cases would be others.",
    enter.length,
    { top },
  );
}

function list(id, cases) {
  document.getElementById(`${id}-none`).hidden = cases.length > 0;
  document.getElementById(`${id}-table`).hidden = cases.length === 0;
  fill(id, cases.map((one) => [
    link(one),
    number(one.severity),
    span(one.wait_seconds),
    number(one.position_now),
    number(one.position_then),
  ]));
}

function link(one) {
  const words = data.areas[one.area] ?? one.area;
  if (!data.reads) return words;
  const made = document.createElement("a");
  made.href = `/cases/${one.case_id}`;
  made.textContent = words;
  return made;
}

function fill(id, rows) {
  document.getElementById(id).replaceChildren(...rows.map(([head, ...cells]) => {
    const row = document.createElement("tr");
    const first = document.createElement("th");
    first.scope = "row";
    first.append(head);
    row.append(first);
    for (const text of cells) {
      const cell = row.insertCell();
      cell.className = "number";
      cell.textContent = text;
    }
    return row;
  }));
}

async function save(event) {
  event.preventDefault();
  const fields = ["version", "owner", "reason"].map((id) => document.getElementById(id));
  const missing = fields.filter((field) => complain(field, `${field.id}-problem`, {
    version: t("Give it a name, such as a date."),
    owner: t("Say who answers for these rules."),
    reason: t("Say why; whoever reads the history will ask."),
  }[field.id]));
  if (missing.length) return missing[0].focus();
  const button = document.getElementById("save");
  button.disabled = true;
  showProblem("");
  try {
    const [version, owner, reason] = fields.map((field) => field.value.trim());
    const answer = await call("POST", "/v1/ranking", {
      version, owner, reason, replaces: data.current, constants: JSON.parse(tried),
    });
    reloadWith(t("Version %(version)s is at work.", { version: answer.version }));
  } catch (error) {
    button.disabled = false;
    showProblem(error.message);
  }
}

function complain(field, place, words) {
  const said = field.value.trim() ? "" : words;
  document.getElementById(place).textContent = said;
  setState(field, "aria-invalid", Boolean(said));
  return said;
}

function startRevival() {
  const dialog = document.getElementById("revive-dialog");
  const reason = document.getElementById("revive-reason");
  let version = "";
  for (const button of document.querySelectorAll(".revive")) {
    button.addEventListener("click", () => {
      version = button.dataset.version;
      document.getElementById("revive-title").textContent = t("Put %(version)s to work again?", { version });
      dialog.showModal();
      reason.focus();
    });
  }
  document.getElementById("revive-cancel").addEventListener("click", () => dialog.close());
  document.getElementById("revive-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (complain(reason, "revive-problem", t("Say why; whoever reads the history will ask."))) return;
    try {
      const body = { reason: reason.value.trim(), replaces: data.current };
      const answer = await call("POST", `/v1/ranking/${encodeURIComponent(version)}/activate`, body);
      reloadWith(t("Version %(version)s is at work.", { version: answer.version }));
    } catch (error) {
      document.getElementById("revive-problem").textContent = error.message;
    }
  });
}

function number(value) {
  if (value === null) return "–";
  const digits = Number.isInteger(value) || Math.abs(value) >= 1000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 };
  return value.toLocaleString(document.documentElement.lang, digits);
}

// As the server says times: the two largest units.
function span(seconds) {
  if (seconds === null) return "–";
  const whole = Math.max(0, Math.round(seconds));
  const [days, hours, minutes] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60];
  if (days) return hours ? t("%(days)s d %(hours)s h", { days, hours }) : t("%(days)s d", { days });
  if (hours) return minutes ? t("%(hours)s h %(minutes)s min", { hours, minutes }) : t("%(hours)s h", { hours });
  return whole < 60 ? t("%(seconds)s s", { seconds: whole }) : t("%(minutes)s min", { minutes });
}
