// The live stage: shows which scene is on, sends what was pressed, and watches whether the kernel still answers.

const PING = 1500, PATIENCE = 3; // milliseconds, unanswered pings

// Voila ends the kernel of a page that is left or loaded again if both carry the same mark; it forgets to give one.
function letGo() {
  if (/\b_xsrf=/.test(document.cookie)) return;
  const mark = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  document.cookie = `_xsrf=${mark}; path=/; SameSite=Strict`;
}

function render({ model, el }) {
  el.classList.add("rsbd-bar-top");
  const alone = document.body.dataset.voila !== undefined; // the page is the lecture, not a notebook
  let root = el;
  // Scene and step are in the address: after a restart the lecture goes on where it was.
  const kept = (alone && /^#(\d+)\.(\d+)$/.exec(location.hash)?.slice(1).map(Number)) || [1, 0];

  const number = make("p", "rsbd-number"), title = make("h1", "rsbd-title"), message = make("p", "rsbd-message");
  const presets = make("div", "rsbd-presets");
  presets.setAttribute("role", "group");
  presets.setAttribute("aria-label", "presets of this scene");
  const trouble = make("p", "rsbd-trouble"), lost = make("div", "rsbd-lost"), lostWords = make("p", "rsbd-lost-words");
  title.setAttribute("aria-live", "polite"); // a new scene is said
  trouble.setAttribute("role", "alert");
  lost.setAttribute("role", "alert");
  lost.hidden = true;
  lost.append(lostWords);

  const ask = (message) => {
    try { model.send(message); } catch { /* the watch below says so */ }
  };
  const perform = ({ act, number }) => (build.acts[act] ? build.acts[act](number) : ask({ do: act, number, step: 0 }));
  const openPresenter = () =>
    open(URL.createObjectURL(new Blob([model.get("presenter")], { type: "text/html" })), "rsbd-presenter", "width=900,height=700");
  const build = makeBuild(el, model.get("scenes").map((scene) => scene.title), perform, openPresenter);

  const head = make("div", "rsbd-head"), words = make("div", "rsbd-words");
  head.append(number, title, presets, button("?", "keys", build.acts.help));
  words.append(message, build.said);
  el.append(head, build.cover, words, build.help, build.list, build.blank, trouble, lost);

  const drawScene = () => {
    const at = model.get("scene"), step = model.get("step"), scenes = model.get("scenes"), scene = scenes[at];
    number.textContent = `${at + 1} / ${scenes.length}`;
    number.setAttribute("aria-label", `scene ${at + 1} of ${scenes.length}`);
    if (title.textContent !== scene.title) title.textContent = scene.title;
    message.textContent = scene.message;
    presets.replaceChildren(...scene.presets.map((name, i) =>
      button(String(i + 1), name, () => perform({ act: "preset", number: i + 1 }))));
    trouble.textContent = model.get("trouble");
    build.show(scene, at + 1, step);
    if (alone) {
      document.title = `${at + 1}. ${scene.title}`;
      history.replaceState(null, "", `#${at + 1}.${step}`);
    }
    drawPreset();
  };
  const drawPreset = () => [...presets.children].forEach((each, i) =>
    each.setAttribute("aria-pressed", String(i === model.get("preset"))));
  const drawFrozen = () => root.classList.toggle("rsbd-frozen", model.get("frozen"));

  // The kernel is asked every moment whether it is there: the one question that a killed, restarted or busy
  // kernel, and a server that has ended, all fail to answer.
  let unanswered = 0;
  const answered = () => { unanswered = 0; lost.hidden = true; };
  const watch = setInterval(() => {
    if (unanswered >= PATIENCE) lost.hidden = false;
    unanswered += 1;
    ask({ do: "ping" });
  }, PING);
  const onMessage = (content) => { if (content.pong) answered(); };
  if (alone) {
    letGo();
    lostWords.textContent = "The computing part of this page (its kernel) does not answer, and the picture stays as it is.";
    lost.append(button("\u21bb", "restart here", restart));
  } else {
    lostWords.textContent = "The kernel does not answer, and the picture stays as it is: restart it and run this cell again.";
  }
  function restart() {
    fetch(location.href, { method: "HEAD", cache: "no-store" }).then(() => location.reload(), () => {
      lostWords.textContent = "The server has ended, too: start rsbd lecture again, or open the static pages.";
    });
  }

  const onKey = (event) => {
    if (!el.isConnected) return;
    const meant = meaning(event);
    if (!meant || (event.repeat && meant.act !== "forward" && meant.act !== "back")) return;
    event.stopPropagation();
    if (meant.act !== "leave" && meant.act !== "close") event.preventDefault();
    perform(meant);
  };
  // In a notebook a click on the words gives the keys to the stage, and JupyterLab then leaves them alone.
  function takeFocus() {
    root.tabIndex = -1;
    root.dataset.lmSuppressShortcuts = "true";
    el.addEventListener("click", (event) => { if (!event.target.closest("button")) root.focus(); });
  }

  let keys;
  const frame = requestAnimationFrame(() => {
    root = el.closest(".rsbd-stage") ?? el;
    root.dataset.theme = chosenTheme();
    build.live(root);
    root.classList.toggle("rsbd-hall", alone);
    if (alone) root.setAttribute("role", "main");
    else takeFocus();
    drawFrozen();
    keys = alone ? document : root; // in a notebook other cells have keys of their own
    keys.addEventListener("keydown", onKey, true); // first: number boxes let no key through to their page
    drawScene();
    if (kept[0] > 1 || kept[1]) ask({ do: "scene", number: kept[0], step: kept[1] });
  });

  const listeners = [["change:scene change:step change:trouble", drawScene], ["change:preset", drawPreset], ["change:frozen", drawFrozen]];
  for (const [events, draw] of listeners) model.on(events, draw);
  model.on("msg:custom", onMessage);
  return () => {
    cancelAnimationFrame(frame);
    clearInterval(watch);
    build.end();
    keys?.removeEventListener("keydown", onKey, true);
    for (const [events, draw] of listeners) model.off(events, draw);
    model.off("msg:custom", onMessage);
  };
}

export default { render };
