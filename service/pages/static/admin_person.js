// One person: their role, password and account, and what they are given to work on.

import { ask, showErrors, showOnce } from "./admin_dialogs.js";
import { call } from "./api.js";
import { reloadWith, sayOnNextPage } from "./notice.js";
import { startPage } from "./page.js";
import { t } from "./words.js";

const { username, role } = document.getElementById("person").dataset;
const path = `/v1/people/${encodeURIComponent(username)}`;
const FIELDS = ["languages", "skills", "vendor", "site", "started_on", "hourly_cost"];
const part = (name) => document.getElementById(name);
let busy = false;

startPage();
const before = filled();
part("work-form").addEventListener("submit", (event) => {
  event.preventDefault();
  save();
});
part("change-role").addEventListener("click", openRoles);
part("role-cancel").addEventListener("click", () => part("role-dialog").close());
part("role-form").addEventListener("change", sayConsequence);
part("role-form").addEventListener("submit", (event) => {
  event.preventDefault();
  changeRole();
});
part("reset-password")?.addEventListener("click", askReset);
part("close-person").addEventListener("click", askClose);

function filled() {
  const list = (name) => part(name).value.split(",").map((one) => one.trim()).filter(Boolean);
  const boxes = [...document.querySelectorAll("[name=consents]")];
  const languages = list("languages");
  return {
    languages: languages.length ? languages : null,
    skills: list("skills").map((one) => one.toLowerCase()),
    vendor: part("vendor").value.trim() || null,
    site: part("site").value.trim() || null,
    started_on: part("started_on").value || null,
    hourly_cost: part("hourly_cost").value || null,
    consents: boxes.filter((box) => box.checked).map((box) => box.value),
  };
}

async function save() {
  for (const name of FIELDS) part(`${name}-problem`).textContent = "";
  part("work-problem").textContent = "";
  // What nobody touched is left out: somebody else may have changed it.
  const now = filled();
  const touched = Object.entries(now).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name]));
  if (!touched.length) {
    part("work-state").textContent = t("Nothing was changed.");
    return;
  }
  if (busy) return;
  busy = true;
  try {
    await call("PATCH", path, Object.fromEntries(touched));
    reloadWith(t("Saved. The next case they are given follows it."));
  } catch (error) {
    showAt(error);
  } finally {
    busy = false;
  }
}

function showAt(error) {
  const named = /^([a-z_]+)[:.]/i.exec(error.message)?.[1].toLowerCase();
  if (FIELDS.includes(named)) showErrors(error, "", FIELDS);
  else part("work-problem").textContent = error.message;
}

function openRoles() {
  part("role-problem").textContent = "";
  document.querySelector(`[name=role][value="${role}"]`)?.click();
  sayConsequence();
  part("role-dialog").showModal();
}

const chosen = () => document.querySelector("[name=role]:checked");

function sayConsequence() {
  const next = chosen();
  const reviews = next && "reviews" in next.dataset;
  part("role-consequence").textContent =
    !next || next.value === role
      ? t("This is the role they have.")
      : reviews
        ? t("They are signed out and sign in again. What they hold stays with them.")
        : t("They are signed out. What they hold goes back to its queues, and they leave every restricted queue.");
}

async function changeRole() {
  const next = chosen()?.value;
  if (!next || next === role) {
    part("role-problem").textContent = t("Choose another role.");
    return;
  }
  if (busy) return;
  busy = true;
  try {
    await call("PUT", `${path}/role`, { role: next });
    reloadWith(t("%(name)s has another role now.", { name: username }));
  } catch (error) {
    part("role-problem").textContent = error.message;
  } finally {
    busy = false;
  }
}

function askReset() {
  ask({
    title: t("Reset the password of %(name)s?", { name: username }),
    words: [
      t("The password they have stops working, and they are signed out everywhere."),
      t("You get one that is good for a single sign-in within three days. They choose their own with it."),
    ],
    label: t("Reset the password"),
    action: async () => {
      const made = await call("POST", `${path}/password`);
      showOnce({
        title: t("A password for one sign-in"),
        words: t("Tell %(name)s in person or by a channel that you trust.", { name: username }),
        secret: made.one_time_password,
        then: () => reloadWith(t("The password is reset.")),
      });
    },
  });
}

function askClose() {
  ask({
    title: t("Close the account of %(name)s?", { name: username }),
    words: [
      t("It is out at once: sessions and keys end, and every case it holds goes back to its queue."),
      t("What they kept back returns when it is due. What they decided stays, with their name on record."),
      t("It cannot be opened again, and nobody else can have this name."),
    ],
    label: t("Close the account"),
    bad: true,
    action: async () => {
      await call("DELETE", path);
      sayOnNextPage(t("The account of %(name)s is closed.", { name: username }));
      location.assign("/admin/people");
    },
  });
}
