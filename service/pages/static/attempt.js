// What somebody asks for by pressing or sending: done once at a time, and where it could not be done, the page says why.

import { showProblem } from "./page.js";

// For an action with a place of its own for what went wrong.
export function sayingIn(place) {
  return (words) => { place.textContent = words; };
}

// An action that answers true leaves the page. Returns whether it did.
export async function attempt(action, show = showProblem) {
  show("");
  try {
    return await action() === true;
  } catch (error) {
    show(error.message);
    return false;
  }
}

// Meanwhile this button cannot be pressed again; nor after it, on a page that is being left.
export async function attemptOnce(button, action, show = showProblem) {
  if (button.disabled) return;
  button.disabled = true;
  button.disabled = await attempt(action, show);
}

// Meanwhile nothing on the page can be pressed.
export async function attemptAlone(event, action) {
  event.preventDefault();
  const buttons = [...document.querySelectorAll("main button")].filter((button) => !button.disabled);
  for (const button of buttons) button.disabled = true;
  await attempt(action);
  for (const button of buttons) button.disabled = false;
}
