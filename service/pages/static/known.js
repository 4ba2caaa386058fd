// A picture that is known was decided before: the same decision can be filled in without looking at it.

import { announce } from "./page.js";

export function startKnown(form, element) {
  for (const button of document.querySelectorAll(".take-earlier")) {
    button.addEventListener("click", () => {
      form.restore(JSON.parse(button.dataset.earlier));
      element.dispatchEvent(new Event("input", { bubbles: true }));
      form.focus("decide");
      announce("The earlier decision is filled in. Record it, or change it first.");
    });
  }
}
