// A panel on a page without a kernel: its controls stop at computed settings, and a picture is looked up, never made.

const PACE = 400; // milliseconds between two pictures of a slider that plays

function stops(root, data) {
  const picture = root.querySelector(".rsbd-picture"), say = calmly(root.querySelector(".rsbd-sentence"));
  const presets = root.querySelector(".rsbd-presets");
  const controls = data.axes.map(({ name }) => root.querySelector(`#rsbd-${name}`));
  let held = false;

  function draw(number) {
    const text = data.pictures[number].map((piece) => data.vocabulary[piece]).join("");
    const doc = text && new DOMParser().parseFromString(text, "image/svg+xml");
    picture.style.minWidth = ""; // which holds without this script
    picture.replaceChildren(...(text ? laidOut(document.importNode(doc.documentElement, true), picture) : []));
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
    if (!held) draw(at.reduce((number, place, i) => number * data.axes[i].shown.length + place, 0));
  }

  function move(number) {
    data.presets[number]?.at.forEach((place, i) => { controls[i].value = place; });
    show();
  }

  function hold(on) {
    held = on;
    show();
  }

  // A slider that plays goes from stop to stop by itself, up to its end; a second press stops it.
  function play(button) {
    const slider = button.parentElement.querySelector("input"), press = (on) => button.setAttribute("aria-pressed", on);
    const on = () => button.getAttribute("aria-pressed") === "true", atEnd = () => slider.value === slider.max;
    const advance = () => {
      if (!on()) return;
      slider.value = atEnd() ? slider.min : Number(slider.value) + 1;
      show();
      if (atEnd()) press(false);
      else setTimeout(advance, PACE);
    };
    button.addEventListener("click", () => {
      press(!on());
      advance();
    });
  }

  addEventListener("resize", show);
  for (const button of root.querySelectorAll(".rsbd-play")) play(button);
  for (const control of controls) control.addEventListener("input", show);
  return { presets, move, hold };
}
