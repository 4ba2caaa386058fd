// Forms that are one call of the API each: `data-act` is its method and address, the fields are its body.
//
//   <form method="post" data-act="POST /v1/things/{name}" data-said="Done."> … <button disabled>Do it</button>
//
// A name in braces is taken from the field of that name, and from the body. `data-kind` of a field says what it is:
// "number" (empty is null), "flag" for a check box, "many" for check boxes of one name, "day" for the end of a day in UTC,
// "null" for a text whose emptiness is null, "none" for what is not sent; anything else is text. `data-go` is where to go afterwards.

import { ApiError, call } from "./api.js";
import { reloadWith, sayOnNextPage } from "./notice.js";
import { openForms } from "./page.js";
import { t } from "./words.js";

export function startActs() {
  // What is missing is said in the language of the page, and below the form.
  for (const form of document.querySelectorAll("form[data-act]")) form.noValidate = true;
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-act]")) return;
    event.preventDefault();
    send(event.target, event.submitter);
  });
  // Ctrl+Enter sends the form that somebody writes in.
  document.addEventListener("keydown", (event) => {
    const form = event.target.closest?.("form[data-act]");
    if (!form || event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  openForms();
}

async function send(form, button) {
  if (form.dataset.busy) return;
  const problem = form.querySelector(".problem");
  if (problem) problem.textContent = "";
  const missing = [...form.elements].find((one) => one.required && !one.value.trim());
  if (missing) {
    if (problem) problem.textContent = t("Fill in what is asked for first.");
    missing.focus();
    return;
  }
  const [method, address] = (button?.dataset.act ?? form.dataset.act).split(" ");
  const body = bodyOf(form);
  const path = address.replace(/\{(\w+)\}/g, (_whole, name) => encodeURIComponent(String(taken(body, name))));
  form.dataset.busy = "true";
  try {
    await call(method, path, method === "DELETE" || form.hasAttribute("data-bare") ? undefined : body);
    const said = button?.dataset.said ?? form.dataset.said ?? "";
    if (form.dataset.go) {
      sayOnNextPage(said);
      location.assign(form.dataset.go);
    } else reloadWith(said);
  } catch (error) {
    delete form.dataset.busy;
    if (!(error instanceof ApiError)) throw error;
    if (problem) problem.textContent = error.message;
  }
}

function taken(body, name) {
  const value = body[name];
  delete body[name];
  return value;
}

function bodyOf(form) {
  const body = {};
  for (const field of form.elements) {
    if (!field.name || field.dataset.kind === "none") continue;
    const value = field.value.trim();
    switch (field.dataset.kind) {
      case "flag":
        body[field.name] = field.checked;
        break;
      case "many":
        body[field.name] ??= [];
        if (field.checked) body[field.name].push(field.value);
        break;
      case "number":
        body[field.name] = value ? Number(value) : null;
        break;
      case "day":
        body[field.name] = value ? `${value}T23:59:59Z` : null;
        break;
      case "null":
        body[field.name] = value || null;
        break;
      default:
        body[field.name] = value;
    }
  }
  return body;
}
