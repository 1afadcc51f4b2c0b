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
  const kept = Number(alone && remembered("rsbd-scene")); // after a restart: where we were

  const number = make("p", "rsbd-number"), title = make("h1", "rsbd-title"), message = make("p", "rsbd-message");
  const question = make("p", "rsbd-question");
  const presets = make("div", "rsbd-presets"), tools = make("div", "rsbd-tools");
  presets.setAttribute("role", "group");
  presets.setAttribute("aria-label", "presets of this scene");
  tools.setAttribute("role", "group");
  tools.setAttribute("aria-label", "lecture");
  const help = keyTable();
  const trouble = make("p", "rsbd-trouble"), lost = make("div", "rsbd-lost"), said = make("p", "rsbd-lost-words");
  title.setAttribute("aria-live", "polite"); // a new scene is said
  trouble.setAttribute("role", "alert");
  lost.setAttribute("role", "alert");
  lost.hidden = true;
  lost.append(said);

  const acts = {
    leave: () => document.activeElement?.blur(),
    close: () => { help.hidden = true; },
    help: () => { help.hidden = !help.hidden; },
    theme: () => swapTheme(root),
    big: () => root.classList.toggle("rsbd-big"),
  };
  const ask = (message) => {
    try { model.send(message); } catch { /* the watch below says so */ }
  };
  const perform = ({ act, number }) => (acts[act] ? acts[act]() : ask({ do: act, number }));
  const named = Object.fromEntries(KEYS.map(([key, act, label]) => [act, button(key, label, () => perform({ act }))]));
  tools.append(...Object.values(named));

  const head = make("div", "rsbd-head"), words = make("div", "rsbd-words");
  head.append(number, title, tools);
  words.append(message, question, presets);
  el.append(head, words, help, trouble, lost);

  const drawScene = () => {
    const at = model.get("scene"), scenes = model.get("scenes"), scene = scenes[at];
    number.textContent = `${at + 1} / ${scenes.length}`;
    number.setAttribute("aria-label", `scene ${at + 1} of ${scenes.length}`);
    title.textContent = scene.title;
    message.textContent = scene.message;
    question.textContent = scene.question;
    presets.replaceChildren(...scene.presets.map((name, i) =>
      button(String(i + 1), name, () => perform({ act: "preset", number: i + 1 }))));
    trouble.textContent = model.get("trouble");
    named.previous.disabled = at === 0;
    named.next.disabled = at === scenes.length - 1;
    if (alone) {
      document.title = `${at + 1}. ${scene.title}`;
      remembered("rsbd-scene", String(at + 1));
    }
    drawPreset();
  };
  const drawPreset = () => [...presets.children].forEach((each, i) =>
    each.setAttribute("aria-pressed", String(i === model.get("preset"))));
  const drawFrozen = () => {
    named.freeze.setAttribute("aria-pressed", String(model.get("frozen")));
    root.classList.toggle("rsbd-frozen", model.get("frozen"));
  };

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
    said.textContent = "The computing part of this page (its kernel) does not answer, and the picture stays as it is.";
    lost.append(button("\u21bb", "restart here", restart));
  } else {
    said.textContent = "The kernel does not answer, and the picture stays as it is: restart it and run this cell again.";
  }
  function restart() {
    fetch(location.href, { method: "HEAD", cache: "no-store" }).then(() => location.reload(), () => {
      said.textContent = "The server has ended, too: start rsbd lecture again, or open the static pages.";
    });
  }

  const onKey = (event) => {
    if (!el.isConnected) return;
    const meant = meaning(event);
    if (!meant || (event.repeat && meant.act !== "next" && meant.act !== "previous")) return;
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
    root.classList.toggle("rsbd-hall", alone);
    if (alone) root.setAttribute("role", "main");
    else takeFocus();
    drawFrozen();
    keys = alone ? document : root; // in a notebook other cells have keys of their own
    keys.addEventListener("keydown", onKey, true); // first: number boxes let no key through to their page
    if (kept > 1) ask({ do: "scene", number: kept });
  });

  const listeners = [["change:scene change:trouble", drawScene], ["change:preset", drawPreset], ["change:frozen", drawFrozen]];
  drawScene();
  for (const [events, draw] of listeners) model.on(events, draw);
  model.on("msg:custom", onMessage);
  return () => {
    cancelAnimationFrame(frame);
    clearInterval(watch);
    keys?.removeEventListener("keydown", onKey, true);
    for (const [events, draw] of listeners) model.off(events, draw);
    model.off("msg:custom", onMessage);
  };
}

export default { render };
