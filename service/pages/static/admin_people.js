// The list of people: finding them is the form's affair; here somebody is added.

import { showErrors, showOnce } from "./admin_dialogs.js";
import { call } from "./api.js";
import { onKey } from "./keys.js";
import { serviceLost } from "./lost.js";
import { showProblem, startPage } from "./page.js";
import { t } from "./words.js";

const part = (name) => document.getElementById(`person-${name}`);
const dialog = part("dialog");
let busy = false;

startPage();
document.getElementById("add-person").addEventListener("click", open);
onKey("a", open);
part("cancel").addEventListener("click", () => dialog.close());
part("role").addEventListener("change", say);
part("form").addEventListener("submit", (event) => {
  event.preventDefault();
  add();
});

// A list that could not be found anew stays, and is not taken for the answer; a session that is over leads to the sign-in.
document.body.addEventListener("htmx:sendError", serviceLost);
document.body.addEventListener("htmx:responseError", ({ detail }) => {
  showProblem(t("The service answered %(status)s.", { status: detail.xhr.status }));
});
document.body.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (xhr.status === 200) showProblem("");
  if (new URL(xhr.responseURL).pathname === location.pathname) return;
  event.detail.shouldSwap = false;
  location.reload();
});

function open() {
  for (const name of ["problem", "username-problem"]) part(name).textContent = "";
  part("username").value = "";
  say();
  dialog.showModal();
  part("username").focus();
}

function say() {
  part("role-words").textContent = part("role").selectedOptions[0].dataset.words;
}

async function add() {
  const username = part("username").value.trim().toLowerCase();
  const opened = document.querySelector("[name=opened]:checked").value;
  part("problem").textContent = "";
  part("username-problem").textContent = /^[a-z0-9][a-z0-9._-]{1,63}$/.test(username)
    ? ""
    : t("Two to 64 small letters, digits, dots, dashes or underscores, beginning with a letter or digit.");
  if (part("username-problem").textContent) return part("username").focus();
  if (busy) return;
  busy = true;
  try {
    const body = { username, role: part("role").value, one_time_password: opened === "password" };
    const made = await call("POST", "/v1/people", body);
    dialog.close();
    showOnce({
      title: t("%(name)s is added", { name: username }),
      words: made.api_key
        ? t("This key can do everything that the role may. For less, make another one under Keys and revoke this one.")
        : t("Tell them this password. It is good for one sign-in within three days, at which they choose their own."),
      secret: made.api_key ?? made.one_time_password,
      then: () => location.assign(`/admin/people/${encodeURIComponent(username)}`),
    });
  } catch (error) {
    // Whether a name is free only the service knows.
    if (error.code === "name_taken") part("username-problem").textContent = error.message;
    else showErrors(error, "person-", ["username"]);
  } finally {
    busy = false;
  }
}
