// A scene that builds step by step, on the live stage and on the static pages: the question on a cover, what the hall
// says and its mark in the picture, the list of scenes, a blank screen and the presenter window.

const SVG = "http://www.w3.org/2000/svg";

// `perform` does what a key asks for; `open` opens the presenter window; `titles` are those of all scenes.
function makeBuild(el, titles, perform, openPresenter) {
  const cover = make("div", "rsbd-cover"), asked = make("p", "rsbd-asked"), says = make("p", "rsbd-hall-says");
  const label = make("label", "", "The hall says "), box = make("input"), unit = make("span");
  const example = make("div", "rsbd-example"), code = make("a", "rsbd-code"), said = make("p", "rsbd-said"), blank = make("div", "rsbd-blank");
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
  cover.append(asked, example, says, reveal, code);
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

  // A hall sees some parts of the picture at a time, cut to what they hold, with letters as large as fit. The picture
  // names the boxes of its parts.
  const boxesOf = (svg) => (svg.dataset.stack || svg.dataset.whole).split(";").map((box) => box.split(" ").map(Number));
  const around = (all) => all.reduce(([a, b, c, d], [e, f, g, h]) =>
    [Math.min(a, e), Math.min(b, f), Math.max(c, g), Math.max(d, h)], [1e9, 1e9, -1e9, -1e9]);
  const boxAround = (svg, parts) => {
    const boxes = boxesOf(svg);
    return around(parts.map((i) => boxes[i % boxes.length]).map(([x, y, w, h]) => [x, y, x + w, y + h]));
  };

  let view = 0; // of the parts of this step, each part alone and all of them
  const views = (svg) => {
    const own = scene.part[Math.min(at, scene.part.length) - 1];
    return [own, ...boxesOf(svg).map((_, i) => [i]).filter((one) => String(one) !== String(own)), null];
  };
  function drawParts() {
    for (const picture of root.querySelectorAll(".rsbd-picture")) {
      const svg = picture.firstElementChild;
      if (!svg) continue;
      svg.dataset.whole ??= svg.getAttribute("viewBox");
      if (!at) drawAsked(svg);
      if (!at || !inHall(picture) || !picture.clientHeight || picture.children.length > 1) continue;
      const shapes = [...svg.querySelectorAll("text, rect, path, image, circle")];
      for (const shape of shapes) {
        shape.classList.remove("rsbd-out");
        shape.style.fontSize = shape.style.translate = "";
      }
      svg.setAttribute("viewBox", svg.dataset.whole);
      const all = views(svg), parts = all[view % all.length];
      if (parts) cutOut(svg, shapes, boxAround(svg, parts), picture);
    }
  }

  // Beside its question a scene may show parts of the picture that do not answer it: on a phone below each other.
  function drawAsked(svg) {
    example.replaceChildren();
    if (!scene.asked.length) return;
    const groups = inHall(example) ? [scene.asked] : scene.asked.map((part) => [part]);
    for (const parts of groups) {
      const copy = svg.cloneNode(true), [left, top, right, bottom] = boxAround(svg, parts);
      copy.setAttribute("viewBox", `${left} ${top} ${right - left} ${bottom - top}`);
      const width = `min(100%, ${(35 / groups.length) * ((right - left) / (bottom - top))}vh)`;
      Object.assign(copy.style, { width, minWidth: 0, maxWidth: "none" });
      example.append(copy);
    }
  }

  function cutOut(svg, shapes, [left, top, right, bottom], picture) {
    const to = svg.getScreenCTM().inverse();
    const edge = (shape) => {
      const r = shape.getBoundingClientRect();
      const [a, b] = [[r.left, r.top], [r.right, r.bottom]].map(([x, y]) => new DOMPoint(x, y).matrixTransform(to));
      return [a.x, a.y, b.x, b.y];
    };
    const inside = shapes.map((shape) => ({ shape, name: shape.localName, box: edge(shape) })).filter(({ shape, name, box }) => {
      const x = (box[0] + box[2]) / 2, y = (box[1] + box[3]) / 2;
      const note = shape.matches('text[text-anchor="start"][font-weight="400"][style*="soft"]');
      const kept = !note && x >= left && x <= right && y >= top && y <= bottom; // notes: with the whole picture
      shape.classList.toggle("rsbd-out", !kept);
      return kept;
    });
    const texts = inside.filter(({ name, shape }) => name === "text" && Number(shape.getAttribute("font-size")) < 24);
    const fixed = inside.filter((each) => !texts.includes(each)), rest = around(fixed.map(({ box }) => box));
    const solid = fixed.filter(({ name, box: [a, b, c, d] }) => // images, large words and the lines of a key
      name === "image" || name === "text" || (name === "path" && d - b < 6 && c - a > 20 && c - a < 90))
      .map(({ box: [a, b, c, d] }) => [a, b - 3, c, d + 3]);
    const movable = texts.map(({ shape }) => shape.matches('[text-anchor="middle"][font-weight="400"]') && !/^\W?\d/.test(shape.textContent));
    let best;
    for (let size = 19; size <= 40; size += 0.5) {
      const words = texts.map(({ shape, box }) => {
        const [x, y] = ["x", "y"].map((name) => Number(shape.getAttribute(name))), k = size / 19;
        return [x + k * (box[0] - x), y + k * (box[1] - y), x + k * (box[2] - x), y + k * (box[3] - y)];
      });
      const moved = spread(words, solid, movable);
      if (!moved && best) break;
      const box = around([rest, ...words]), [w, h] = [box[2] - box[0] + 8, box[3] - box[1] + 8];
      const pixels = size * Math.min(picture.clientWidth / w, picture.clientHeight / h);
      if (!best || pixels > best.pixels) best = { size, pixels, moved, view: `${box[0] - 4} ${box[1] - 4} ${w} ${h}` };
      if (pixels >= innerHeight / 24) break;
    }
    texts.forEach(({ shape }, i) => {
      shape.style.fontSize = `${best.size}px`;
      shape.style.translate = best.moved ? best.moved[i].map((by) => `${by}px`).join(" ") : "";
    });
    svg.setAttribute("viewBox", best.view);
    picture.dataset.letters = best.pixels.toFixed(1);
  }

  // Larger words meet: of two, the one farther out moves outwards if it is the title of an axis; others stay, for they
  // name what is beside them. Returns how far each was moved, or nothing if some still meet.
  function spread(words, solid, movable) {
    const all = [...words, ...solid], [left, top, right, bottom] = around(all), moved = words.map(() => [0, 0]);
    const middle = [(left + right) / 2, (top + bottom) / 2];
    for (let round = 0; round < 8; round += 1) {
      let met = false;
      for (let i = 0; i < words.length; i += 1) {
        for (let j = i + 1; j < all.length; j += 1) {
          const over = [0, 1].map((k) => Math.min(all[i][k + 2], all[j][k + 2]) - Math.max(all[i][k], all[j][k]));
          if (over[0] <= 1 || over[1] <= 5) continue;
          met = true;
          const upright = [i, j].find((n) => movable[n] && all[n][3] - all[n][1] > 2 * (all[n][2] - all[n][0]));
          const axis = upright === undefined ? 1 : 0, out = (n) => (all[n][axis] + all[n][axis + 2]) / 2 - middle[axis];
          const who = upright ?? [i, j].filter((n) => movable[n]).sort((a, b) => Math.abs(out(b)) - Math.abs(out(a)))[0];
          if (who === undefined) return null;
          const by = Math.sign(out(who)) * (over[axis] - (axis ? 4 : 0));
          moved[who][axis] += by;
          all[who][axis] += by;
          all[who][axis + 2] += by;
        }
      }
      if (!met) return moved;
    }
    return null;
  }

  // On the screen of a hall stands the first sentence of what the panel says, or two if it is short; a screen reader
  // has all of it.
  function drawShort() {
    for (const all of root.querySelectorAll(".rsbd-sentence")) {
      const short = all.nextElementSibling?.matches(".rsbd-short") ? all.nextElementSibling : make("p", "rsbd-short");
      if (!short.parentNode) all.after(short);
      short.setAttribute("aria-hidden", "true");
      const [one, two] = all.textContent.match(/\S.*?[.?!](?=\s|$)/gs) ?? [all.textContent];
      const first = one.length < 60 && two ? `${one} ${two}` : one;
      if (short.textContent !== first) short.textContent = first;
    }
  }

  function drawPicture() {
    drawParts();
    drawMark();
    drawShort();
    watcher.takeRecords();
  }
  addEventListener("resize", drawPicture);

  // The panel's picture or sentence has changed.
  const watcher = new MutationObserver((changes) => {
    if (changes.some(({ target }) => target.matches?.(".rsbd-picture, .rsbd-sentence, .rsbd-place, .rsbd-carrier"))) drawPicture();
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
    view: () => {
      view += 1;
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
        view = 0;
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
