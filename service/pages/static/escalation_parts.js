// The parts of an escalation's page: messages, facts, what it is about, who follows it, what came with it.

import { call } from "./api.js";
import { attempt } from "./attempt.js";
import { onKey } from "./keys.js";
import { reloadWith } from "./notice.js";
import { setState } from "./page.js";
import { t } from "./words.js";

// Words that are not kept yet survive a page that is loaded anew, in this tab alone.
export function startMessages(record, done) {
  const form = document.getElementById("message-form");
  const field = form.elements.body;
  const problem = document.getElementById("message-problem");
  const hint = document.getElementById("message-hint");
  const draft = `triage.escalation.${record.me}.${record.id}`;
  field.value = sessionStorage.getItem(draft) ?? "";
  field.addEventListener("input", () => sessionStorage.setItem(draft, field.value));
  form.addEventListener("change", () => (hint.textContent = hint.dataset[form.elements.kind.value]));
  onKey("m", () => field.focus());
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form.requestSubmit();
  });
  let busy = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = field.value.trim();
    refuse(body ? "" : t("Write something first."));
    if (!body || busy) return;
    busy = true;
    const kind = form.elements.kind.value;
    const what = kind === "inbound" ? { direction: "inbound", kind: "note" } : { direction: "internal", kind };
    try {
      await call("POST", `${record.path}/messages`, { ...what, body });
      sessionStorage.removeItem(draft);
      done(t("The message is kept."));
    } catch (error) {
      busy = false;
      refuse(error.message);
    }
  });

  function refuse(text) {
    problem.textContent = text;
    setState(field, "aria-invalid", Boolean(text));
    if (text) field.focus();
  }
}

export function startHandover(record, done) {
  const button = document.getElementById("handover-read");
  button?.addEventListener("click", () => attempt(async () => {
    await call("POST", `${record.path}/handover/read`);
    done(t("The hand-over note is read."));
  }));
}

export function startFacts(record, done) {
  const dialog = document.getElementById("facts-dialog");
  const form = document.getElementById("facts-form");
  const problem = dialog.querySelector("[role=alert]");
  const before = factsOf(form);
  document.getElementById("change-facts")?.addEventListener("click", () => dialog.showModal());
  dialog.querySelector(".cancel").addEventListener("click", () => dialog.close());
  form.elements.confidentiality.addEventListener("change", () => {
    document.getElementById("path-field").hidden = form.elements.confidentiality.value !== "restricted";
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    const after = factsOf(form);
    const changed = Object.fromEntries(Object.entries(after).filter(([name, value]) => value !== before[name]));
    try {
      const answer = await call("PATCH", record.path, { version: record.version, reason: form.elements.reason.value, ...changed });
      done(t("The facts are changed."), { gone: !answer });
    } catch (error) {
      if (error.code === "escalation_changed") return reloadWith(error.message);
      problem.textContent = error.message;
      problem.hidden = false;
    }
  });
}

function factsOf(form) {
  const { elements } = form;
  const or = (name) => elements[name].value || null;
  const restricted = elements.confidentiality.value === "restricted";
  return {
    title: elements.title.value.trim(),
    severity: elements.severity.value === "" ? null : Number(elements.severity.value),
    policy_area: or("policy_area"),
    trigger: elements.trigger.value,
    jurisdiction: or("jurisdiction"),
    language: elements.language.value,
    confidentiality: elements.confidentiality.value,
    path: restricted ? or("path") : null,
    high_profile: elements.high_profile.checked,
    at_risk: elements.at_risk.checked,
    grey_area: elements.grey_area.checked,
  };
}

export function startLinks(record, done) {
  const form = document.getElementById("link-form");
  const problem = document.getElementById("link-problem");
  for (const button of document.querySelectorAll(".unlink")) {
    button.addEventListener("click", () => attempt(async () => {
      await call("DELETE", `${record.path}/links/${button.dataset.link}`);
      done(t("It is not about that any more."));
    }));
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.textContent = "";
    try {
      await call("POST", `${record.path}/links`, await named(form.elements.kind.value, form.elements.id.value.trim()));
      done(t("What it is about is kept."));
    } catch (error) {
      problem.textContent = error.message;
    }
  });
}

async function named(kind, said) {
  if (kind === "escalation") return { other_id: await idOf(said) };
  if (kind !== "case") return { asset: { kind, id: said } };
  const id = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(said)?.[0];
  if (!id) throw new Error(t("Give the whole id of the case, or the address of its page."));
  return { case_id: id };
}

export function startWatchers(record, done) {
  const follow = document.getElementById("follow");
  const form = document.getElementById("watcher-form");
  const field = document.getElementById("watcher-name");
  const problem = document.getElementById("watcher-problem");
  const off = (name) => call("DELETE", `${record.path}/watchers/${encodeURIComponent(name)}`);
  onKey("f", () => follow.click());
  follow.addEventListener("click", () => attempt(async () => {
    const follows = follow.getAttribute("aria-pressed") === "true";
    await (follows ? off(record.me) : call("POST", `${record.path}/watchers`, {}));
    // Of a confidential one, following it may be all that let one see it.
    const gone = follows && (await call("GET", record.path).then(() => false, () => true));
    done(follows ? t("You follow it no longer.") : t("You follow it."), { gone });
  }));
  for (const button of document.querySelectorAll(".unwatch")) {
    button.addEventListener("click", () => attempt(async () => {
      await off(button.dataset.name);
      done(t("%(name)s follows it no longer.", { name: button.dataset.name }));
    }));
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.textContent = "";
    try {
      await call("POST", `${record.path}/watchers`, { username: field.value.trim() });
      done(t("%(name)s follows it.", { name: field.value.trim() }));
    } catch (error) {
      problem.textContent = error.message;
    }
  });
}

export function startUploads(record, done) {
  const field = document.getElementById("attach-file");
  field?.addEventListener("change", () => attempt(async () => {
    const [file] = field.files;
    if (!file) return;
    const body = new FormData();
    body.append("file", file);
    const uploaded = await call("POST", "/v1/media", body);
    await call("POST", `${record.path}/attachments`, { media_id: uploaded.media_id, name: file.name.slice(0, 200) });
    done(t("It is kept with the escalation."));
  }));
}

// The id of a record that somebody calls by its number or its address.
export async function idOf(said) {
  const id = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(said ?? "")?.[0];
  if (id) return id;
  const number = /^\s*(?:e-?)?(\d{1,15})\s*$/i.exec(said ?? "")?.[1];
  const found = number ? await call("GET", `/v1/escalations?status=any&limit=1&number=${number}`) : { escalations: [] };
  if (!found.escalations.length) throw new Error(t("There is no escalation %(number)s that you may see.", { number: said }));
  return found.escalations[0].id;
}
