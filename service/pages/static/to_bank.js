// A picture of a decided case goes into a bank of known pictures.

import { call } from "./api.js";
import { sayOnNextPage } from "./notice.js";
import { t } from "./words.js";

export function startToBank() {
  const dialog = document.getElementById("to-bank");
  if (!dialog) return;
  const part = (name) => document.getElementById(`to-bank-${name}`);
  let media = null;
  let busy = false;

  for (const button of document.querySelectorAll(".to-bank")) {
    button.addEventListener("click", () => {
      media = button.dataset.media;
      part("problem").textContent = "";
      dialog.showModal();
    });
  }
  part("cancel").addEventListener("click", () => dialog.close());
  part("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    const bank = part("bank").selectedOptions[0];
    const body = { decision_id: dialog.dataset.decision, media_id: media, note: part("note").value.trim() };
    try {
      const { added } = await call("POST", `/v1/banks/${bank.value}/decided`, body);
      sayOnNextPage(added ? t("The picture is in the bank %(bank)s now.", { bank: bank.text }) : t("The bank %(bank)s had the picture already.", { bank: bank.text }));
      location.reload();
    } catch (error) {
      busy = false;
      part("problem").textContent = error.message;
    }
  });
}
