// What is wrong with the words of a picture: below 12 pixels, cut, covered by other words, or in none of its parts.
(picture) => {
  const wrong = [], shown = new Map();
  for (const svg of picture.querySelectorAll(":scope > svg")) {
    const frame = svg.getBoundingClientRect(), scale = svg.getScreenCTM().a, seen = [];
    for (const text of svg.querySelectorAll("text")) {
      const said = text.textContent, box = text.getBoundingClientRect();
      if (!said.trim()) continue;
      const place = `${said} at ${text.getAttribute("x")}, ${text.getAttribute("y")}`; // the rim of letters is empty
      const inside = [box.right - frame.left, frame.right - box.left, box.bottom - frame.top - 4, frame.bottom - box.top - 4];
      const seenHere = Math.min(...inside) > 1;
      shown.set(place, shown.get(place) || seenHere);
      if (!seenHere) continue;
      const size = scale * text.getAttribute("font-size");
      if (size < 11.95) wrong.push(`${said}: ${size.toFixed(1)} pixels`);
      const rims = [box.left - frame.left, frame.right - box.right, box.top - frame.top, frame.bottom - box.bottom];
      if (Math.min(...rims) < -1) wrong.push(`${said}: cut`);
      for (const [other, o] of seen) {
        const wide = Math.min(box.right, o.right) - Math.max(box.left, o.left);
        const high = Math.min(box.bottom, o.bottom) - Math.max(box.top, o.top);
        if (wide > 1 && high > 4 * scale) wrong.push(`${other}: covered by ${said}`);
      }
      seen.push([said, box]);
    }
  }
  return [...wrong, ...[...shown].filter(([, somewhere]) => !somewhere).map(([place]) => `${place}: shown nowhere`)];
}
