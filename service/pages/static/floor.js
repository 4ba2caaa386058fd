// The lead's floor: take back what was given up, send again what did not arrive, and keep the numbers fresh.

import { call } from "./api.js";
import { attemptOnce } from "./attempt.js";
import { keepFresh } from "./fresh.js";
import { announce, startPage } from "./page.js";
import { t, tn } from "./words.js";

startPage();
// What was opened stays open when fresh numbers come.
const opened = new Set();
const live = document.getElementById("live");
live.addEventListener("toggle", ({ target }) => {
  if (target.id) opened[target.open ? "add" : "delete"](target.id);
}, true);
const refresh = keepFresh("/floor", () => {
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
});
listen();
const dialog = document.getElementById("restore-dialog");
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.matches(".restore")) act(button, () => restore({ cases: [button.dataset.case] }));
  else if (button?.matches(".restore-queue")) ask(button);
  else if (button?.matches(".replay")) act(button, () => replay(button.dataset.message));
});

function act(button, action) {
  return attemptOnce(button, async () => {
    const { words, title } = await action();
    await refresh({ always: true });
    say(words);
    // What was pressed is gone, so the focus goes to the heading of its list.
    document.getElementById(title)?.focus();
  });
}

function ask(button) {
  const { queue, title, shed } = button.dataset;
  const number = Number(shed);
  document.getElementById("restore-words").textContent = tn("%(count)s case of %(queue)s.", "%(count)s cases of %(queue)s.", number, { count: written(number), queue: title });
  dialog.returnValue = "";
  dialog.addEventListener("close", () => {
    if (dialog.returnValue === "yes") act(button, () => restore({ queue }));
  }, { once: true });
  dialog.showModal();
}

async function restore(wanted) {
  const { cases, more } = await call("POST", "/v1/shed/restore", wanted);
  const values = { count: written(cases.length) };
  const words = more
    ? t("%(count)s cases wait again. There are more: press once more.", values)
    : tn("%(count)s case waits again.", "%(count)s cases wait again.", cases.length, values);
  return { words, title: "shed-title" };
}

async function replay(message) {
  await call("POST", `/v1/webhooks/dead-letters/${message}/replay`);
  return { words: t("The message is being sent again, under the same id."), title: "letters-title" };
}

function say(words) {
  const place = document.getElementById("notice");
  place.textContent = words;
  place.hidden = false;
  announce(words);
}

function written(number) {
  return number.toLocaleString(document.documentElement.lang);
}

// One look at a time and then a rest, however often there is news: the numbers of many queues take the server a second.
const REST_MS = 5000;
const AGAIN_MS = 30_000;
let looking = false;
let missed = false;

async function look() {
  missed = looking;
  if (looking) return;
  looking = true;
  await refresh();
  setTimeout(() => {
    looking = false;
    if (missed) look();
  }, REST_MS);
}

// The server says when there is something new; without it the page asks by itself every few seconds. A page that nobody
// looks at listens to nothing: a browser has few connections for each server.
function listen() {
  let source = null;
  const stop = () => {
    source?.close();
    source = null;
  };
  const start = () => {
    if (document.hidden) return stop();
    if (source) return;
    const made = new EventSource("/v1/floor/events");
    source = made;
    made.addEventListener("open", () => showLive(true));
    made.addEventListener("news", look);
    made.addEventListener("over", () => {
      made.close();
      showLive(false);
    });
    made.addEventListener("error", () => {
      if (made !== source) return;
      showLive(false);
      // The browser takes a refusal for good, and the service may only be starting anew or have no room for now.
      if (made.readyState !== EventSource.CLOSED) return;
      stop();
      setTimeout(start, AGAIN_MS);
    });
  };
  document.addEventListener("visibilitychange", start);
  addEventListener("pagehide", stop);
  addEventListener("pageshow", start);
  start();
}

function showLive(on) {
  const place = document.getElementById("live-state");
  place.classList.toggle("is-live", on);
  place.textContent = on ? t("Live") : t("Fresh every 15 seconds");
}
