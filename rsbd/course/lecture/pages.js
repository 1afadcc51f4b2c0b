// A static page: looks its pictures up in the computed grid, and never between two of its points.

const data = JSON.parse(document.getElementById("rsbd-data").textContent);
const root = document.querySelector(".rsbd-stage");
const tools = root.querySelector(".rsbd-tools"), panel = stops(root, data);
const help = keyTable();
let frozen = false;

function freeze(on) {
  frozen = on;
  root.classList.toggle("rsbd-frozen", frozen);
  named.freeze.setAttribute("aria-pressed", String(frozen));
  panel.hold(frozen);
}

const acts = {
  next: () => { if (data.next) location.href = data.next; },
  previous: () => { if (data.previous) location.href = data.previous; },
  reset: () => { freeze(false); panel.move(0); },
  freeze: () => freeze(!frozen),
  preset: (number) => panel.move(number - 1),
  big: () => root.classList.toggle("rsbd-big"),
  theme: () => swapTheme(root),
  help: () => { help.hidden = !help.hidden; },
  close: () => { help.hidden = true; },
  leave: () => document.activeElement.blur(),
};
const named = Object.fromEntries(KEYS.map(([key, act, label]) => [act, button(key, label, () => acts[act]())]));
tools.append(...Object.values(named));
named.previous.disabled = !data.previous;
named.next.disabled = !data.next;
panel.presets.append(...data.presets.map(({ name }, i) => button(String(i + 1), name, () => panel.move(i))));
root.append(help);
root.dataset.theme = chosenTheme();
document.addEventListener("keydown", (event) => {
  const meant = meaning(event);
  if (!meant) return;
  if (meant.act !== "leave" && meant.act !== "close") event.preventDefault();
  acts[meant.act](meant.number);
});
freeze(false);
