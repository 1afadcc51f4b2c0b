// A question with a button for each claim. The kernel answers; what it says stands in a status region.

// JupyterLab opens a link to a notebook in a tab of its own if the link says so; elsewhere it is an ordinary link.
function openInLab(link) {
  const folder = /\/(?:lab|doc)(?:\/workspaces\/[^/]+)?\/tree\/(.*\/)?/.exec(location.pathname);
  const [path, id] = link.getAttribute("href").split("#");
  if (!folder || /^\w+:/.test(path)) return;
  link.dataset.commandlinkerCommand = "rendermime:handle-local-link";
  link.dataset.commandlinkerArgs = JSON.stringify({ path: decodeURI((folder[1] ?? "") + path), id: id ? `#${id}` : "" });
}

function render({ model, el }) {
  el.classList.add("rsbd-quiz");
  el.setAttribute("role", "group");
  const question = document.createElement("p");
  question.innerHTML = model.get("question");
  question.id = `rsbd-quiz-${Math.random().toString(36).slice(2)}`;
  el.setAttribute("aria-labelledby", question.id);
  const buttons = Object.entries(model.get("claims")).map(([letter, claim]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.lmSuppressShortcuts = "true"; // else JupyterLab takes the keys
    button.innerHTML = `<b>${letter}</b><span>${claim}</span><i></i>`;
    button.addEventListener("click", () => model.send(letter));
    return [letter, button];
  });
  const said = document.createElement("div");
  said.setAttribute("role", "status");
  el.append(question, ...buttons.map(([, button]) => button), said);

  const draw = () => {
    for (const [letter, button] of buttons) {
      const mark = model.get("marks")[letter] ?? "";
      button.dataset.mark = button.lastChild.textContent = mark;
      button.setAttribute("aria-pressed", String(letter === model.get("pressed")));
    }
    if (said.innerHTML !== model.get("said")) said.innerHTML = model.get("said");
    said.dataset.mark = model.get("marks")[model.get("pressed")] ?? "";
    said.querySelectorAll("a[href]").forEach(openInLab);
  };
  draw();
  model.on("change", draw);
  return () => model.off("change", draw);
}

export default { render };
