// A form for an answer where no lease is held: its keys, and sending it once.

import { DecisionForm } from "./form.js";
import { onKey } from "./keys.js";
import { setState, showProblem } from "./page.js";
import { hideSpans } from "./spans.js";

// `send` gets the values; where it fails, the form stays as it is and says why.
export function startJudgement(send) {
  const element = document.getElementById("decision");
  const button = document.getElementById("decide");
  const form = new DecisionForm();
  let busy = false;

  async function submit() {
    if (busy || !form.complete()) return;
    busy = true;
    showProblem("");
    setState(button, "aria-disabled", true);
    try {
      await send(form.values());
    } catch (error) {
      busy = false;
      setState(button, "aria-disabled", false);
      showProblem(error.message);
    }
  }

  // Enter in a chip would send the form, as browsers do; recording takes the button or Ctrl+Enter.
  element.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && event.target.matches("input")) event.preventDefault();
  });
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  for (let digit = 0; digit <= 9; digit += 1) {
    onKey(`Digit${digit}`, () => form.toggleAction(digit - 1));
    onKey(`Shift+Digit${digit}`, () => form.chooseSeverity(digit));
  }
  onKey("a", () => form.focus("policy-area"));
  onKey("t", () => form.focus("note"));
  onKey("Ctrl+Enter", () => element.requestSubmit());
  onKey("Escape", () => {
    if (!hideSpans()) document.activeElement?.blur();
  });
}
