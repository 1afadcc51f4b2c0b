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
  for (const control of panel.querySelectorAll(".rsbd-controls :is(select, input, .noUi-handle)")) {
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
  const drawPicture = () => {
    if (model.get("held")) return;
    const svg = model.get("svg") && parse(model.get("svg"));
    if (svg) {
      svg.setAttribute("aria-hidden", "true"); // one image with one name, not its hundred parts
      box.replaceChildren(svg);
    }
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
    badge.textContent = note && note !== STATES[state] ? `${STATES[state]} \u00b7 ${note}` : STATES[state];
    bar.style.setProperty("--rsbd-done", `${100 * model.get("progress")}%`);
    box.setAttribute("aria-busy", String(state === "busy"));
  };

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
    watcher?.disconnect();
    loss?.disconnect();
    for (const [events, draw] of listeners) model.off(events, draw);
  };
}

export default { render };
