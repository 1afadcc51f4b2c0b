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

  // A hall sees one part of the picture at a time, cut to what it holds, with letters as large as fit; a phone all parts
  // below each other. The picture names the boxes of its parts.
  let part = 0, whole = false;
  function drawParts() {
    const pictures = root.querySelectorAll(".rsbd-picture"), hall = root.matches(".rsbd-hall, .rsbd-static");
    for (const picture of pictures) {
      const svg = picture.firstElementChild, boxes = svg?.dataset.stack?.split(";").filter(Boolean) ?? [];
      if (!at || !hall || boxes.length < 2 || picture.children.length > 1) continue;
      svg.dataset.whole ??= svg.getAttribute("viewBox");
      const shapes = [...svg.querySelectorAll("text, rect, path, image, circle")];
      for (const shape of shapes) {
        shape.classList.remove("rsbd-out");
        shape.style.fontSize = "";
      }
      if (innerWidth < 900) {
        if (root.matches(".rsbd-static")) picture.tabIndex = 0;
        if (root.matches(".rsbd-static")) picture.replaceChildren(...boxes.map((box) => {
          const copy = svg.cloneNode(true);
          copy.setAttribute("viewBox", box);
          copy.style.minWidth = `${(12 / 19) * box.split(" ")[2]}px`; // its letters are 19 high
          return copy;
        }));
        continue;
      }
      svg.setAttribute("viewBox", svg.dataset.whole);
      if (!whole) cutOut(svg, shapes, boxes[part % boxes.length].split(" ").map(Number), picture);
    }
  }

  function cutOut(svg, shapes, [left, top, wide, high], picture) {
    const to = svg.getScreenCTM().inverse();
    const edge = (shape) => {
      const r = shape.getBoundingClientRect();
      const [a, b] = [[r.left, r.top], [r.right, r.bottom]].map(([x, y]) => new DOMPoint(x, y).matrixTransform(to));
      return [a.x, a.y, b.x, b.y];
    };
    const inside = shapes.filter((shape) => {
      const [a, b, c, d] = edge(shape), x = (a + c) / 2, y = (b + d) / 2;
      const note = shape.localName === "text" && shape.textContent.length > 25 && /soft/.test(shape.getAttribute("style"));
      const kept = !note && x >= left && x <= left + wide && y >= top && y <= top + high; // notes: with the whole picture
      shape.classList.toggle("rsbd-out", !kept);
      return kept;
    });
    const texts = inside.filter((shape) => shape.localName === "text" && Number(shape.getAttribute("font-size")) < 24);
    const solid = inside.map((shape) => [shape.localName, edge(shape)]).filter(([name, [a, b, c, d]]) =>
      name === "image" || (name === "path" && d - b < 6 && c - a > 20 && c - a < 90)).map(([, e]) => e); // or in a key
    const around = (all) => all.reduce(([a, b, c, d], [e, f, g, h]) =>
      [Math.min(a, e), Math.min(b, f), Math.max(c, g), Math.max(d, h)], [1e9, 1e9, -1e9, -1e9]);
    const rest = around(inside.filter((shape) => !texts.includes(shape)).map(edge));
    let best;
    for (let size = 19; size <= 32; size += 1) {
      for (const text of texts) text.style.fontSize = `${size}px`;
      const words = texts.map(edge), others = [...words, ...solid];
      const meet = words.some((a, i) => others.some((b, j) => j > i
        && Math.min(a[2], b[2]) - Math.max(a[0], b[0]) > 1 && Math.min(a[3], b[3]) - Math.max(a[1], b[1]) > 5));
      if (meet && best) break;
      const box = around([rest, ...words]), [w, h] = [box[2] - box[0] + 8, box[3] - box[1] + 8];
      const pixels = size * Math.min(picture.clientWidth / w, picture.clientHeight / h);
      if (!best || pixels > best.pixels) best = { size, pixels, view: `${box[0] - 4} ${box[1] - 4} ${w} ${h}` };
      if (pixels >= 29) break;
    }
    for (const text of texts) text.style.fontSize = `${best.size}px`;
    svg.setAttribute("viewBox", best.view);
    picture.dataset.letters = best.pixels.toFixed(1);
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

  function drawPicture() {
    drawParts();
    drawMark();
    watcher.takeRecords();
  }
  addEventListener("resize", drawPicture);

  // The panel's picture or sentence has changed.
  const watcher = new MutationObserver((changes) => {
    if (changes.some(({ target }) => target.matches?.(".rsbd-picture"))) drawPicture();
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
    view() {
      const parts = root.querySelector(".rsbd-picture > svg")?.dataset.stack?.split(";").length ?? 1;
      whole = !whole && part === parts - 1;
      part = whole ? part : (part + 1) % parts;
      drawPicture();
    },
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
      scene = which;
      if (number !== place) {
        box.value = remembered(`rsbd-guess-${place}`) ?? "";
        [part, whole] = [scene.part, false];
      }
      [number, at] = [place, step];
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
      drawParts();
      drawGuess();
      tell();
    },
    end() {
      removeEventListener("storage", onTold);
      removeEventListener("resize", drawPicture);
      watcher.disconnect();
    },
  };
}
