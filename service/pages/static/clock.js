// The server's time. Leases and undo windows end by its clock, and a reviewer's computer may be minutes off.

import { t } from "./words.js";

let ahead = 0;

export function setServerTime(written) {
  const [navigation] = performance.getEntriesByType("navigation");
  // The page was written just before its first byte arrived, which may be long before this script runs.
  const since = navigation?.responseStart ? performance.now() - navigation.responseStart : 0;
  const arrived = Date.now() - Math.max(0, since);
  ahead = Date.parse(written) - arrived;
}

export function serverNow() {
  return Date.now() + ahead;
}

export function secondsUntil(moment) {
  return Math.ceil((Date.parse(moment) - serverNow()) / 1000);
}

// In the two largest units, in the very words in which the server writes it.
export function duration(seconds) {
  if (seconds < 60) return t("%(seconds)s s", { seconds });
  if (seconds < 3600) return t("%(minutes)s min", { minutes: Math.floor(seconds / 60) });
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor(seconds / 3600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  if (days) return hours ? t("%(days)s d %(hours)s h", { days, hours }) : t("%(days)s d", { days });
  return minutes ? t("%(hours)s h %(minutes)s min", { hours, minutes }) : t("%(hours)s h", { hours });
}

// What is left of an hour by minutes and seconds, since somebody works against it.
export function countdown(seconds) {
  const left = Math.max(0, seconds);
  if (left >= 3600) return duration(left);
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
}
