// The page of banks: making one, changing one, taking a file in, adding a hash. Every change goes through the API.

import { ApiError, call } from "./api.js";
import { onKey } from "./keys.js";
import { sayOnNextPage } from "./notice.js";
import { startPage } from "./page.js";

const dialog = document.getElementById("bank-dialog");
const form = document.getElementById("bank-form");
const problem = document.getElementById("bank-problem");
const field = (name) => document.getElementById(`bank-${name}`);
let bank = null;

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
  document.getElementById("bank-title").textContent = bank ? bank.name : "New bank";
  for (const name of ["name", "purpose", "owner"]) field(name).value = bank?.[name] ?? "";
  field("area").value = bank?.policy_area ?? "";
  field("level").value = bank?.level ?? 4;
  field("distance").value = bank?.distance ?? 31;
  field("share").value = Math.round(1000 * (bank?.match_share ?? 0)) / 10;
  field("active").checked = bank?.active ?? true;
  field("note").value = "";
  field("file").value = "";
  for (const name of ["name", "area"]) field(name).disabled = bank !== null;
  for (const part of form.querySelectorAll("[data-of-existing]")) part.hidden = bank === null;
  dialog.showModal();
}

async function attempt(work) {
  problem.textContent = "";
  try {
    sayOnNextPage(await work());
    location.reload();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    problem.textContent = error.message;
  }
}

async function save() {
  const body = {
    purpose: field("purpose").value.trim(),
    owner: field("owner").value.trim(),
    level: Number(field("level").value),
    distance: Number(field("distance").value),
    match_share: Number(field("share").value) / 100,
  };
  if (bank) {
    const note = field("note").value.trim();
    const changed = await call("PATCH", `/v1/banks/${bank.id}`, { ...body, active: field("active").checked, note });
    return `${changed.name} is changed; matches and cases follow within seconds.`;
  }
  const made = await call("POST", "/v1/banks", { ...body, name: field("name").value.trim(), policy_area: field("area").value });
  return `${made.name} is made. It holds no hashes yet.`;
}

async function addHash() {
  const { added } = await call("POST", `/v1/banks/${bank.id}/hashes`, {
    pdq: field("hash").value.trim(),
    note: field("hash-note").value.trim(),
  });
  return added ? `One hash added to ${bank.name}.` : `${bank.name} has this hash already.`;
}

// A file is no JSON body, so this call goes by itself.
async function takeFile() {
  const [file] = field("file").files;
  if (!file) throw new ApiError(0, "no_file", "Choose a file first.");
  const query = new URLSearchParams({ format: field("format").value });
  const headers = { "Content-Type": "application/octet-stream" };
  let answer;
  try {
    answer = await fetch(`/v1/banks/${bank.id}/import?${query}`, { method: "POST", credentials: "same-origin", headers, body: file });
  } catch {
    throw new ApiError(0, "unreachable", "The file could not be sent. Check the connection, then try again.");
  }
  const told = await answer.json().catch(() => null);
  if (!answer.ok) throw new ApiError(answer.status, told?.error ?? "unknown", `${told?.detail ?? `The service answered ${answer.status}`}.`);
  const left = Object.entries(told.left_out).map(([reason, count]) => `${count} left out: ${reason}`);
  return [`${bank.name}: ${told.added} added, ${told.duplicates} there already, ${told.withdrawn} withdrawn`, ...left].join("; ");
}
