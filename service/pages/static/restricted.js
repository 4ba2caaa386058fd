// Restricted paths: who is named there, and packages to file. Every change goes through the API.

import { startActs } from "./acts.js";
import { startCountdowns } from "./countdowns.js";
import { onKey } from "./keys.js";
import { startPage } from "./page.js";

startPage();
startActs();
startCountdowns();
onKey("a", () => {
  const field = document.querySelector("input[name=username]");
  field?.closest("details")?.setAttribute("open", "");
  field?.focus();
});
