// The pages of webhooks: endpoints, tests with their answer, and sending again. Every change goes through the API.

import { showOnce } from "./admin_dialogs.js";
import { ApiError, call } from "./api.js";
import { attemptOnce, sayingIn } from "./attempt.js";
import { onKey } from "./keys.js";
import { sayOnNextPage } from "./notice.js";
import { startPage } from "./page.js";
import { t, tn } from "./words.js";

// How often, and how many times, it is asked whether a test was answered; the worker sends within a second or two.
const ASK_MS = 700;
const ASKS = 30;
const byId = (id) => document.getElementById(id);
let chosen = null;

startPage();
const actions = {
  "hook-test": test,
  "hook-again": sendAgain,
  "hook-replay": (button) => replayAll(button.dataset.hook, {}),
  "hook-pause": pause,
  "hook-change": (button) => openForm(JSON.parse(button.dataset.hook)),
  "hook-remove": (button) => askToRemove(JSON.parse(button.dataset.hook)),
  "hook-take-over": askToTakeOver,
  "hook-cancel": (button) => button.closest("dialog").close(),
};
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  const action = button && Object.keys(actions).find((name) => button.classList.contains(name));
  if (action) attemptOnce(button, () => actions[action](button));
});

if (byId("add-hook")) {
  byId("add-hook").addEventListener("click", () => openForm(null));
  onKey("a", () => openForm(null));
  byId("hook-all").addEventListener("change", showKinds);
  byId("hook-form").addEventListener("submit", (event) => {
    event.preventDefault();
    attemptOnce(byId("hook-save"), save, sayingIn(byId("hook-problem")));
  });
  byId("remove-do").addEventListener("click", () => attemptOnce(byId("remove-do"), remove, sayingIn(problemOf("remove-dialog"))));
  byId("take-over-do").addEventListener("click", () => attemptOnce(byId("take-over-do"), takeOver, sayingIn(problemOf("take-over-dialog"))));
}

function problemOf(dialog) {
  return byId(dialog).querySelector(".problem");
}

function afresh(words) {
  sayOnNextPage(words);
  location.reload();
}

async function test(button) {
  const place = document.querySelector(`[data-answer="${button.dataset.hook}"]`);
  place.textContent = t("The test message is on its way.");
  place.classList.remove("notice-bad", "notice-accent");
  try {
    const { message } = await call("POST", `/v1/webhooks/${button.dataset.hook}/test`);
    const [attempt] = await answered(message);
    place.textContent = attempt ? answerWords(attempt) : t("The test message has not been sent yet: is a worker running? The delivery log shows what becomes of it.");
    place.classList.add(attempt && !attempt.error ? "notice-accent" : "notice-bad");
  } catch (error) {
    place.textContent = "";
    throw error;
  }
}

async function answered(message) {
  for (let asked = 0; asked < ASKS; asked += 1) {
    await new Promise((done) => { setTimeout(done, ASK_MS); });
    const { attempts } = await call("GET", `/v1/webhooks/messages/${message}`);
    if (attempts.length) return attempts;
  }
  return [];
}

function answerWords({ error, status, milliseconds: time }) {
  if (!error) return t("The receiver answered %(status)s after %(time)s ms.", { status, time });
  return t("It did not arrive: %(error)s, after %(time)s ms. It is tried again.", { error, time });
}

async function sendAgain(button) {
  await call("POST", `/v1/webhooks/dead-letters/${button.dataset.message}/replay`);
  afresh(t("The message is sent again, under its id."));
}

async function replayAll(hook, body) {
  const { replayed, left } = await call("POST", `/v1/webhooks/${hook}/dead-letters/replay`, body);
  const sent = tn("One message is sent again.", "%(num)s messages are sent again.", replayed);
  afresh(left ? `${sent} ${tn("One is still given up.", "%(num)s are still given up.", left)}` : sent);
}

async function pause(button) {
  const paused = button.dataset.pause === "true";
  await call("PATCH", `/v1/webhooks/${button.dataset.hook}`, { paused });
  afresh(paused ? t("The endpoint is paused; its messages wait.") : t("The endpoint goes on; what waited is sent within a minute."));
}

function openForm(hook) {
  chosen = hook;
  byId("hook-problem").textContent = "";
  byId("hook-dialog-title").textContent = hook ? t("What this endpoint is sent") : t("Add an endpoint");
  byId("hook-save").textContent = hook ? t("Save") : t("Add");
  byId("hook-url").value = hook?.url ?? "";
  byId("hook-url").disabled = hook !== null;
  byId("hook-all").checked = !hook?.kinds;
  for (const box of boxes()) box.checked = hook?.kinds?.includes(box.value) ?? false;
  showKinds();
  byId("hook-dialog").showModal();
}

function boxes() {
  return [...byId("hook-form").querySelectorAll("[name=kinds]")];
}

function showKinds() {
  for (const box of boxes()) box.disabled = byId("hook-all").checked;
}

async function save() {
  const kinds = byId("hook-all").checked ? null : boxes().filter((box) => box.checked).map((box) => box.value);
  if (kinds?.length === 0) throw new ApiError(0, "no_kind", t("Choose at least one kind of message."));
  if (chosen) {
    await call("PATCH", `/v1/webhooks/${chosen.id}`, { kinds });
    afresh(t("The choice of messages is kept; it counts from the next one on."));
    return;
  }
  const made = await call("POST", "/v1/webhooks", { url: byId("hook-url").value.trim(), kinds });
  byId("hook-dialog").close();
  showOnce({
    title: t("Keep this secret now"),
    words: t("The receiver checks signatures with it. If it is lost, add the address anew."),
    secret: made.secret,
    then: () => afresh(t("The endpoint is added.")),
  });
}

function askToRemove(hook) {
  chosen = hook;
  byId("remove-url").textContent = hook.url;
  problemOf("remove-dialog").textContent = "";
  byId("remove-dialog").showModal();
}

async function remove() {
  await call("DELETE", `/v1/webhooks/${chosen.id}`);
  afresh(t("The endpoint is removed."));
}

function askToTakeOver(button) {
  chosen = { id: button.dataset.from };
  byId("take-over-url").textContent = button.dataset.url;
  problemOf("take-over-dialog").textContent = "";
  byId("take-over-dialog").showModal();
}

function takeOver() {
  return replayAll(byId("take-over-to").value, { from: chosen.id });
}
