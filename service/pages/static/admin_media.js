// How media are shown to whoever has not chosen for themselves.

import { ask } from "./admin_dialogs.js";
import { call } from "./api.js";
import { reloadWith } from "./notice.js";
import { startPage } from "./page.js";
import { t } from "./words.js";

const form = document.getElementById("defaults-form");
const { level, colour, lines_first: lines, mask_text: masked } = form.elements;

startPage();
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const weaker = [
    ...(colour.checked && !colour.defaultChecked ? [t("Pictures in colour weigh more on people than gray ones.")] : []),
    ...(!masked.checked && masked.defaultChecked ? [t("Slurs and graphic words then stand open in every text.")] : []),
  ];
  ask({
    title: t("Change how media are shown?"),
    words: [t("It holds at once for everybody who has not chosen for themselves; what somebody has chosen stays."), ...weaker],
    label: t("Save"),
    action: async () => {
      const body = {
        level: level.value ? Number(level.value) : null,
        colour: colour.checked,
        lines_first: lines.checked,
        mask_text: masked.checked,
      };
      await call("PUT", "/v1/defaults/media", body);
      reloadWith(t("Saved."));
    },
  });
});
