// Keeping a narrative: what is shown is made anew on the server from the facts of that moment.

import { call } from "./api.js";
import { sayOnNextPage } from "./notice.js";
import { openForms, startPage } from "./page.js";
import { t } from "./words.js";

startPage();

const form = document.getElementById("narrative-form");
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = document.getElementById("bottom-line");
  const button = form.querySelector("button[type=submit]");
  const written = field.value.trim();
  const { record, audience, form: kind, spoken: language, zone } = form.dataset;
  // What nobody touched is still a proposal.
  const body = { audience, form: kind, language, zone, bottom_line: written === field.defaultValue.trim() ? "" : written };
  button.disabled = true;
  try {
    const made = await call("POST", `/v1/escalations/${record}/narratives`, body);
    sayOnNextPage(t("Version %(number)s is kept.", { number: made.version }));
    location.assign(`/escalations/${record}/narrative?shown=${made.id}`);
  } catch (error) {
    document.getElementById("narrative-problem").textContent = error.message;
    button.disabled = false;
  }
});
openForms();
