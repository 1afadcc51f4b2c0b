// On a narrow page the parts of a picture stand below each other: each is a copy of it that shows one box.

const NARROW = 520, READABLE = 12 / 19; // pixels; a text of 19 units is 12 pixels high

function laidOut(svg, box) {
  svg.setAttribute("aria-hidden", "true"); // one image with one name, not its hundred parts
  const width = box.clientWidth;
  if (!width || width >= NARROW || box.closest(".rsbd-hall")) return [svg]; // in a hall the page is the picture
  const boxes = svg.dataset.stack ? svg.dataset.stack.split(";") : [svg.getAttribute("viewBox")];
  return boxes.map((box) => {
    const part = svg.cloneNode(true);
    part.setAttribute("viewBox", box);
    part.style.minWidth = `${READABLE * box.split(" ")[2]}px`;
    return part;
  });
}
