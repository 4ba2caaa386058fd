// A page that could not be shown: it comes back by itself where waiting helps.

import { startPage } from "./page.js";
import { t } from "./words.js";

const MOST_SECONDS = 60;
const page = document.querySelector(".error-page");
const waiting = document.getElementById("waiting");

if (document.getElementById("sign-out")) startPage();

const back = document.getElementById("back");
if (back && history.length > 1) {
  back.hidden = false;
  back.addEventListener("click", () => history.back());
}

if (page.dataset.waits) tryAgain(Number(page.dataset.waits));

// Asked for is whether the service is ready, not this page: what is overloaded gets no more than it must.
function tryAgain(seconds) {
  waiting.hidden = false;
  waiting.textContent = t("Tried again in %(seconds)s seconds.", { seconds });
  setTimeout(async () => {
    const response = await fetch("/readyz", { cache: "no-store" }).catch(() => null);
    if (response?.ok) location.reload();
    else tryAgain(Math.min(seconds * 2, MOST_SECONDS));
  }, seconds * 1000);
}
