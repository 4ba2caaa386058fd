// That a milder case came, and why: kept in this tab alone, for the lease that it was said with.

import { t } from "./words.js";

const PLACE = "triage.milder";
// One case in hand and one fetched ahead are usual; older ones are of no use.
const KEPT = 4;

export function rememberMilder(claimed) {
  if (!claimed?.milder) return;
  const said = [[claimed.lease.token, claimed.milder.words], ...kept()].slice(0, KEPT);
  sessionStorage.setItem(PLACE, JSON.stringify(said));
}

export function showMilder(token) {
  const words = new Map(kept()).get(token);
  const place = document.getElementById("milder");
  if (!words) return;
  const link = document.createElement("a");
  link.href = "/exposure";
  link.textContent = t("Your exposure");
  place.replaceChildren(t("A milder case came. %(why)s", { why: words }), " ", link);
  place.hidden = false;
}

function kept() {
  return JSON.parse(sessionStorage.getItem(PLACE) ?? "[]");
}
