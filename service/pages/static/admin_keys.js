// Keys: made for an account with some of what its role may do, shown once, and revoked.

import { ask, showErrors, showOnce } from "./admin_dialogs.js";
import { call } from "./api.js";
import { onKey } from "./keys.js";
import { reloadWith } from "./notice.js";
import { startPage } from "./page.js";
import { t } from "./words.js";

const page = document.getElementById("keys-page");
const scopes = JSON.parse(page.dataset.scopes);
const part = (name) => document.getElementById(`key-${name}`);
const dialog = part("dialog");
const boxes = [...document.querySelectorAll("[name=scopes]")];
let busy = false;

startPage();
document.getElementById("add-key")?.addEventListener("click", open);
onKey("a", () => document.getElementById("add-key") && open());
part("cancel").addEventListener("click", () => dialog.close());
part("account").addEventListener("change", offer);
part("form").addEventListener("submit", (event) => {
  event.preventDefault();
  make();
});
for (const button of document.querySelectorAll(".revoke")) button.addEventListener("click", () => askRevoke(button.dataset));

function open() {
  for (const name of ["problem", "name-problem", "scopes-problem"]) part(name).textContent = "";
  part("name").value = "";
  for (const box of boxes) box.checked = false;
  offer();
  dialog.showModal();
  part(page.dataset.chosen ? "name" : "account").focus();
}

// Only what the role of the account may do can be chosen.
function offer() {
  const { role, person } = part("account").selectedOptions[0].dataset;
  const offered = scopes[role] ?? [];
  for (const box of boxes) {
    // In the name of a person nobody else agrees to anything.
    const may = offered.includes(box.value) && !(person !== undefined && box.value === "self");
    box.closest("label").hidden = !may;
    if (!may) box.checked = false;
  }
}

async function make() {
  const name = part("name").value.trim();
  const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
  part("problem").textContent = "";
  part("name-problem").textContent = name ? "" : t("Say what it is for: it is how the key is found again.");
  part("scopes-problem").textContent = chosen.length ? "" : t("Choose at least one thing that it may do.");
  if (!name) return part("name").focus();
  if (!chosen.length) return boxes.find((box) => !box.closest("label").hidden)?.focus();
  if (busy) return;
  busy = true;
  const account = part("account").value;
  const days = part("days").value;
  try {
    const body = { name, scopes: chosen, days: days ? Number(days) : null };
    const made = await call("POST", `/v1/people/${encodeURIComponent(account)}/keys`, body);
    dialog.close();
    showOnce({
      title: t("The key “%(name)s”", { name: made.name }),
      words: t("Put it where the machine reads its secrets. It goes into the header Authorization: Bearer."),
      secret: made.key,
      then: () => reloadWith(t("The key “%(name)s” is made.", { name: made.name })),
    });
  } catch (error) {
    showErrors(error, "key-", ["name", "scopes"]);
  } finally {
    busy = false;
  }
}

function askRevoke({ key, name, username }) {
  ask({
    title: t("Revoke the key “%(name)s”?", { name }),
    words: [
      t("Calls with it are refused from now on, whoever makes them. A machine that still uses it stops working."),
      t("It cannot be put back: make another one first where something depends on it."),
    ],
    label: t("Revoke the key"),
    bad: true,
    action: async () => {
      await call("DELETE", `/v1/people/${encodeURIComponent(username)}/keys/${key}`);
      reloadWith(t("The key “%(name)s” is revoked.", { name }));
    },
  });
}
