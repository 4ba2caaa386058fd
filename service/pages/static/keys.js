// Single-key commands. They rest while somebody types, while a dialog is open, and when they are switched off, which
// people who use speech input need (WCAG 2.1.4).

const SWITCH = "triage.keys";
const commands = new Map();
// Whatever takes letters or digits; what is only pressed or moved does not.
const TYPING = "textarea, input:not([type=checkbox], [type=radio], [type=range], [type=button], [type=submit])";

// `name` is "n", "?", "Digit1", "Shift+Digit1" or "Ctrl+Enter". Digits are named by their place on the keyboard, since
// what Shift makes of them differs between layouts.
export function onKey(name, command) {
  commands.set(name, command);
}

export function keysAreOn() {
  return localStorage.getItem(SWITCH) !== "off";
}

export function switchKeys(on) {
  localStorage.setItem(SWITCH, on ? "on" : "off");
  document.body.classList.toggle("without-keys", !on);
}

export function startKeys() {
  document.body.classList.toggle("without-keys", !keysAreOn());
  document.addEventListener("keydown", (event) => {
    const command = commands.get(nameOf(event));
    if (!command || event.repeat || event.isComposing || event.defaultPrevented) return;
    if (document.querySelector("dialog[open]")) return;
    if (!belongsToPage(event)) return;
    event.preventDefault();
    command(event);
  });
}

function nameOf(event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) return "Ctrl+Enter";
  if (event.ctrlKey || event.metaKey || event.altKey) return "";
  if (event.key === "Escape") return "Escape";
  const digit = event.code.replace("Numpad", "Digit");
  if (/^Digit\d$/.test(digit)) return event.shiftKey ? `Shift+${digit}` : digit;
  return event.key.toLowerCase();
}

function belongsToPage(event) {
  const name = nameOf(event);
  if (name === "Ctrl+Enter" || name === "Escape") return true;
  if (!keysAreOn() || event.target.closest(TYPING)) return false;
  // A list of options finds entries by letter; digits are in no name, so they still choose actions.
  return !event.target.closest("select") || name.includes("Digit");
}
