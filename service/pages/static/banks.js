// The page of banks: making one, changing one, taking a file in, adding a hash. Every change goes through the API.

import { ApiError, call } from "./api.js";
import { onKey } from "./keys.js";
import { sayOnNextPage } from "./notice.js";
import { startPage } from "./page.js";
import { t, tn } from "./words.js";

const dialog = document.getElementById("bank-dialog");
const form = document.getElementById("bank-form");
const problem = document.getElementById("bank-problem");
const field = (name) => document.getElementById(`bank-${name}`);
let bank = null;
let before = null;
let busy = false;

startPage();
document.getElementById("add-bank").addEventListener("click", () => open(null));
for (const button of document.querySelectorAll(".change-bank")) {
  button.addEventListener("click", () => open(JSON.parse(button.dataset.bank)));
}
document.getElementById("bank-cancel").addEventListener("click", () => dialog.close());
form.addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(save);
});
field("add-hash").addEventListener("click", () => attempt(addHash));
field("take-file").addEventListener("click", () => attempt(takeFile));
field("active").addEventListener("change", () => field("note").toggleAttribute("required", !field("active").checked));
onKey("a", () => open(null));

function open(which) {
  bank = which;
  problem.textContent = "";
  document.getElementById("bank-title").textContent = bank ? bank.name : t("New bank");
  for (const name of ["name", "purpose", "owner"]) field(name).value = bank?.[name] ?? "";
  field("area").value = bank?.policy_area ?? "";
  field("level").value = bank?.level ?? 4;
  field("distance").value = bank?.distance ?? 31;
  field("share").value = Number((100 * (bank?.match_share ?? 0)).toPrecision(6));
  field("active").checked = bank?.active ?? true;
  for (const name of ["note", "hash", "hash-note", "file"]) field(name).value = "";
  for (const name of ["name", "area"]) field(name).disabled = bank !== null;
  for (const part of form.querySelectorAll("[data-of-existing]")) part.hidden = bank === null;
  if (bank) field("export").href = `/v1/banks/${bank.id}/export`;
  before = filled();
  dialog.showModal();
}

async function attempt(work) {
  if (busy) return;
  busy = true;
  problem.textContent = "";
  try {
    sayOnNextPage(await work());
    location.reload();
  } catch (error) {
    busy = false;
    if (!(error instanceof ApiError)) throw error;
    problem.textContent = error.message;
  }
}

// An empty number is none, which the service refuses, and not 0.
function filled() {
  return {
    purpose: field("purpose").value.trim(),
    owner: field("owner").value.trim(),
    level: Number(field("level").value),
    distance: field("distance").valueAsNumber,
    match_share: field("share").valueAsNumber / 100,
    active: field("active").checked,
  };
}

async function save() {
  const { active, ...body } = filled();
  if (!bank) {
    const made = await call("POST", "/v1/banks", { ...body, name: field("name").value.trim(), policy_area: field("area").value });
    return t("%(name)s is made. It holds no hashes yet.", { name: made.name });
  }
  // What nobody touched is left out: somebody else may have changed it, and a share may be finer than the field shows.
  const touched = Object.entries({ ...body, active }).filter(([name, value]) => !Object.is(value, before[name]));
  if (!touched.length) throw new ApiError(0, "unchanged", t("Nothing was changed."));
  const changed = await call("PATCH", `/v1/banks/${bank.id}`, { ...Object.fromEntries(touched), note: field("note").value.trim() });
  return t("%(name)s is changed; matches and cases follow within seconds.", { name: changed.name });
}

async function addHash() {
  const { added } = await call("POST", `/v1/banks/${bank.id}/hashes`, {
    pdq: field("hash").value.trim(),
    note: field("hash-note").value.trim(),
  });
  return added ? t("One hash added to %(name)s.", bank) : t("%(name)s has this hash already.", bank);
}

async function takeFile() {
  const [file] = field("file").files;
  if (!file) throw new ApiError(0, "no_file", t("Choose a file first."));
  const query = new URLSearchParams({ format: field("format").value });
  const told = await call("POST", `/v1/banks/${bank.id}/import?${query}`, file);
  const left = Object.entries(told.left_out).map(([reason, count]) =>
    tn("One left out: %(reason)s.", "%(num)s left out: %(reason)s.", count, { reason }),
  );
  const { added, duplicates, withdrawn } = told;
  const first = t("%(name)s: %(added)s added, %(duplicates)s there already, %(withdrawn)s withdrawn.", { name: bank.name, added, duplicates, withdrawn });
  return [first, ...left].join(" ");
}
