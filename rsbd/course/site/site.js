// What a page does without a kernel: panels stop at computed settings, quizzes answer, predictions wait for a guess.

function element(tag, text, put = {}) {
  const made = Object.assign(document.createElement(tag), put);
  if (text) made.textContent = text;
  return made;
}

for (const root of document.querySelectorAll(".panel")) {
  const data = JSON.parse(root.querySelector("script").textContent), board = stops(root, data);
  data.presets.forEach(({ name }, i) =>
    board.presets.append(element("button", name, { type: "button", onclick: () => board.move(i) })));
  board.hold(false);
}

// A quiz is a question with a fold for each claim: each fold becomes a button.
const claims = [...document.querySelectorAll("details")].filter((fold) => /^[a-z]$/.test(fold.querySelector("summary > b")?.textContent));
for (const quiz of new Set(claims.map((fold) => fold.parentElement))) {
  const status = element("div");
  status.setAttribute("role", "status");
  quiz.classList.add("quiz");
  for (const fold of quiz.querySelectorAll("details")) {
    const summary = fold.querySelector("summary"), button = element("button", "", { type: "button" });
    button.append(...summary.childNodes);
    button.setAttribute("aria-pressed", "false");
    const verdict = [...fold.children].filter((child) => child !== summary);
    button.addEventListener("click", () => {
      for (const other of quiz.querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === button));
      status.replaceChildren(...verdict);
    });
    fold.replaceWith(button);
  }
  quiz.append(status);
}

// A guess against the truth, in the words of the live course.
function howFar(guess, truth, unit) {
  const [said, shown] = [guess, truth].map((number) => `${number.toLocaleString("en")} ${unit}`);
  const off = Math.round(guess - truth), size = Math.abs(off);
  if (!off) return `You said ${said}, and ${shown} it is.`;
  const points = unit === "%" ? ` point${size === 1 ? "" : "s"}` : "";
  return `You said ${said}, it is ${shown}: ${size.toLocaleString("en")}${points} too ${off > 0 ? "high" : "low"}.`;
}

// A prediction is a question above a folded answer, which opens once a number is written down.
for (const question of document.querySelectorAll("[data-truth]")) {
  const { truth, unit } = question.dataset, fold = question.nextElementSibling;
  const row = element("div", "", { className: "guess" }), label = element("label", `my guess (${unit}) `);
  const box = element("input", "", { inputMode: "decimal", autocomplete: "off" }), said = element("span");
  const reveal = element("button", "reveal", { type: "button" });
  said.setAttribute("role", "status");
  label.append(box);
  row.append(label, reveal, said);
  question.after(row);
  if (fold) fold.hidden = true;
  reveal.addEventListener("click", () => {
    const typed = box.value.replace(unit, "").trim().replace(/,(?=\d{3}\b)/g, "").replace(",", ".");
    if (!/^[-+]?\d*\.?\d+$/.test(typed)) {
      said.textContent = "First write down a number, then press reveal.";
      return;
    }
    said.textContent = howFar(Number(typed), Number(truth), unit);
    if (fold) Object.assign(fold, { hidden: false, open: true });
  });
  box.addEventListener("keydown", (event) => { if (event.key === "Enter") reveal.click(); });
}

// What is wider than the column can be scrolled with the keyboard, too.
function reachable() {
  for (const part of document.querySelectorAll(".wide, pre")) {
    if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
    else part.removeAttribute("tabindex");
  }
}
addEventListener("resize", reachable);
document.addEventListener("toggle", reachable, true);
reachable();
