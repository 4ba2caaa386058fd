// Search: a question, its answers and the keys that go through them. The question stays in this page and in the history of
// this tab; it goes to the service in the body of a request, never in an address.

import { onKey } from "./keys.js";
import { announce, nameLanguages, showProblem, startPage } from "./page.js";
import { startCompletions } from "./search_completions.js";
import { startViews } from "./search_views.js";
import { t } from "./words.js";

const SOON = 300;
const field = document.getElementById("query");
const order = document.getElementById("order");
const results = document.getElementById("results");
const searching = document.getElementById("searching");
const help = document.getElementById("help");
const keep = document.getElementById("keep");
let under = null;

startPage();
const completions = startCompletions(field);
const kept = startViews({ question, ask });
document.getElementById("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
order.addEventListener("change", () => field.value.trim() && ask());
field.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" && !completions.open()) step(event, 1);
});
document.addEventListener("click", pressed);
for (const select of document.querySelectorAll("select[data-field]")) {
  select.addEventListener("change", () => {
    setTerm(select.dataset.field, select.value && `${select.dataset.field}:${select.value}`);
    ask();
  });
}
onKey("/", () => {
  field.focus();
  field.select();
});
onKey("j", () => move(1));
onKey("k", () => move(-1));
onKey("Escape", () => field.focus());
results.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") step(event, 1);
  if (event.key === "ArrowUp") step(event, -1);
});
if (history.state?.query !== undefined) {
  field.value = history.state.query;
  order.value = history.state.order;
  ask();
} else if (location.search) kept.openFrom(new URLSearchParams(location.search).get("view"));

function question() {
  return { query: field.value.trim(), order: order.value };
}

// `given` is a kept question; without it the one that stands in the field is asked.
async function ask(given) {
  if (given) {
    field.value = given.query;
    order.value = given.order;
  }
  completions.close();
  const asked = question();
  history.replaceState(asked, "", location.pathname);
  const html = await fetchAnswers(asked);
  if (html === null) return;
  results.innerHTML = html;
  help.hidden = true;
  keep.hidden = false;
  mark();
  nameLanguages();
  announce(document.getElementById("count").textContent);
}

async function more(button) {
  const list = document.getElementById("answers");
  const at = list.querySelectorAll(".answer").length;
  button.disabled = true;
  const html = await fetchAnswers({ ...history.state, after: button.dataset.next });
  button.disabled = false;
  if (html === null) return;
  list.insertAdjacentHTML("beforeend", html);
  const rest = list.querySelector("[data-next]");
  if (rest) {
    button.dataset.next = rest.dataset.next;
    rest.remove();
  } else button.remove();
  nameLanguages();
  links()[at]?.focus();
}

// The answers as markup, or null where there are none to show: a problem is told, or a later question was asked meanwhile.
async function fetchAnswers(body) {
  under?.abort();
  const mine = new AbortController();
  under = mine;
  const slow = setTimeout(() => (searching.hidden = false), SOON);
  results.setAttribute("aria-busy", "true");
  showProblem("");
  tell("");
  try {
    const headers = { "Content-Type": "application/json", Accept: "text/html" };
    const request = { method: "POST", credentials: "same-origin", headers, body: JSON.stringify(body), signal: mine.signal };
    const answer = await fetch("/search/results", request);
    if (answer.redirected) location.assign("/sign-in?next=/search");
    const html = await answer.text();
    if (mine !== under || answer.redirected) return null;
    if (answer.ok) return html;
    if (answer.status === 422 || answer.status === 403) tell(html);
    else showProblem(t("The search was not answered (%(status)s). Try again in a moment.", { status: answer.status }));
  } catch (error) {
    if (error.name !== "AbortError") showProblem(t("The service cannot be reached. Check the connection, then try again."));
  } finally {
    clearTimeout(slow);
    if (mine === under) {
      searching.hidden = true;
      results.removeAttribute("aria-busy");
    }
  }
  return null;
}

function tell(html) {
  const problem = new DOMParser().parseFromString(html, "text/html").querySelector("[data-testid=question-problem]");
  // Answers to an earlier question stay readable, and are seen to be of that one.
  results.classList.toggle("is-stale", Boolean(problem));
  document.getElementById("query-problem").replaceChildren(...(problem ? [problem] : []));
  field.setAttribute("aria-invalid", problem ? "true" : "false");
  if (html && !problem) showProblem(t("This search cannot be asked."));
}

function pressed(event) {
  const button = event.target.closest?.("button");
  if (!button) return;
  const { ask: example, add, term } = button.dataset;
  if (button.id === "more") more(button);
  else if (example !== undefined) ask({ query: example, order: order.value });
  else if (add !== undefined) insert(add);
  else if (term !== undefined) {
    const name = term.slice(0, term.indexOf(":"));
    setTerm(name, button.getAttribute("aria-pressed") === "true" ? "" : term);
    ask();
  } else if (button.id === "keep") kept.keep();
}

function insert(term) {
  field.value = `${field.value.trim()} ${term}`.trim();
  field.focus();
}

// Puts a filter in the place of the one of the same name, or takes it away where `term` is empty.
function setTerm(name, term) {
  const rest = words(field.value).filter((one) => !one.toLowerCase().startsWith(`${name}:`));
  field.value = [...rest, ...(term ? [term] : [])].join(" ");
}

function words(text) {
  return text.match(/-?(?:[A-Za-z]+:)?"[^"]*"|\S+/g) ?? [];
}

// Facets and form controls say what the question says.
function mark() {
  const asked = words(field.value).map((one) => one.toLowerCase());
  for (const facet of results.querySelectorAll(".facet")) {
    facet.setAttribute("aria-pressed", String(asked.includes(facet.dataset.term.toLowerCase())));
  }
  for (const select of document.querySelectorAll("select[data-field]")) {
    const found = asked.find((one) => one.startsWith(`${select.dataset.field}:`));
    select.value = found ? found.slice(found.indexOf(":") + 1) : "";
    if (select.selectedIndex < 0) select.value = "";
  }
}

function links() {
  return [...results.querySelectorAll(".answer-link")];
}

function move(by) {
  const all = links();
  const at = all.indexOf(document.activeElement);
  if (at + by < 0 && at >= 0) field.focus();
  else all[at < 0 ? 0 : Math.min(all.length - 1, at + by)]?.focus();
}

function step(event, by) {
  if (!links().length) return;
  event.preventDefault();
  move(by);
}
