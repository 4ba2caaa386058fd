// Times on a page that run towards a moment of the server's clock, and past it.

import { countdown, duration, secondsUntil } from "./clock.js";
import { moment, t } from "./words.js";

export function startCountdowns() {
  setInterval(tickCountdowns, 1000);
  tickCountdowns();
  showLocalTimes();
}

// The server writes moments in UTC; people plan by the clock on their wall. The day is said where it is not today.
export function localTime(when) {
  const day = when.toDateString() === new Date().toDateString() ? {} : { weekday: "short", day: "numeric", month: "short" };
  return moment(when, { ...day, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

export function showLocalTimes() {
  for (const element of document.querySelectorAll(".local-time")) element.textContent = localTime(new Date(element.dateTime));
}

// `data-plain` is for a time that stands in a sentence of its own, `data-overdue` for what ought to have been done by then;
// the others say "in" and, once over, "ago". Those never say minutes and seconds, which would read as a time of day.
export function tickCountdowns() {
  for (const element of document.querySelectorAll(".counts-down[data-until]")) {
    const seconds = secondsUntil(element.dataset.until);
    const words = duration(Math.abs(seconds));
    if ("plain" in element.dataset) element.textContent = countdown(seconds);
    else if (seconds > 0) element.textContent = t("in %(time)s", { time: words });
    else element.textContent = "overdue" in element.dataset ? t("overdue by %(time)s", { time: words }) : t("%(time)s ago", { time: words });
  }
}
