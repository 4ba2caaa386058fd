// Questions to teams: the desk in due order by keyboard, and one question with its forms.

import { startActs } from "./acts.js";
import { startCountdowns } from "./countdowns.js";
import { onKey } from "./keys.js";
import { startPage } from "./page.js";

const rows = [...document.querySelectorAll(".consult-row a")];
let at = -1;

startPage();
startActs();
startCountdowns();
onKey("j", () => go(at + 1));
onKey("k", () => go(at - 1));
onKey("n", () => rows[0]?.click());
onKey("t", () => document.getElementById("take")?.click());
onKey("a", () => focus("answer"));
onKey("b", () => focus("remark"));
document.addEventListener("focusin", (event) => {
  at = Math.max(at, -1);
  if (rows.includes(event.target)) at = rows.indexOf(event.target);
});

function go(place) {
  if (!rows.length) return;
  at = Math.min(Math.max(place, 0), rows.length - 1);
  rows[at].focus();
}

function focus(id) {
  const field = document.getElementById(id);
  field?.closest("details")?.setAttribute("open", "");
  field?.focus();
}
