// Plans: preview before drawing, close, and golden items.

import { call } from "./api.js";
import { attempt } from "./attempt.js";
import { sayOnNextPage } from "./notice.js";
import { openForms, startPage } from "./page.js";
import { PlanForm } from "./qa_plan_form.js";
import { t } from "./words.js";

startPage();
const form = new PlanForm();
document.getElementById("preview").addEventListener("click", preview);
document.getElementById("plan").addEventListener("submit", draw);
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.matches(".close-plan")) attempt(() => then(`/v1/qa/plans/${button.dataset.plan}/close`, t("The plan is closed.")));
  else if (button?.matches(".retire")) attempt(() => then(`/v1/qa/golden/${button.dataset.golden}/retire`, t("The golden item is out of use.")));
});
openForms();

async function then(path, words) {
  await call("POST", path);
  sayOnNextPage(words);
  location.reload();
}

async function draw(event) {
  event.preventDefault();
  if (!form.complete({ toPreview: false })) return;
  const body = form.plan();
  const plan = await asked("/v1/qa/plans", body);
  if (!plan) return;
  const values = { part: number(plan.items), whole: number(plan.population) };
  sayOnNextPage(
    body.golden_share
      ? t("%(part)s of %(whole)s decisions are drawn. Golden items among them.", values)
      : t("%(part)s of %(whole)s decisions are drawn.", values),
  );
  location.reload();
}

// What the API answered; nothing where it refused, which the form then says.
async function asked(path, body) {
  try {
    return await call("POST", path, body);
  } catch (error) {
    form.refused(error.message);
    return null;
  }
}

function number(count) {
  return count.toLocaleString(document.documentElement.lang);
}

async function preview() {
  if (!form.complete({ toPreview: true })) return;
  const found = await asked("/v1/qa/plans/preview", form.drawn());
  if (!found) return;
  document.getElementById("preview-words").textContent =
    t("%(part)s of %(whole)s decisions; %(golden)s golden items to mix in.", {
      part: number(found.drawn),
      whole: number(found.population),
      golden: number(found.golden_available),
    });
  const rows = found.strata.map((one) => {
    const row = document.createElement("tr");
    const chance = one.least_chance === one.greatest_chance
      ? one.least_chance.toPrecision(2)
      : t("%(least)s to %(greatest)s", {
          least: one.least_chance.toPrecision(2),
          greatest: one.greatest_chance.toPrecision(2),
        });
    const cells = [
      ["", one.stratum],
      [t("Decisions"), number(one.population)],
      [t("Drawn"), number(one.drawn)],
      [t("Chance"), chance],
    ];
    for (const [label, text] of cells) {
      const cell = document.createElement("td");
      cell.textContent = text;
      cell.className = label ? "number" : "span";
      if (label) cell.dataset.label = label;
      row.append(cell);
    }
    return row;
  });
  document.querySelector("#preview-strata tbody").replaceChildren(...rows);
  document.getElementById("previewed").hidden = false;
}
