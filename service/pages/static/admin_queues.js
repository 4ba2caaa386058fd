// Queues: made and changed in the dialog that routing has too, closed after a look at what lies in them, and what roles may do.

import { ask } from "./admin_dialogs.js";
import { call } from "./api.js";
import { reloadWith } from "./notice.js";
import { startPage } from "./page.js";
import { startQueues } from "./queues.js";
import { t, tn } from "./words.js";

const form = document.getElementById("denied-form");
const boxes = [...form.querySelectorAll("[type=checkbox]")];
const save = document.getElementById("save-denied");

startPage();
startQueues(JSON.parse(document.getElementById("queues-page").dataset.queues));
for (const button of document.querySelectorAll(".close-queue")) button.addEventListener("click", () => askClose(button.dataset));
form.addEventListener("change", showChanges);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  askDenied();
});

async function askClose({ queue, title }) {
  const path = `/v1/queues/${encodeURIComponent(queue)}`;
  const found = await call("GET", `${path}/closing`).catch((error) => reloadWith(error.message));
  if (!found) return;
  ask({
    title: t("Close the queue “%(title)s”?", { title }),
    words: found.possible ? closingWords(found) : refusalWords(found),
    label: t("Close the queue"),
    bad: true,
    action: found.possible ? () => call("POST", `${path}/close`).then(() => reloadWith(t("“%(title)s” is closed.", { title }))) : null,
  });
}

function closingWords({ special, members }) {
  return [
    t("No undecided case lies in it and no rule leads there, so no case is moved. Decided ones stay on record under its name."),
    ...(special ? [t("Its special route is then served by nobody: flagged cases wait in the default queue until another queue serves it.")] : []),
    ...(members ? [tn("One member loses it.", "%(num)s members lose it.", members)] : []),
    t("It cannot be opened again, and its name stays taken."),
  ];
}

function refusalWords({ rules, cases }) {
  const lying = Object.values(cases).reduce((sum, one) => sum + one, 0);
  return [
    ...(lying ? [tn("It cannot be closed yet: one undecided case lies in it.", "It cannot be closed yet: %(num)s undecided cases lie in it.", lying)] : []),
    ...(rules.length ? [t("It cannot be closed yet: these rules lead there: %(rules)s.", { rules: rules.join(", ") })] : []),
    t("Under Routing, send new cases elsewhere and have the rules move those that wait as well; then close it."),
  ];
}

const changed = () => boxes.filter((box) => box.checked !== box.defaultChecked);

function showChanges() {
  const count = changed().length;
  save.disabled = !count;
  document.getElementById("denied-state").textContent = count ? tn("One change, not saved.", "%(num)s changes, not saved.", count) : "";
}

function askDenied() {
  const lines = changed().map(({ checked, dataset }) =>
    checked
      ? t("%(role)s may again: %(action)s.", { role: dataset.roleName, action: dataset.name })
      : t("%(role)s may no longer: %(action)s.", { role: dataset.roleName, action: dataset.name }),
  );
  ask({
    title: t("Change what roles may do?"),
    words: [...lines, t("It holds for the next decision, in every queue. Decisions that were made stay.")],
    label: t("Save"),
    action: async () => {
      const denied = {};
      for (const { checked, dataset } of boxes) if (!checked) (denied[dataset.role] ??= []).push(dataset.action);
      await call("PUT", "/v1/actions/denied", { denied });
      reloadWith(t("What roles may do is changed."));
    },
  });
}
