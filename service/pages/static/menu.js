// The menus of the bar: they open and close by themselves (details, popover); this closes what is left behind.

import { call } from "./api.js";

export function startMenus() {
  document.addEventListener("click", (event) => closeAll(event.target));
  document.addEventListener("focusin", (event) => closeAll(event.target));
  // Before the commands of a page: Escape belongs to the menu while one is open.
  document.addEventListener("keydown", closeByKey, { capture: true });
  for (const button of document.querySelectorAll("[data-speak]")) button.addEventListener("click", () => speak(button));
}

function closeAll(except) {
  for (const menu of document.querySelectorAll(".menu[open]")) if (!menu.contains(except)) menu.open = false;
}

function closeByKey(event) {
  const open = event.key === "Escape" && document.querySelector(".menu[open]");
  if (!open) return;
  event.preventDefault();
  event.stopPropagation();
  open.open = false;
  open.querySelector("summary").focus();
}

// The page comes anew in that language; a draft that somebody writes is kept by the page itself.
async function speak(button) {
  try {
    await call("PUT", "/v1/me/language", { language: button.dataset.speak });
    location.reload();
  } catch (error) {
    document.getElementById("me-problem").textContent = error.message;
  }
}
