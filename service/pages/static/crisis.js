// Crises and continuity plans: drafts, approval, the end, the review. Every change goes through the API.

import { call } from "./api.js";
import { attempt, sayingIn } from "./attempt.js";
import { sayOnNextPage } from "./notice.js";
import { startPage } from "./page.js";
import { number, t, tn } from "./words.js";

const byId = (id) => document.getElementById(id);
const place = byId("crisis");

startPage();
if (byId("draft-form")) listen(byId("draft-form"), byId("draft-problem"), keepDraft);
for (const form of document.querySelectorAll(".activate-form")) listen(form, form.querySelector(".problem"), () => activate(form));
for (const form of document.querySelectorAll(".plan-form")) listen(form, form.querySelector(".problem"), () => savePlan(form));
if (place) startOne();

function startOne() {
  const revision = Number(place.dataset.revision);
  const address = `/v1/crises/${place.dataset.crisis}`;
  for (const form of document.querySelectorAll(".crisis-act")) {
    listen(form, byId("act-problem"), async () => {
      const verb = form.dataset.verb;
      const body = { reason: said(form.querySelector(".reason"), t("Say why.")) };
      if (verb === "begin-alone") body.revision = revision;
      if (verb === "extend") body.until = moment(form.querySelector(".until"));
      await call("POST", `${address}/${verb}`, body);
      leave(location.pathname, t("It is done, and in the timeline."));
    });
  }
  byId("approve")?.addEventListener("click", () => attempt(async () => {
    await call("POST", `${address}/approve`, { revision });
    leave(location.pathname, t("It is approved. What waits is being moved."));
  }, sayingIn(byId("act-problem"))));
  if (byId("preview-form")) listen(byId("preview-form"), byId("act-problem"), () => preview(address));
  if (byId("review-form")) listen(byId("review-form"), byId("review-problem"), () => review(address));
}

async function preview(address) {
  byId("preview-words").textContent = t("Working it out…");
  try {
    const queue = byId("preview-queue").value;
    const found = await call("GET", `${address}/preview?queue=${encodeURIComponent(queue)}`);
    const front = tn("%(count)s case would come among the first %(top)s of %(queue)s.", "%(count)s cases would come among the first %(top)s of %(queue)s.", found.front.enter.length, {
      count: number(found.front.enter.length), top: number(found.front.top), queue,
    });
    const routed = tn("One of the last day’s cases would have gone elsewhere.", "%(count)s of the last day’s cases would have gone elsewhere.", found.moved, { count: number(found.moved) });
    const moved = found.front.areas.filter(({ now, then }) => now !== then)
      .map(({ area, now, then }) => t("%(area)s: %(now)s now, %(then)s then.", { area: area.replaceAll("_", " "), now: number(now), then: number(then) }));
    byId("preview-words").textContent = [front, routed, ...moved].join(" ");
  } catch (error) {
    byId("preview-words").textContent = "";
    throw error;
  }
}

async function review(address) {
  const title = byId("action-title").value.trim();
  const owner = byId("action-owner").value.trim();
  const due = byId("action-due").value;
  if (title && (!owner || !due)) throw new Error(t("An action needs a person and a day."));
  await call("POST", `${address}/reviews`, {
    happened: said(byId("happened"), t("Say what happened.")),
    worked: said(byId("worked"), t("Say what worked, and what did not.")),
    decisions: said(byId("decisions"), t("Say what was decided.")),
    actions: title ? [{ title, owner, due_on: due }] : [],
  });
  leave(location.pathname, t("The review is kept."));
}

async function keepDraft() {
  const areas = [...document.querySelectorAll(".crisis-factor")]
    .map((row) => ({ area: row.querySelector(".factor-area").value, factor: Number(row.querySelector(".factor-times").value) }))
    .filter(({ area }) => area);
  const route = byId("route-area").value;
  const holding = byId("holding").value.trim();
  const made = await call("POST", "/v1/crises", {
    name: said(byId("name"), t("Give it a name.")),
    reason: said(byId("reason"), t("Say why.")),
    until: moment(byId("until")),
    spec: {
      about: areas.map(({ area }) => area),
      areas,
      markets: listed("markets"),
      languages: listed("languages"),
      guard_minutes: byId("guard").value ? Number(byId("guard").value) : null,
      rules: route ? [{ name: byId("name").value.trim(), queue: byId("route-queue").value, when: { primary_areas: [route] } }] : [],
      guidance: byId("guidance").value.trim(),
      statements: holding ? [{ area: areas[0]?.area ?? null, language: byId("holding-language").value.trim() || "en", text: holding }] : [],
    },
  });
  leave(`/crisis/${made.id}`, t("The draft is kept. Somebody else can approve it."));
}

async function activate(form) {
  const made = await call("POST", `/v1/continuity/${form.dataset.plan}/activate`, {
    until: moment(form.querySelector(".until")),
    reason: said(form.querySelector(".reason"), t("Say why.")),
  });
  leave(`/crisis/${made.id}`, t("The draft is kept. Somebody else can approve it."));
}

async function savePlan(form) {
  const name = form.dataset.plan ?? said(form.querySelector(".name"), t("Give it a short name."));
  let plan;
  try {
    plan = JSON.parse(form.querySelector(".plan-text").value);
  } catch {
    throw new Error(t("The plan cannot be read: it is not JSON."));
  }
  const title = said(form.querySelector(".title"), t("Give it a title."));
  await call("PUT", `/v1/continuity/${encodeURIComponent(name)}`, { title, based_on: Number(form.dataset.version), plan });
  leave("/crisis", t("The plan is saved. Drill it."));
}

function listen(form, problem, act) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(act, sayingIn(problem));
  });
}

function said(field, missing) {
  const value = field.value.trim();
  if (!value) {
    field.focus();
    throw new Error(missing);
  }
  return value;
}

function moment(field) {
  if (!field.value) {
    field.focus();
    throw new Error(t("Choose when it ends."));
  }
  return `${field.value}:00Z`;
}

function listed(id) {
  return byId(id).value.split(/[\s,;]+/).filter(Boolean);
}

function leave(address, text) {
  sayOnNextPage(text);
  if (address === location.pathname) location.reload();
  else location.assign(address);
}
