// Where the whole picture would have letters below 12 pixels, its parts flow: each is a copy of it that shows one box.

const READABLE = 12 / 19, LARGEST = 0.8, WHOLE = 1; // pixels in a unit; letters are 19 units high

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
  if (!apart) {
    svg.style.maxWidth = inHall(box) ? "" : `${WHOLE * widthOf(svg.dataset.whole)}px`;
    return [svg];
  }
  return (svg.dataset.stack || svg.dataset.whole).split(";").map((view) => {
    const part = svg.cloneNode(true), wide = widthOf(view);
    part.setAttribute("viewBox", view);
    const [least, most] = [READABLE * wide, LARGEST * wide].map((size) => `${size}px`);
    Object.assign(part.style, { flex: `${wide} 1 ${least}`, minWidth: least, maxWidth: most });
    return part;
  });
}
