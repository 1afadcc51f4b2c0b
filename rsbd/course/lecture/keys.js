// The keys of a lecture, the same on the live stage and on the static pages.

// Key, what it does, the word on its button, and the line in the list of keys.
const KEYS = [
  ["n", "next", "next", "next scene"], ["p", "previous", "previous", "scene before"],
  ["r", "reset", "reset", "back to preset 1"], ["f", "freeze", "freeze", "hold the picture while controls move"],
  ["b", "big", "big", "only title, controls and picture"], ["t", "theme", "theme", "light or dark"],
  ["h", "help", "keys", "this list"],
];
const MORE = { PageDown: "next", PageUp: "previous", "?": "help" }; // the two buttons of a presenter

// What a key press asks for, or null. Sliders keep their arrow and page keys, and a box keeps what is typed in it;
// Escape leaves it.
function meaning(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return null;
  const at = event.target instanceof Element ? event.target : document.body;
  const typing = at.isContentEditable || at.matches("textarea, select, input:not([type=range], [type=checkbox])");
  if (event.key === "Escape") return { act: typing ? "leave" : "close" };
  if (typing) return null;
  if (/^Page/.test(event.key) && at.matches("[role=slider], input[type=range]")) return null;
  if (/^[1-9]$/.test(event.key)) return { act: "preset", number: Number(event.key) };
  const found = KEYS.find(([key]) => key === event.key.toLowerCase());
  const act = found ? found[1] : MORE[event.key];
  return act ? { act } : null;
}

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

// A button that shows its key.
function button(key, label, action) {
  const made = make("button", "rsbd-key");
  made.type = "button";
  made.dataset.lmSuppressShortcuts = "true"; // JupyterLab, too, has plans for single letters
  made.append(make("kbd", "", key), label);
  made.addEventListener("click", action);
  return made;
}

function keyTable() {
  const box = make("div", "rsbd-help");
  const list = make("dl");
  const rows = [
    ...KEYS.map(([key, , , line]) => [key, line]),
    ["1 2 3", "presets of this scene"], ["Page down, Page up", "next, previous (a presenter's buttons)"],
    ["arrow keys", "move the slider that has the focus"], ["Tab", "to the next slider or button"],
    ["Esc", "leave a number box, close this list"],
  ];
  for (const [key, label] of rows) list.append(make("dt", "", key), make("dd", "", label));
  box.append(list);
  box.hidden = true;
  return box;
}

// What this tab remembers over a reload. A page from a disk may be forbidden to.
function remembered(name, value) {
  try {
    if (value !== undefined) sessionStorage.setItem(name, value);
    return sessionStorage.getItem(name);
  } catch {
    return null;
  }
}

// Light or dark: as chosen last in this tab, else as the page or the system has it.
function chosenTheme() {
  const kept = remembered("rsbd-theme");
  if (kept) return kept;
  const page = document.body.dataset.jpThemeLight;
  if (page !== undefined && document.body.dataset.voila === undefined) return page === "false" ? "dark" : "light";
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function swapTheme(root) {
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  remembered("rsbd-theme", root.dataset.theme);
}
