// The page of routing: a draft of the rules, what it would do, and saving it. Every change goes through the API.

import { call } from "./api.js";
import { onKey } from "./keys.js";
import { reloadWith } from "./notice.js";
import { announce, setState, showProblem, startPage } from "./page.js";
import { startQueues } from "./queues.js";
import { RuleForm } from "./rule_form.js";
import { t, tn } from "./words.js";

const data = JSON.parse(document.getElementById("routing").dataset.routing);
const saved = JSON.stringify(data.rules);
const titles = new Map(data.queues.map((queue) => [queue.name, queue.title]));
const list = document.getElementById("rules");
const hours = document.getElementById("hours");
const form = new RuleForm(data.queues.filter((queue) => !queue.closed));
let rules = data.rules;
// By the very text of a rule, so that a rule that was changed has no words until they come with the next preview.
const words = new Map(rules.map((rule, place) => [JSON.stringify(rule), data.words[place]]));
let tried = null;
let leaving = false;
// Changes that follow each other closely are tried once; where the service makes enough previews already, it is asked again.
const SETTLED_MS = 300;
const BUSY_MS = 2000;
let trying = new AbortController();
let waiting;

startPage();
startQueues(data.queues);
document.getElementById("add-rule").addEventListener("click", add);
document.getElementById("preview").addEventListener("click", tryRules);
document.getElementById("discard").addEventListener("click", () => change(JSON.parse(saved), t("Draft discarded.")));
document.getElementById("save-form").addEventListener("submit", save);
hours.addEventListener("change", tryRules);
list.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) act(button.dataset.do, Number(button.closest(".rule").dataset.place));
});
for (const button of document.querySelectorAll(".take-version")) {
  button.addEventListener("click", () => change(data.history[button.dataset.version], t("Taken as a draft.")));
}
onKey("a", add);
onKey("p", tryRules);
addEventListener("beforeunload", (event) => isDraft() && !leaving && event.preventDefault());
show();
tryRules();

function isDraft() {
  return JSON.stringify(rules) !== saved;
}

async function add() {
  const rule = await form.ask(null, rules);
  if (rule) change([...rules, rule], t("Added %(name)s.", { name: rule.name }), rules.length);
}

async function act(what, place) {
  const rule = rules[place];
  if (what === "edit") {
    const changed = await form.ask(rule, rules);
    if (changed) change(rules.with(place, changed), t("Changed %(name)s.", { name: changed.name }), place);
  } else if (what === "remove") {
    change(rules.toSpliced(place, 1), t("Removed %(name)s.", { name: rule.name }));
    document.getElementById("add-rule").focus();
  } else {
    const to = place + (what === "up" ? -1 : 1);
    if (to < 0 || to >= rules.length) return;
    change(rules.toSpliced(place, 1).toSpliced(to, 0, rule), t("%(name)s is now rule %(place)s.", { name: rule.name, place: to + 1 }));
    list.children[to].querySelector(`[data-do=${what}]`).focus();
  }
}

function change(next, said, focused) {
  rules = next;
  tried = null;
  show();
  announce(said);
  if (focused !== undefined) list.children[focused].querySelector("[data-do=edit]").focus();
  tryRules();
}

function tryRules() {
  tryIn(SETTLED_MS);
}

function tryIn(milliseconds) {
  // What was asked before is about other rules by now.
  trying.abort();
  trying = new AbortController();
  list.setAttribute("aria-busy", "true");
  clearTimeout(waiting);
  waiting = setTimeout(tryNow, milliseconds, trying.signal);
}

async function tryNow(signal) {
  try {
    const answer = await call("POST", "/v1/routing/preview", { rules, hours: Number(hours.value) }, { signal });
    if (signal.aborted) return;
    tried = answer;
    answer.rules.forEach((one, place) => words.set(JSON.stringify(rules[place]), one.words));
    showProblem("");
  } catch (error) {
    if (signal.aborted) return;
    if (error.status === 429) return tryIn(BUSY_MS);
    showProblem(error.message);
  }
  list.setAttribute("aria-busy", "false");
  show();
}

async function save(event) {
  event.preventDefault();
  const owner = document.getElementById("owner");
  const reason = document.getElementById("reason");
  const missing = [[owner, t("Say who answers for these rules.")], [reason, t("Say why; whoever reads the history will ask.")]]
    .filter(([field, text]) => setProblem(field, field.value.trim() ? "" : text));
  if (missing.length) return missing[0][0].focus();
  if (!isTried()) return;
  const button = document.getElementById("save");
  button.disabled = true;
  try {
    const answer = await call("POST", "/v1/routing", {
      rules,
      based_on: data.version,
      owner: owner.value,
      reason: reason.value,
      decided_on: document.getElementById("decided-on").value,
      apply_to_open: document.getElementById("apply-to-open").checked,
    });
    leaving = true;
    reloadWith(t("Version %(version)s is at work.", { version: answer.version }));
  } catch (error) {
    button.disabled = false;
    showProblem(error.message);
  }
}

