// The keys of a lecture, the same on the live stage, on the static pages and in the presenter window.

// Keys, what the list calls them, what they do, and the line in the list.
const KEYS = [
  [[" ", "ArrowRight", "PageDown", "n"], "space \u2192", "forward", "next step: question, answer, presets, next scene"],
  [["ArrowLeft", "PageUp"], "\u2190", "back", "one step back"],
  [["Home"], "Home", "home", "to the first scene"],
  [["g"], "g", "scenes", "go to a scene: then its number (0 for 10)"],
  [["h"], "h", "guess", "write down what the hall says"],
  [["v"], "v", "view", "the whole picture, or its parts"],
  [["r"], "r", "reset", "back to preset 1"],
  [["k"], "k", "freeze", "keep the picture while controls move"],
  [["."], ".", "blank", "blank screen"],
  [["f"], "f", "full", "full screen"],
  [["p"], "p", "presenter", "presenter window: notes, next scene, timer"],
  [["t"], "t", "theme", "light or dark"],
  [["?"], "?", "help", "this list"],
];

// What a key press asks for, or null. Sliders keep their own keys, and a box keeps what is typed in it; Escape and
// Enter leave it.
function meaning(event) {
  const { key } = event;
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return null;
  const at = event.target instanceof event.view.Element ? event.target : event.view.document.body;
  const guess = at.matches(".rsbd-hall-says input");
  const typing = at.isContentEditable || at.matches("textarea, select, input:not([type=range], [type=checkbox])");
  if (key === "Escape" || (guess && key === "Enter")) return { act: typing ? "leave" : "close" };
  if (typing) return null;
  if (/^(Page|Arrow|Home)/.test(key) && at.matches("[role=slider], input[type=range]")) return null;
  if (key === " " && at.matches("button, summary, a, input")) return null;
  if (/^[0-9]$/.test(key)) return { act: "number", number: Number(key) };
  const found = KEYS.find(([keys]) => keys.includes(key.length === 1 ? key.toLowerCase() : key));
  return found ? { act: found[2] } : null;
}

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

// A button that shows its key. After a click the keys are the lecture's again.
function button(key, label, action) {
  const made = make("button", "rsbd-key");
  made.type = "button";
  made.dataset.lmSuppressShortcuts = "true"; // JupyterLab, too, has plans for single letters
  made.append(make("kbd", "", key), label);
  made.addEventListener("click", (event) => {
    if (event.detail) made.blur();
    action();
  });
  return made;
}

// A box of buttons that is hidden until it is asked for.
function listBox(label, buttons) {
  const box = make("div", "rsbd-help");
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", label);
  box.append(...buttons);
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

// What the tabs of a lecture tell each other: the stage what is on, the presenter window what was pressed.
function told(name, value) {
  try {
    if (value !== undefined) localStorage.setItem(name, JSON.stringify(value));
    return JSON.parse(localStorage.getItem(name));
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
