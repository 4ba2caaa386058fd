// What a question could go on with, below the field: filters by their name, values of a filter.

import { call } from "./api.js";

const WAIT = 80;

export function startCompletions(field) {
  const list = document.getElementById("completions");
  let found = [];
  let at = -1;
  let timer = 0;
  let asked = 0;

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, WAIT);
  });
  field.addEventListener("blur", () => setTimeout(close, 150));
  field.addEventListener("keydown", (event) => {
    if (list.hidden || event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose((at + (event.key === "ArrowDown" ? 1 : -1 + found.length) + (at < 0 && event.key === "ArrowUp" ? 1 : 0)) % found.length);
    } else if ((event.key === "Enter" || event.key === "Tab") && at >= 0) {
      event.preventDefault();
      take(found[at]);
    } else if (event.key === "Escape") {
      event.preventDefault();
      close();
    }
  });

  async function look() {
    const mine = ++asked;
    const query = field.value;
    if (!query.trim()) return close();
    let answer;
    try {
      answer = await call("POST", "/v1/search/completions", { query, at: field.selectionStart ?? query.length });
    } catch {
      // Nothing depends on it: the question can be typed to its end.
      return close();
    }
    if (mine !== asked || document.activeElement !== field) return undefined;
    found = answer.completions;
    list.replaceChildren(...found.map(row));
    choose(-1);
    show(found.length > 0);
    return undefined;
  }

  function row(one, place) {
    const item = document.createElement("li");
    item.id = `completion-${place}`;
    item.role = "option";
    const word = document.createElement("span");
    word.className = "mono";
    word.textContent = one.insert;
    const about = document.createElement("span");
    about.className = "soft";
    about.textContent = document.getElementById(`about-${one.insert.replace(":", "")}`)?.textContent ?? "";
    item.append(word, about);
    item.addEventListener("mousedown", (event) => {
      event.preventDefault();
      take(one);
    });
    return item;
  }

  function take(one) {
    field.value = field.value.slice(0, one.start) + one.insert + field.value.slice(one.end);
    const place = one.start + one.insert.length;
    field.setSelectionRange(place, place);
    close();
    if (one.insert.endsWith(":")) look();
  }

  function choose(place) {
    at = place;
    for (const [number, item] of [...list.children].entries()) item.setAttribute("aria-selected", String(number === at));
    if (at >= 0) field.setAttribute("aria-activedescendant", `completion-${at}`);
    else field.removeAttribute("aria-activedescendant");
  }

  function show(on) {
    list.hidden = !on;
    field.setAttribute("aria-expanded", String(on));
  }

  function close() {
    asked += 1;
    clearTimeout(timer);
    found = [];
    show(false);
  }

  return { close, open: () => !list.hidden };
}
