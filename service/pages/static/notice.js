// A line on top of the page that comes next: what was told on one page is said by the one after it. Where somebody acted in
// one part of a long page, it is said in that part, and there the keyboard goes on.

const PLACE = "triage.notice";
let part = "";

// A dialog belongs to whatever opened it.
document.addEventListener("focusin", ({ target }) => {
  if (!target.closest("dialog")) part = target.closest("section.card[id]")?.id ?? "";
});

// For a page that is out of date: what it was told is said again by the fresh one.
export function reloadWith(text) {
  remember(text, true);
  location.reload();
}

// For what went well on a page that is being left; with `whole`, on top of the next one wherever the keyboard was.
export function sayOnNextPage(text, { whole = false } = {}) {
  if (whole) part = "";
  remember(text, false);
}

// For what is over by the time that it is told.
export function sayNow(text) {
  remember(text, true);
  showNotice();
}

export function showNotice() {
  const place = document.getElementById("notice");
  const said = JSON.parse(sessionStorage.getItem(PLACE) ?? "null");
  sessionStorage.removeItem(PLACE);
  if (!place || !said) return;
  place.classList.toggle("notice-warn", said.warns);
  place.classList.toggle("notice-accent", !said.warns);
  place.textContent = said.text;
  place.hidden = false;
  const title = said.part && document.querySelector(`#${CSS.escape(said.part)} > h2`);
  if (!title) return;
  title.after(place);
  title.tabIndex = -1;
  title.focus({ preventScroll: true });
}

function remember(text, warns) {
  sessionStorage.setItem(PLACE, JSON.stringify({ text, warns, part }));
}
