// Where the whole picture would have letters below 12 pixels, its parts flow: each is a copy of it that shows one box.

const READABLE = 12 / 19, LARGEST = 0.8, WHOLE = 1.15; // pixels in a unit; letters are 19 units high
const CONTROLS = 270; // pixels of a screen that the controls and all around them take

// In a hall the page is the picture, and its parts come in turn.
const inHall = (box) => box.closest(".rsbd-hall") || (box.closest(".rsbd-static") && innerWidth >= 900);

const widthOf = (view) => Number(view.split(" ")[2]);

function flows(svg, box) {
  return !inHall(box) && box.clientWidth > 0 && box.clientWidth < READABLE * widthOf(svg.dataset.whole);
}

function laidOut(svg, box) {
  svg.setAttribute("aria-hidden", "true"); // one image with one name, not its hundred parts
  svg.dataset.whole = svg.getAttribute("viewBox");
  const apart = flows(svg, box);
  Object.assign(box.style, { display: apart ? "flex" : "", flexFlow: "row wrap", alignItems: "start", gap: "12px" });
  box.removeAttribute("tabindex");
  if (!apart) {
    if (inHall(box)) return [svg];
    const [, , wide, high] = svg.dataset.whole.split(" ");
    svg.setAttribute("preserveAspectRatio", "xMinYMin");
    svg.style.maxWidth = `${WHOLE * wide}px`;
    svg.style.maxHeight = `max(100vh - ${CONTROLS}px, ${READABLE * high}px)`;
    return [svg];
  }
  return (svg.dataset.stack || svg.dataset.whole).split(";").map((view) => {
    const part = svg.cloneNode(true), wide = widthOf(view), least = READABLE * wide;
    part.setAttribute("viewBox", view);
    Object.assign(part.style, { flex: `${wide} 1 ${least}px`, minWidth: `${least}px`, maxWidth: `${LARGEST * wide}px` });
    if (least > box.clientWidth) box.tabIndex = 0; // the arrow keys move what is wider than the page
    return part;
  });
}
