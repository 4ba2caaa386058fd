// What is older than what a page shows: fetched as a part of the page, in the place of the button that asks for it.

import { announce, setState, showProblem } from "./page.js";
import { t } from "./words.js";

export function startOlder() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".show-older");
    if (button) show(button);
  });
}

async function show(button) {
  if (button.disabled) return;
  button.disabled = true;
  setState(button, "aria-busy", true);
  const answer = await fetch(button.dataset.from, { credentials: "same-origin" }).catch(() => null);
  if (answer?.redirected) return location.assign(answer.url);
  if (!answer?.ok) {
    button.disabled = false;
    setState(button, "aria-busy", false);
    return showProblem(t("What is older could not be fetched. Try again in a moment."));
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const parts = [...document.adoptNode(page.body).children];
  button.parentElement.replaceWith(...parts);
  // The keyboard goes on from what came, not from the beginning of the page.
  const next = parts.map((part) => (part.matches(".show-older") ? part : part.querySelector(".show-older"))).find(Boolean);
  const target = next ?? parts[0];
  if (target && !next) target.tabIndex = -1;
  target?.focus({ preventScroll: true });
  announce(t("Older ones are shown."));
}
