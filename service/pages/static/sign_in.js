// Sign-in: one call, one clear answer, then on to where the reviewer wanted to go.

import { call } from "./api.js";
import { t } from "./words.js";

const form = document.getElementById("sign-in");
const problem = document.getElementById("sign-in-problem");
const button = document.getElementById("submit");
const { username, password, new_password: own } = form.elements;
const choosing = document.getElementById("new-password-field");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const empty = [username, password].find((field) => !field.value);
  if (empty) return refuse(t("Enter your user name and your password."), empty);
  if (!choosing.hidden && own.value.length < own.minLength) {
    return refuse(t("Your own password needs at least %(count)s characters.", { count: own.minLength }), own);
  }
  button.disabled = true;
  try {
    const replaced = choosing.hidden ? {} : { new_password: own.value };
    await call("POST", "/v1/session", { username: username.value, password: password.value, ...replaced }, { stay: true });
    location.assign(form.dataset.next);
  } catch (error) {
    button.disabled = false;
    if (error.code === "new_password_needed") return choose();
    const field = choosing.hidden ? password : own;
    refuse(words(error), field);
    field.select();
  }
});

// What was typed is a password for one sign-in: it opens nothing without the one that takes its place.
function choose() {
  choosing.hidden = false;
  refuse("", own);
  own.removeAttribute("aria-invalid");
}

function words(error) {
  if (error.status === 401) return t("User name or password is wrong.");
  if (error.status === 429) return t("%(problem)s Then try again, or ask an administrator.", { problem: error.message });
  return error.message;
}

function refuse(text, field) {
  problem.textContent = text;
  for (const one of [username, password, own]) one.setAttribute("aria-invalid", String(one === field));
  field.focus();
}
