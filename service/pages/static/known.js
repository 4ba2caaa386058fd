// A picture that is known was decided before: the same decision can be filled in without looking at it.

import { announce } from "./page.js";
import { t } from "./words.js";

export function startKnown(form, element) {
  for (const button of document.querySelectorAll(".take-earlier")) {
    button.addEventListener("click", () => {
      const earlier = JSON.parse(button.dataset.earlier);
      form.restore(earlier);
      element.dispatchEvent(new Event("input", { bubbles: true }));
      form.focus("decide");
      const all = form.values().actions.length === earlier.actions.length;
      announce(all
        ? t("The earlier decision is filled in. Record it, or change it first.")
        : t("The earlier decision is filled in, without actions that you cannot take here. Record it, or change it first."));
    });
  }
}
