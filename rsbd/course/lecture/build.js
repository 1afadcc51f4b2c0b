// A scene that builds step by step, on the live stage and on the static pages: the question on a cover, what the hall
// says and its mark in the picture, the list of scenes, a blank screen and the presenter window.

const SVG = "http://www.w3.org/2000/svg";

// `perform` does what a key asks for; `open` opens the presenter window; `titles` are those of all scenes.
function makeBuild(el, titles, perform, openPresenter) {
  const cover = make("div", "rsbd-cover"), asked = make("p", "rsbd-asked"), says = make("p", "rsbd-hall-says");
  const label = make("label", "", "The hall says "), box = make("input"), unit = make("span");
  const code = make("a", "rsbd-code"), said = make("p", "rsbd-said"), blank = make("div", "rsbd-blank");
  const reveal = button("space", "show the answer", () => perform({ act: "forward" }));
  const help = listBox("keys", KEYS.map(([, key, act, line]) => button(key, line, () => perform({ act }))));
  help.append(make("p", "", "1 2 3: presets. Tab and arrow keys: controls. Esc: leave a box, close a list."));
  const list = listBox("scenes", titles.map((title, i) => button(String((i + 1) % 10), title, () => go(i + 1))));
  let scene, at = 0, root = el, number = 0;

  box.autocomplete = "off";
  box.dataset.lmSuppressShortcuts = "true";
  label.append(box, unit);
  says.append(label);
  code.target = "_blank";
  cover.append(asked, says, reveal, code);
  blank.hidden = help.hidden = list.hidden = true;
  box.addEventListener("input", () => {
    remembered(`rsbd-guess-${number}`, box.value);
    drawGuess();
  });

  function go(to) {
    list.hidden = true;
    perform({ act: "scene", number: to });
  }

  function drawGuess() {
    said.textContent = at && box.value ? `The hall said: ${box.value} ${scene.unit}` : "";
    drawMark();
  }

  // The mark stands in the bar beside the words `scene.mark`, the last ones if they occur more often.
  function drawMark() {
    for (const old of root.querySelectorAll(".rsbd-mark")) old.remove();
    const share = Number(box.value.replace(",", ".").replace("%", "")) / 100;
    if (!at || !scene.mark || !box.value || !(share >= 0 && share <= 1)) return;
    for (const svg of root.querySelectorAll(".rsbd-picture svg")) {
      const words = [...svg.querySelectorAll("text")].filter((text) => text.textContent === scene.mark).pop();
      if (!words) continue;
      const side = words.getBBox(), middle = side.y + side.height / 2;
      const bar = [...words.parentNode.querySelectorAll("rect")].map((rect) => rect.getBBox()).find(
        (b) => b.width > 2 * b.height && b.x > side.x && b.y <= middle && b.y + b.height >= middle);
      if (!bar) continue;
      const mark = document.createElementNS(SVG, "path");
      mark.setAttribute("class", "rsbd-mark");
      const x = bar.x + share * bar.width;
      mark.setAttribute("d", `M${x} ${bar.y - 3}V${bar.y + bar.height + 3}`);
      words.after(mark);
      words.parentNode.append(mark); // above the bar
    }
  }

  // On the screen of a hall stands the first sentence of what the panel says; a screen reader has all of it.
  function drawShort() {
    for (const all of root.querySelectorAll(".rsbd-sentence")) {
      const short = all.nextElementSibling?.matches(".rsbd-short") ? all.nextElementSibling : make("p", "rsbd-short");
      if (!short.parentNode) all.after(short);
      short.setAttribute("aria-hidden", "true");
      const first = /^.*?[.?!](?=\s|$)/s.exec(all.textContent)?.[0] ?? all.textContent;
      if (short.textContent !== first) short.textContent = first;
    }
  }

  // The panel's picture or sentence has changed.
  const watcher = new MutationObserver((changes) => {
    if (changes.some(({ target }) => target.matches?.(".rsbd-picture"))) drawMark();
    if (changes.some(({ target }) => target.matches?.(".rsbd-sentence, .rsbd-place, .rsbd-carrier"))) drawShort();
  });

  // What the presenter window shows.
  function tell() {
    told("rsbd-now", { ...scene, number, of: titles.length, step: at, next: titles[number] ?? "" });
  }

  const acts = {
    leave: () => document.activeElement?.blur(),
    close: () => { help.hidden = list.hidden = blank.hidden = true; },
    help: () => { help.hidden = !help.hidden; list.hidden = true; },
    scenes: () => { list.hidden = !list.hidden; help.hidden = true; },
    home: () => go(1),
    guess: () => { if (!at) box.focus(); },
    blank: () => { blank.hidden = !blank.hidden; },
    full: () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen()),
    presenter: () => { tell(); openPresenter(); },
    theme: () => swapTheme(root),
    view: () => root.classList.toggle("rsbd-whole"),
    number: (digit) => {
      const to = digit || 10;
      if (list.hidden) perform({ act: "preset", number: to });
      else if (to <= titles.length) go(to);
    },
  };
  const onTold = (event) => {
    if (event.key === "rsbd-press" && event.newValue) perform(JSON.parse(event.newValue).meant);
  };
  addEventListener("storage", onTold);

  return {
    cover, said, help, list, blank, acts,
    live(on) {
      root = on;
      watcher.observe(root, { childList: true, subtree: true });
      drawShort();
    },
    // Shows a step of a scene: its question if it is 0.
    show(which, place, step) {
      if (number !== place) box.value = remembered(`rsbd-guess-${place}`) ?? "";
      [scene, number, at] = [which, place, step];
      asked.textContent = scene.question;
      unit.textContent = scene.unit ? ` ${scene.unit}` : "";
      box.size = scene.unit ? 4 : 24;
      code.hidden = !scene.link;
      if (scene.link) {
        code.href = scene.link;
        code.replaceChildren(document.importNode(
          new DOMParser().parseFromString(scene.code, "image/svg+xml").documentElement, true));
        code.append(make("span", "", scene.link.replace(/^https?:\/\//, "")));
      }
      if (root.dataset.step !== String(step)) root.dataset.step = String(step);
      drawGuess();
      tell();
    },
    end() {
      removeEventListener("storage", onTold);
      watcher.disconnect();
    },
  };
}
