// Kept questions: ask one, keep, pin and remove.

import { call } from "./api.js";
import { sayOnNextPage } from "./notice.js";
import { showProblem } from "./page.js";
import { t } from "./words.js";

export function startViews({ question, ask }) {
  const dialog = document.getElementById("keep-dialog");
  const problem = document.getElementById("keep-problem");
  const name = document.getElementById("keep-name");

  document.getElementById("kept").addEventListener("click", async (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const { view, query, order, change, pin, remove } = button.dataset;
    if (view) open(button, view, { query, order });
    else if (change) await fresh(() => call("PATCH", `/v1/views/${change}`, { pinned: pin === "true" }));
    else if (remove) await fresh(() => call("DELETE", `/v1/views/${remove}`), t("The search is no longer kept."));
  });
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  dialog.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const shared = document.getElementById("keep-shared")?.checked ?? false;
    const body = { ...question(), name: name.value.trim(), pinned: document.getElementById("keep-pinned").checked, shared };
    try {
      await call("POST", "/v1/views", body);
      sayOnNextPage(t("Kept as “%(name)s”.", { name: body.name }));
      location.reload();
    } catch (error) {
      problem.textContent = error.message;
      name.focus();
    }
  });

  // From another page, which names a view by its id: what is asked stands in no address.
  function openFrom(view) {
    const button = [...document.querySelectorAll("button[data-view]")].find((one) => one.dataset.view === view);
    if (button) open(button, view, { query: button.dataset.query, order: button.dataset.order });
    else if (view) showProblem(t("This search is not kept any more."));
  }

  async function open(button, view, given) {
    button.querySelector(".tag-accent")?.remove();
    await ask(given);
    // What was shown is not new any more; that this fails is no reason to disturb.
    call("POST", `/v1/views/${view}/look`).catch(() => {});
  }

  async function fresh(change, said = "") {
    try {
      await change();
      if (said) sayOnNextPage(said);
      location.reload();
    } catch (error) {
      showProblem(error.message);
    }
  }

  function keep() {
    const asked = question();
    document.getElementById("keep-query").textContent = asked.query || t("everything");
    problem.textContent = "";
    dialog.showModal();
    name.focus();
  }

  return { keep, openFrom };
}
