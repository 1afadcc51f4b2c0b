// The carrier of a panel's picture: swaps an SVG in place, tells assistive technology what it shows, and
// names the panel's slider handles, which ipywidgets leaves without an accessible name.

const STATES = { busy: "computing", preview: "preview", final: "final", error: "error", frozen: "frozen", lost: "kernel stopped" };
const LOCAL = /^(data:image\/png;base64,|#)/;

// Pictures come from rsbd's own drawing code, which escapes all text; this is the second lock on the door.
function parse(text) {
  const doc = new DOMParser().parseFromString(text, "image/svg+xml");
  if (doc.querySelector("parsererror") || doc.documentElement.localName !== "svg") return null;
  for (const node of doc.querySelectorAll("script, foreignObject, iframe, style, animate, set")) node.remove();
  for (const node of doc.querySelectorAll("*")) {
    for (const { name, value } of [...node.attributes]) {
      const link = name === "href" || name === "xlink:href";
      if (name.startsWith("on") || (link && !LOCAL.test(value)) || /url\(\s*['"]?(?!#)/.test(value)) {
        node.removeAttribute(name);
      }
    }
  }
  return document.importNode(doc.documentElement, true);
}

// JupyterLab takes arrow keys for moving between cells even from a focused dropdown, unless the focused element
// itself says no.
function keepKeys(panel) {
  for (const control of panel.querySelectorAll(".rsbd-controls :is(select, input, button, .noUi-handle)")) {
    control.dataset.lmSuppressShortcuts = "true";
  }
}

function nameHandles(panel) {
  for (const pair of panel.querySelectorAll(".rsbd-pair")) {
    const label = pair.querySelector("label");
    for (const handle of pair.querySelectorAll(".noUi-handle")) {
      if (label && handle.getAttribute("aria-label") !== label.textContent) {
        handle.setAttribute("aria-label", label.textContent);
      }
      // Steps of 0.01 add up to 0.9099999999999999, and the stock "now" keeps one decimal.
      const said = String(+Number(handle.getAttribute("aria-valuetext")).toFixed(10));
      if (handle.getAttribute("aria-valuetext") !== said) handle.setAttribute("aria-valuetext", said);
      if (handle.getAttribute("aria-valuenow") !== said) handle.setAttribute("aria-valuenow", said);
    }
  }
}

// Curves and bars move to their new place, where they are drawn from the start; the curve on which the reader last
// rested stays as a thin line.
const GLIDE = 150, REST = 1000; // milliseconds
const STILL = window.matchMedia("(prefers-reduced-motion: reduce)");

function* named(box) {
  const seen = new Map();
  for (const shape of box.querySelectorAll("[data-glide]")) {
    const name = shape.dataset.glide, again = seen.get(name) ?? 0; // two curves on the same axes, say
    seen.set(name, again + 1);
    yield [`${name} ${again}`, shape];
  }
}

function places(box) {
  const found = new Map();
  for (const [name, shape] of named(box)) {
    const { d, x, width } = getComputedStyle(shape); // while it moves: where it is now
    found.set(name, shape.localName === "path" ? { d } : { x, width });
  }
  return found;
}

function glide(box, before) {
  const letters = (place) => place.d?.replace(/[^A-Z]/g, "");
  const shapes = new Map(named(box));
  for (const [name, now] of places(box)) {
    const old = before.get(name);
    if (!old && name.startsWith("fall")) { // a new vote
      shapes.get(name).animate([{ transform: "translateY(-120px)" }, { transform: "none" }], { duration: GLIDE, easing: "ease-in" });
      continue;
    }
    const alike = old && letters(old) === letters(now) && Object.keys(now).every((key) => old[key] && now[key]);
    if (!alike || Object.keys(now).every((key) => old[key] === now[key])) continue;
    shapes.get(name).animate([old, now], { duration: GLIDE, easing: "ease-out" });
  }
}

function paths(box) {
  return new Map([...named(box)].filter(([, s]) => s.localName === "path").map(([name, s]) => [name, s.getAttribute("d")]));
}

function haunt(box, rested) {
  let ghosts = 0;
  for (const [name, shape] of [...named(box)]) {
    const old = rested.get(name);
    if (!old || old === shape.getAttribute("d")) continue;
    const ghost = document.createElementNS("http://www.w3.org/2000/svg", "path");
    ghost.setAttribute("d", old);
    ghost.setAttribute("class", "rsbd-ghost");
    shape.before(ghost);
    ghosts += 1;
  }
  return ghosts;
}

// A click on a part of the picture, or a drag of one, asks the kernel for the parameters that it stands for. The sliders
// do the same from the keyboard.
function touch(box, model) {
  let grip = null; // what is dragged: by axis, [parameter, its value at the start and the end, their places]
  const ask = (set) => {
    if (model.get("held")) return;
    model.set("wish", { set, at: Date.now() }); // a wish may be repeated
    model.save_changes(); // one message at a time, and the last one wins
  };
  const drag = (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(box.children[grip.part].getScreenCTM().inverse());
    const set = {};
    for (const [axis, [name, first, last, from, to]] of Object.entries(grip.axes)) {
      set[name] = first + Math.min(1, Math.max(0, (at[axis] - from) / (to - from))) * (last - first);
    }
    ask(set);
  };
  box.addEventListener("click", (event) => {
    const part = event.target.closest("[data-set]");
    if (part) ask(JSON.parse(part.dataset.set));
  });
  box.addEventListener("pointerdown", (event) => {
    const held = event.target.closest("[data-drag]");
    if (!held || event.button !== 0) return;
    grip = { axes: JSON.parse(held.dataset.drag), part: [...box.children].findIndex((svg) => svg.contains(held)) };
    box.setPointerCapture(event.pointerId);
    drag(event);
  });
  box.addEventListener("pointermove", (event) => grip && drag(event));
  for (const end of ["pointerup", "pointercancel"]) box.addEventListener(end, () => { grip = null; });
}

function render({ model, el }) {
  el.classList.add("rsbd-carrier");
  const badge = document.createElement("div");
  badge.className = "rsbd-badge";
  const bar = document.createElement("div");
  bar.className = "rsbd-bar";
  const box = document.createElement("div");
  box.className = "rsbd-picture";
  box.setAttribute("role", "img");
  const status = document.createElement("div");
  status.className = "rsbd-sentence";
  const say = calmly(status);
  el.append(badge, bar, box, status);

  // ipywidgets marks a box whose kernel was restarted or has died: nobody will answer its sliders any more.
  const lost = () => el.closest(".rsbd-panel.jupyter-widgets-disconnected") !== null;
  let rested = new Map(), settled = new Map(), changed = 0, ghosts = 0;
  const drawPicture = () => {
    if (model.get("held")) return;
    const svg = model.get("svg") && parse(model.get("svg"));
    if (!svg) return;
    const before = STILL.matches ? null : places(box), now = performance.now();
    if (now - changed > REST) rested = settled;
    changed = now;
    box.replaceChildren(...laidOut(svg, box));
    if (model.get("state") === "final") settled = paths(box);
    ghosts = haunt(box, rested);
    if (before) glide(box, before);
  };
  const drawWords = () => {
    if (model.get("held")) return;
    box.setAttribute("aria-label", model.get("alt") || "no picture yet");
    const remedy = el.closest(".rsbd-stage") ? ". " : ": run its cell again. "; // the stage has its own button
    const gone = `The kernel behind this panel has stopped${remedy}`;
    const atRest = lost() || ["final", "error"].includes(model.get("state"));
    say((lost() ? gone : "") + (model.get("error") || model.get("sentence")), atRest);
    status.setAttribute("aria-busy", String(!atRest));
  };
  const drawState = () => {
    const state = lost() ? "lost" : model.get("held") ? "frozen" : model.get("state");
    el.dataset.state = state;
    const note = state === "preview" || state === "final" ? model.get("note") : ""; // else it is of the old picture
    const said = [STATES[state]];
    if (note && note !== STATES[state]) said.push(note);
    if (ghosts) said.push("thin line: before the change");
    badge.textContent = said.join(" \u00b7 ");
    bar.style.setProperty("--rsbd-done", `${100 * model.get("progress")}%`);
    box.setAttribute("aria-busy", String(state === "busy"));
  };

  touch(box, model);
  const width = new ResizeObserver(() => {
    const first = box.firstElementChild;
    if (first && flows(first, box) !== (first.getAttribute("viewBox") !== first.dataset.whole)) drawPicture();
  });
  width.observe(box);
  const drawAll = () => (drawWords(), drawState());
  const listeners = [["change:svg change:held", drawPicture], ["change", drawAll]]; // a frame is one change
  for (const [events, draw] of listeners) {
    draw();
    model.on(events, draw);
  }

  // The sliders are siblings that may be built after this view and rebuilt later (a closed and reopened tab).
  let watcher, loss;
  const frame = requestAnimationFrame(() => {
    const panel = el.closest(".rsbd-panel");
    if (!panel) return;
    const mend = () => (nameHandles(panel), keepKeys(panel));
    mend();
    loss = new MutationObserver(drawAll);
    loss.observe(panel, { attributes: true, attributeFilter: ["class"] });
    watcher = new MutationObserver(mend);
    watcher.observe(panel.querySelector(".rsbd-controls") ?? panel, {
      childList: true, subtree: true, attributes: true, attributeFilter: ["aria-valuetext", "aria-valuenow"],
    });
  });
  return () => {
    cancelAnimationFrame(frame);
    width.disconnect();
    watcher?.disconnect();
    loss?.disconnect();
    for (const [events, draw] of listeners) model.off(events, draw);
  };
}

// A frame that the kernel sends while the page is being built is lost, since Voila asks a slow kernel for one widget
// after the other. So the page asks for the newest frame once it is built.
function initialize({ model }) {
  if (["busy", "preview"].includes(model.get("state"))) model.send({ built: true });
}

export default { initialize, render };
