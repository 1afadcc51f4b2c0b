// A static page: looks its pictures up in the computed grid, and never between two of its points.

const data = JSON.parse(document.getElementById("rsbd-data").textContent);
const root = document.querySelector(".rsbd-stage");
const picture = root.querySelector(".rsbd-picture"), sentence = root.querySelector(".rsbd-sentence");
const tools = root.querySelector(".rsbd-tools"), presets = root.querySelector(".rsbd-presets");
const controls = data.axes.map(({ name }) => document.getElementById(`rsbd-${name}`));
const say = calmly(sentence);
const help = keyTable();
let frozen = false;

function draw(number) {
  const text = data.pictures[number].map((piece) => data.vocabulary[piece]).join("");
  const doc = text && new DOMParser().parseFromString(text, "image/svg+xml");
  picture.replaceChildren(...(text ? [document.importNode(doc.documentElement, true)] : []));
  picture.setAttribute("aria-label", data.alt[number]);
  say(data.sentence[number]);
}

function show() {
  const at = controls.map((control) => Number(control.value));
  controls.forEach((control, i) => {
    const shown = data.axes[i].shown[at[i]];
    if (control.type !== "range") return;
    control.setAttribute("aria-valuetext", shown);
    control.parentElement.querySelector("output").value = shown;
  });
  [...presets.children].forEach((each, i) =>
    each.setAttribute("aria-pressed", String(data.presets[i].at.every((place, j) => place === at[j]))));
  if (!frozen) draw(at.reduce((number, place, i) => number * data.axes[i].shown.length + place, 0));
}

function move(number) {
  data.presets[number]?.at.forEach((place, i) => { controls[i].value = place; });
  show();
}

function freeze(on) {
  frozen = on;
  root.classList.toggle("rsbd-frozen", frozen);
  named.freeze.setAttribute("aria-pressed", String(frozen));
  show();
}

const acts = {
  next: () => { if (data.next) location.href = data.next; },
  previous: () => { if (data.previous) location.href = data.previous; },
  reset: () => { freeze(false); move(0); },
  freeze: () => freeze(!frozen),
  preset: (number) => move(number - 1),
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
presets.append(...data.presets.map(({ name }, i) => button(String(i + 1), name, () => move(i))));
root.append(help);
root.dataset.theme = chosenTheme();
for (const control of controls) control.addEventListener("input", show);
document.addEventListener("keydown", (event) => {
  const meant = meaning(event);
  if (!meant) return;
  if (meant.act !== "leave" && meant.act !== "close") event.preventDefault();
  acts[meant.act](meant.number);
});
freeze(false);
