// A static page: looks its pictures up in the computed grid, and never between two of its points.

const data = JSON.parse(document.getElementById("rsbd-data").textContent);
const root = document.querySelector(".rsbd-stage"), tools = root.querySelector(".rsbd-tools");
const panel = stops(root, data), last = data.presets.length;
let frozen = false, at = 0;

function freeze(on) {
  frozen = on;
  root.classList.toggle("rsbd-frozen", frozen);
  panel.hold(frozen);
}

// The step is in the address, so that a reload comes back to it.
function step(to) {
  at = to;
  history.replaceState(null, "", to ? `#${to}` : location.pathname + location.search);
  build.show(data.scene, data.number, at); // first: the picture needs its place
  if (at) panel.move(at - 1);
}

function go(number, hash = "") {
  if (data.pages[number - 1]) location.href = data.pages[number - 1] + hash;
}

const acts = {
  forward: () => (at < last ? step(at + 1) : go(data.number + 1)),
  back: () => (at ? step(at - 1) : go(data.number - 1, "#last")),
  reset: () => { freeze(false); step(1); },
  freeze: () => freeze(!frozen),
  preset: (number) => { if (number <= last) step(number); },
  scene: (number) => (number === data.number ? step(0) : go(number)),
};
const perform = ({ act, number }) => (acts[act] ?? build.acts[act])(number);
const build = makeBuild(root, data.titles, perform, () => open("presenter.html", "rsbd-presenter", "width=900,height=700"));
build.live(root);

panel.presets.append(...data.presets.map(({ name }, i) => button(String(i + 1), name, () => step(i + 1))));
tools.prepend(button("\u2190", "back", acts.back), button("\u2192", "next", acts.forward));
if (innerWidth >= 900) root.querySelector(".rsbd-head").append(panel.presets); // as on the live stage
root.querySelector(".rsbd-head").append(button("?", "keys", build.acts.help));
root.querySelector(".rsbd-head").after(build.cover);
root.querySelector(".rsbd-words").append(build.said);
root.append(build.help, build.list, build.blank);
root.dataset.theme = chosenTheme();
document.addEventListener("keydown", (event) => {
  const meant = meaning(event);
  if (!meant) return;
  if (meant.act !== "leave" && meant.act !== "close") event.preventDefault();
  perform(meant);
});
freeze(false);
step(location.hash === "#last" ? last : Math.min(Number(location.hash.slice(1)) || 0, last));
