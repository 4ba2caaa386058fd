// Fields of a form as values, and what is wrong with each beside it.

import { setState } from "./page.js";

export function valueOf(field) {
  if (field.dataset.kind === "confirmation") return field.checked ? "yes" : "";
  if (field.dataset.kind === "moment") return withZone(field.value);
  return field.value.trim();
}

export function fieldsOf(form) {
  return [...form.querySelectorAll("[data-kind]")];
}

// Only what was said.
export function valuesOf(form) {
  const said = fieldsOf(form).map((field) => [field.name, valueOf(field)]);
  return Object.fromEntries(said.filter(([, value]) => value));
}

export function setProblem(name, text) {
  const place = document.getElementById(`f-${name}-problem`);
  if (!place) return false;
  place.textContent = text && text.charAt(0).toUpperCase() + text.slice(1);
  const field = document.getElementById(`f-${name}`);
  if (field?.matches("input:not([type=checkbox]), select, textarea")) setState(field, "aria-invalid", Boolean(text));
  return true;
}

export function clearProblems(form) {
  for (const place of form.querySelectorAll(".problem")) if (place.id.startsWith("f-")) setProblem(place.id.slice(2, -"-problem".length), "");
}

// The API says a line for each field, as "fields.name: what is wrong". What belongs to no field is returned.
export function showProblems(message) {
  const rest = [];
  let first = null;
  for (const line of message.split("\n")) {
    const [, name, text] = /^(?:fields\.)?([a-z_]+)[^:]*: (.*)$/i.exec(line) ?? [];
    if (!name || !setProblem(name.toLowerCase(), text.replace(/\.$/, ""))) rest.push(line);
    else first ??= document.getElementById(`f-${name.toLowerCase()}`) ?? document.getElementById(name.toLowerCase());
  }
  first?.focus();
  return rest.join(" ");
}

// The clock of the browser has a zone, the field has none.
function withZone(local) {
  if (!local) return "";
  const minutes = -new Date(local).getTimezoneOffset();
  const two = (number) => String(Math.floor(number)).padStart(2, "0");
  return `${local}${minutes < 0 ? "-" : "+"}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
}
