// Sign-in: one call, one clear answer, then on to where the reviewer wanted to go.

import { call } from "./api.js";
import { t } from "./words.js";

const form = document.getElementById("sign-in");
const problem = document.getElementById("sign-in-problem");
const button = document.getElementById("submit");
const { username, password } = form.elements;

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const empty = [username, password].find((field) => !field.value);
  if (empty) return refuse(t("Enter your user name and your password."), empty);
  button.disabled = true;
  try {
    await call("POST", "/v1/session", { username: username.value, password: password.value }, { stay: true });
    location.assign(form.dataset.next);
  } catch (error) {
    button.disabled = false;
    refuse(words(error), password);
    password.select();
  }
});

function words(error) {
  if (error.status === 401) return t("User name or password is wrong.");
  if (error.status === 429) return t("%(problem)s Then try again, or ask an administrator.", { problem: error.message });
  return error.message;
}

function refuse(text, field) {
  problem.textContent = text;
  for (const one of [username, password]) one.setAttribute("aria-invalid", String(one === field));
  field.focus();
}
