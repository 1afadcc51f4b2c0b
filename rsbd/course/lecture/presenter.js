// The presenter window: notes of the scene, the next one and a timer. Its keys move the stage.

const at = (name) => document.getElementById(`rsbd-${name}`);
let start = Number(remembered("rsbd-started") ?? remembered("rsbd-started", String(Date.now())));

function draw() {
  const now = told("rsbd-now");
  if (!now) return;
  at("place").textContent = `${now.number} / ${now.of} ${now.title}`;
  at("step").textContent = now.step ? `on screen: ${now.presets[now.step - 1]}` : "on screen: the question";
  at("question").textContent = now.question;
  at("message").textContent = now.message;
  at("notes").textContent = now.notes;
  at("next").textContent = now.next ? `Next scene: ${now.next}` : "This is the last scene.";
  at("then").textContent = now.step < now.presets.length ? `Next step: ${now.presets[now.step]}` : "Next step: the next scene";
  at("minutes").textContent = now.minutes[0] || now.minutes[1]
    ? `Planned: ${now.minutes[0] || "no"} minutes of 50, ${now.minutes[1]} of 90` : "";
}

function tick() {
  const seconds = Math.floor((Date.now() - start) / 1000), two = (n) => String(n).padStart(2, "0");
  at("timer").textContent = `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`;
}

at("again").addEventListener("click", () => {
  start = Date.now();
  remembered("rsbd-started", String(start));
  tick();
});
addEventListener("storage", draw);
document.addEventListener("keydown", (event) => {
  const meant = meaning(event);
  if (!meant || ["presenter", "full", "leave", "guess"].includes(meant.act)) return;
  event.preventDefault();
  told("rsbd-press", { meant, at: Date.now() });
});
document.querySelector(".rsbd-stage").dataset.theme = chosenTheme();
setInterval(tick, 500);
draw();
tick();
