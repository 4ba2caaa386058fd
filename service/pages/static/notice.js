// A line on top of the page that comes next: what was told on one page is said by the one after it.

const PLACE = "triage.notice";

// For a page that is out of date: what it was told is said again by the fresh one.
export function reloadWith(text) {
  remember(text, true);
  location.reload();
}

// For what went well on a page that is being left.
export function sayOnNextPage(text) {
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
}

function remember(text, warns) {
  sessionStorage.setItem(PLACE, JSON.stringify({ text, warns }));
}
