// The lead's floor: take back what was given up, send again what did not arrive, and keep the numbers fresh.

import { call } from "./api.js";
import { keepFresh } from "./fresh.js";
import { announce, showProblem, startPage } from "./page.js";

startPage();
const refresh = keepFresh("/floor");
const dialog = document.getElementById("restore-dialog");
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.matches(".restore")) act(button, () => restore({ cases: [button.dataset.case] }));
  else if (button?.matches(".restore-queue")) ask(button);
  else if (button?.matches(".replay")) act(button, () => replay(button.dataset.message));
});

async function act(button, action) {
  if (button.disabled) return;
  button.disabled = true;
  showProblem("");
  try {
    const { words, title } = await action();
    await refresh({ always: true });
    say(words);
    // What was pressed is gone, so the focus goes to the heading of its list.
    document.getElementById(title)?.focus();
  } catch (error) {
    button.disabled = false;
    showProblem(error.message);
  }
}

function ask(button) {
  const { queue, title, shed } = button.dataset;
  const number = Number(shed);
  document.getElementById("restore-words").textContent = `${counted(number)} of ${title}.`;
  dialog.returnValue = "";
  dialog.addEventListener("close", () => {
    if (dialog.returnValue === "yes") act(button, () => restore({ queue }));
  }, { once: true });
  dialog.showModal();
}

async function restore(wanted) {
  const { cases, more } = await call("POST", "/v1/shed/restore", wanted);
  const words = `${counted(cases.length)} ${cases.length === 1 ? "waits" : "wait"} again.`;
  return { words: more ? `${words} There are more: press once more.` : words, title: "shed-title" };
}

async function replay(message) {
  await call("POST", `/v1/webhooks/dead-letters/${message}/replay`);
  return { words: "The message is being sent again, under the same id.", title: "letters-title" };
}

function say(words) {
  const place = document.getElementById("notice");
  place.textContent = words;
  place.hidden = false;
  announce(words);
}

function counted(number) {
  return `${number.toLocaleString("en")} ${number === 1 ? "case" : "cases"}`;
}