function setProblem(field, text) {
  document.getElementById(`${field.id}-problem`).textContent = text;
  setState(field, "aria-invalid", Boolean(text));
  return text;
}

// Only what has been seen to do can be put to work.
function isTried() {
  return tried !== null && !tried.findings.some((one) => one.kind === "error");
}

function show() {
  const active = document.activeElement?.dataset?.do;
  const place = document.activeElement?.closest?.(".rule")?.dataset.place;
  list.replaceChildren(...rules.map(row));
  if (active && place !== undefined) list.children[place]?.querySelector(`[data-do=${active}]`)?.focus();
  document.getElementById("draft-tag").hidden = !isDraft();
  document.getElementById("save-card").hidden = !isDraft();
  document.getElementById("default-count").textContent = tried ? counted(t("would take %(cases)s of %(which)s"), tried.default) : "";
  const special = document.getElementById("special-count");
  special.hidden = !tried?.special;
  if (tried?.special) special.textContent = tn("%(cases)s of them takes a special route before any rule.", "%(cases)s of them take a special route before any rule.", tried.special, { cases: number(tried.special) });
  document.getElementById("save").disabled = !isTried();
  document.getElementById("save-state").textContent = tried === null
    ? t("The preview comes first.")
    : isTried() ? "" : t("A conflict has to be solved first.");
  showMoves();
}

function row(rule, place) {
  const item = document.getElementById("rule-row").content.cloneNode(true).firstElementChild;
  item.dataset.place = place;
  item.querySelector(".rule-place").textContent = place + 1;
  item.querySelector(".rule-name").textContent = rule.name;
  item.querySelector(".rule-words").textContent = words.get(JSON.stringify(rule)) ?? "…";
  item.querySelector(".rule-queue").textContent = titles.get(rule.queue) ?? rule.queue;
  item.querySelector(".rule-count").textContent = tried ? counted(t("would route %(cases)s of %(which)s"), tried.rules[place].cases) : "";
  for (const finding of tried?.findings.filter((one) => one.rule === rule.name) ?? []) {
    const text = document.createElement("p");
    text.className = `notice small ${finding.kind === "error" ? "notice-bad" : "notice-warn"}`;
    text.textContent = finding.text;
    item.querySelector(".rule-findings").append(text);
  }
  for (const button of item.querySelectorAll("[data-do]")) {
    const what = { up: t("Move up: %(name)s"), down: t("Move down: %(name)s"), edit: t("Edit: %(name)s"), remove: t("Remove: %(name)s") };
    button.setAttribute("aria-label", what[button.dataset.do].replace("%(name)s", () => rule.name));
  }
  setState(item.querySelector("[data-do=up]"), "aria-disabled", place === 0);
  setState(item.querySelector("[data-do=down]"), "aria-disabled", place === rules.length - 1);
  return item;
}

// The words name how many of which cases.
function counted(words, cases) {
  return words.replace("%(cases)s", number(cases)).replace("%(which)s", hours.selectedOptions[0].dataset.name);
}

function showMoves() {
  const moves = tried?.moves ?? [];
  document.getElementById("moves-card").hidden = !isDraft() || tried === null;
  document.getElementById("moves").hidden = moves.length === 0;
  document.querySelector("#moves tbody").replaceChildren(...moves.map(move));
  if (tried === null) return;
  const values = { cases: number(tried.cases) };
  const some = tried.truncated
    ? t("%(cases)s cases were tried, the newest ones: there are more.", values)
    : tn("%(cases)s case was tried, as it stands now.", "%(cases)s cases were tried, as they stand now.", tried.cases, values);
  const moved = moves.reduce((sum, one) => sum + one.cases, 0);
  const elsewhere = moved
    ? tn("%(cases)s would go elsewhere than by the rules at work.", "%(cases)s would go elsewhere than by the rules at work.", moved, { cases: number(moved) })
    : t("None would go elsewhere than by the rules at work.");
  document.getElementById("moves-words").textContent = `${some} ${elsewhere}`;
}

function move(one) {
  const line = document.createElement("tr");
  for (const [label, text, isNumber] of [[t("From"), title(one.source)], [t("To"), title(one.target)], [t("Cases"), number(one.cases), true], [t("Undecided"), number(one.undecided), true]]) {
    const cell = line.insertCell();
    cell.textContent = text;
    cell.dataset.label = label;
    if (isNumber) cell.className = "number";
  }
  const examples = line.insertCell();
  examples.className = "span";
  one.examples.forEach((id, place) => {
    const link = document.createElement("a");
    link.href = `/cases/${id}`;
    link.target = "_blank";
    link.textContent = place + 1;
    link.setAttribute("aria-label", t("Example %(number)s in a new tab", { number: place + 1 }));
    examples.append(link, " ");
  });
  return line;
}

function title(queue) {
  return titles.get(queue) ?? queue;
}

function number(value) {
  return value.toLocaleString(document.documentElement.lang);
}
