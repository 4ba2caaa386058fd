// The policy of the area that the form names, beside the content. "No violation" names none: what was there stays, since
// that is what the content does not violate.

import { onCaseKey } from "./life.js";
import { t } from "./words.js";

export function startPolicy() {
  const card = document.getElementById("policy");
  const place = document.getElementById("policy-text");
  const whole = document.getElementById("policy-whole");
  const texts = new Map([[card.dataset.area, [...place.childNodes]]]);
  let wanted = card.dataset.area;

  whole.addEventListener("click", () => unfold(whole.getAttribute("aria-expanded") !== "true"));
  onCaseKey("i", () => unfold(whole.getAttribute("aria-expanded") !== "true"));
  document.getElementById("decision")?.addEventListener("areachange", ({ detail, target }) => {
    if (!detail || detail === target.dataset.benign || detail === wanted) return;
    wanted = detail;
    show(detail);
  });

  function unfold(on) {
    whole.setAttribute("aria-expanded", String(on));
    card.classList.toggle("is-whole", on);
    if (on) place.focus({ preventScroll: true });
    if (on) card.scrollIntoView({ block: "nearest" });
  }

  async function show(area) {
    if (!texts.has(area)) {
      place.setAttribute("aria-busy", "true");
      const found = await fetched(card.dataset.case, area);
      if (found) texts.set(area, found);
      if (area !== wanted) return;
    }
    place.removeAttribute("aria-busy");
    place.replaceChildren(...(texts.get(area) ?? [missing(area)]));
    place.scrollTop = 0;
  }
}

async function fetched(caseId, area) {
  const address = `/cases/${caseId}/policy/${encodeURIComponent(area)}`;
  const answer = await fetch(address, { credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok || answer.redirected) return null;
  const text = await answer.text().catch(() => null);
  return text === null ? null : [...new DOMParser().parseFromString(text, "text/html").body.childNodes];
}

function missing(area) {
  const said = document.createElement("p");
  said.className = "soft small";
  const link = document.createElement("a");
  link.href = `/policies/${encodeURIComponent(area)}`;
  link.target = "_blank";
  link.textContent = t("Open it on its own page");
  said.append(t("The policy could not be loaded."), " ", link);
  return said;
}
