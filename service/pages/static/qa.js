// Plans: preview before drawing, close, and golden items.

import { call } from "./api.js";
import { sayOnNextPage } from "./notice.js";
import { openForms, showProblem, startPage } from "./page.js";

startPage();
const form = document.getElementById("plan");
const value = (id) => document.getElementById(id).value.trim();
const checked = (name) => [...form.querySelectorAll(`[name=${name}]:checked`)].map((box) => box.value);
const kind = document.getElementById("kind");
kind.addEventListener("change", showChoices);
showChoices();
document.getElementById("preview").addEventListener("click", () => act(preview));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  act(draw);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.matches(".close-plan")) act(() => then(`/v1/qa/plans/${button.dataset.plan}/close`, "The plan is closed."));
  else if (button?.matches(".retire")) act(() => then(`/v1/qa/golden/${button.dataset.golden}/retire`, "The golden item is out of use."));
});
openForms();

function showChoices() {
  document.getElementById("strata-choice").hidden = kind.value !== "stratified";
  document.getElementById("policy-choice").hidden = kind.value !== "policy";
}

async function act(action) {
  showProblem("");
  try {
    await action();
  } catch (error) {
    showProblem(error.message);
  }
}

async function then(path, words) {
  await call("POST", path);
  sayOnNextPage(words);
  location.reload();
}

function drawn() {
  const body = { kind: kind.value, size: Number(value("size")), scope: { from: checked("from") } };
  if (value("since")) body.scope.since = `${value("since")}T00:00:00Z`;
  if (kind.value === "stratified") {
    Object.assign(body, { strata: checked("strata"), allocation: value("allocation"), least: Number(value("least")) });
  }
  if (kind.value === "policy") body.policy_id = value("policy-id");
  return body;
}

async function draw() {
  const body = {
    ...drawn(),
    name: value("name"),
    owner: value("owner"),
    reason: value("reason"),
    reviews: Number(value("reviews")),
    golden_share: Number(value("golden")) / 100,
  };
  const plan = await call("POST", "/v1/qa/plans", body);
  const words = `${plan.items.toLocaleString("en")} of ${plan.population.toLocaleString("en")} decisions are drawn.`;
  sayOnNextPage(body.golden_share ? `${words} Golden items among them.` : words);
  location.reload();
}

async function preview() {
  const found = await call("POST", "/v1/qa/plans/preview", drawn());
  const number = (count) => count.toLocaleString("en");
  document.getElementById("preview-words").textContent =
    `${number(found.drawn)} of ${number(found.population)} decisions; ${number(found.golden_available)} golden items to mix in.`;
  const rows = found.strata.map((one) => {
    const row = document.createElement("tr");
    const chance = one.least_chance === one.greatest_chance
      ? one.least_chance.toPrecision(2)
      : `${one.least_chance.toPrecision(2)} to ${one.greatest_chance.toPrecision(2)}`;
    for (const text of [one.stratum, number(one.population), number(one.drawn), chance]) {
      const cell = document.createElement("td");
      cell.textContent = text;
      if (row.childElementCount) cell.className = "number";
      row.append(cell);
    }
    return row;
  });
  document.querySelector("#preview-strata tbody").replaceChildren(...rows);
  document.getElementById("previewed").hidden = false;
}
