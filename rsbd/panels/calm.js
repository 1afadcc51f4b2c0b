// A status region that is read out once, when its words have come to rest: not at every step of a slider.

const CALM = 700; // milliseconds

function calmly(region) {
  let newest = "", waiting;
  region.setAttribute("role", "status");
  region.setAttribute("aria-live", "polite");
  return (text, atRest = true) => {
    newest = text;
    clearTimeout(waiting);
    if (region.textContent !== text) {
      region.setAttribute("aria-live", "off");
      region.textContent = text;
    }
    if (!atRest || region.getAttribute("aria-live") === "polite") return;
    waiting = setTimeout(() => {
      region.setAttribute("aria-live", "polite");
      requestAnimationFrame(() => { region.textContent = newest; }); // put in anew, now that somebody listens
    }, CALM);
  };
}
