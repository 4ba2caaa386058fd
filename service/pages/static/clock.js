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

export function countdown(seconds) {
  const left = Math.max(0, seconds);
  if (left >= 86_400) return t("%(days)s d %(hours)s h", { days: Math.floor(left / 86_400), hours: Math.floor((left % 86_400) / 3600) });
  if (left >= 3600) {
    return t("%(hours)s h %(minutes)s min", { hours: Math.floor(left / 3600), minutes: Math.floor((left % 3600) / 60) });
  }
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
}
