// Making, changing and closing queues, in a dialog of the page of routing.

import { call } from "./api.js";
import { reloadWith } from "./notice.js";
import { t } from "./words.js";

export function startQueues(queues) {
  const form = new QueueForm();
  document.getElementById("add-queue").addEventListener("click", () => form.open(null));
  for (const button of document.querySelectorAll(".change-queue")) {
    button.addEventListener("click", () => form.open(queues.find((queue) => queue.name === button.dataset.queue)));
  }
}

class QueueForm {
  #dialog = document.getElementById("queue-dialog");
  #form = document.getElementById("queue-form");
  #problem = document.getElementById("queue-problem");
  #queue = null;
  #membersChanged = false;

  constructor() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#do(() => this.#save());
    });
    this.#field("special").addEventListener("change", () => {
      if (this.#field("special").value) this.#field("restricted").checked = true;
    });
    this.#dialog.addEventListener("close", () => this.#membersChanged && reloadWith(t("The members are changed.")));
    document.getElementById("queue-cancel").addEventListener("click", () => this.#dialog.close());
    document.getElementById("queue-close").addEventListener("click", () => this.#do(() => this.#close()));
    document.getElementById("add-member").addEventListener("click", () => this.#do(() => this.#member("PUT", this.#named())));
  }

  open(queue) {
    this.#queue = queue;
    this.#problem.textContent = "";
    document.getElementById("queue-title").textContent = queue ? queue.title : t("New queue");
    this.#field("name").value = queue?.name ?? "";
    this.#field("name").disabled = queue !== null;
    this.#field("shown").value = queue?.title ?? "";
    this.#field("description").value = queue?.description ?? "";
    this.#field("skills").value = (queue?.skills ?? []).join(", ");
    this.#field("restricted").checked = queue?.restricted ?? false;
    this.#field("special").value = queue?.special ?? "";
    this.#check("roles", queue?.roles ?? []);
    this.#check("hidden_actions", queue?.hidden_actions ?? []);
    document.getElementById("queue-close").hidden = queue === null || queue.name === "default";
    document.getElementById("queue-members").hidden = !queue?.restricted;
    document.getElementById("member-name").value = "";
    document.getElementById("member-list").replaceChildren(...(queue?.members ?? []).map((name) => this.#shown(name)));
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#field(queue ? "shown" : "name").focus();
  }

  #field(name) {
    return document.getElementById(`queue-${name}`);
  }

  #check(name, values) {
    for (const box of this.#form.querySelectorAll(`[name=${name}]`)) box.checked = values.includes(box.value);
  }

  #checked(name) {
    return [...this.#form.querySelectorAll(`[name=${name}]:checked`)].map((box) => box.value);
  }

  #named() {
    return document.getElementById("member-name").value.trim();
  }

  #path(rest = "") {
    return `/v1/queues/${encodeURIComponent(this.#queue.name)}${rest}`;
  }

  async #do(what) {
    this.#problem.textContent = "";
    try {
      await what();
    } catch (error) {
      this.#problem.textContent = error.message;
    }
  }

  async #save() {
    const roles = this.#checked("roles");
    const body = {
      title: this.#field("shown").value,
      description: this.#field("description").value,
      skills: this.#field("skills").value.split(",").map((skill) => skill.trim()).filter(Boolean),
      roles: roles.length ? roles : null,
      restricted: this.#field("restricted").checked,
      special: this.#field("special").value || null,
      hidden_actions: this.#checked("hidden_actions"),
    };
    if (this.#queue) await call("PATCH", this.#path(), body);
    else await call("POST", "/v1/queues", { name: this.#field("name").value, ...body });
    reloadWith(body.restricted && !this.#queue
      ? t("%(title)s is saved. Nobody is in it yet: let its members in.", { title: body.title })
      : t("%(title)s is saved.", { title: body.title }));
  }

  async #close() {
    await call("POST", this.#path("/close"));
    reloadWith(t("%(title)s is closed.", { title: this.#queue.title }));
  }

  async #member(method, name) {
    if (!name) throw new Error(t("Type the user name of a person who reviews."));
    const changed = await call(method, this.#path(`/members/${encodeURIComponent(name)}`));
    Object.assign(this.#queue, changed);
    this.#membersChanged = true;
    this.open(this.#queue);
    document.getElementById("member-name").focus();
  }

  #shown(name) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    item.className = "tag member";
    item.append(name, " ", button);
    button.type = "button";
    button.textContent = "×";
    button.setAttribute("aria-label", t("Take %(name)s out", { name }));
    button.addEventListener("click", () => this.#do(() => this.#member("DELETE", name)));
    return item;
  }
}
