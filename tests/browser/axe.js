// Return the serious faults that axe finds inside a part of the page, and the looks of the texts whose contrast it judged.
async ([within, fine]) => {
  const styles = new Map(), grounds = new Map([[null, ""]]);
  const style = (element) => styles.get(element) ?? styles.set(element, getComputedStyle(element)).get(element);
  const words = ({ color, fontSize, fontWeight, fontStyle, textShadow, textDecorationLine, borderBottom }) =>
    [color, fontSize, fontWeight, fontStyle, textShadow, textDecorationLine, borderBottom].join();
  const ground = (element) => {
    if (!grounds.has(element)) {
      const { backgroundColor, backgroundImage, opacity, filter, mixBlendMode } = style(element);
      const own = [backgroundColor, backgroundImage, opacity, filter, mixBlendMode].join(), under = ground(element.parentElement);
      grounds.set(element, under.endsWith(own) ? under : `${under}; ${own}`);
    }
    return grounds.get(element);
  };
  // A look is all that the rules of contrast use: the text, the text around it, and the grounds under it.
  const look = (element) => [
    element.matches("a[href], [role=link]"), words(style(element)), words(style(element.parentElement)), ground(element),
  ].join(" | ");
  const hasText = (element) => element.value || [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  const elements = [...document.querySelectorAll(`:is(${within}), :is(${within}) *`)];
  for (const element of elements) element.removeAttribute("data-look");
  // The other rules say the same again of the same elements, if the same are visible, whatever theme and size.
  const seen = elements.map((element) => Number(element.checkVisibility({ visibilityProperty: true })));
  const structure = document.querySelector(within).outerHTML + seen.join("");
  const known = new Set(fine), looks = new Map();
  elements.filter((element, i) => seen[i] && hasText(element)).forEach((element) => {
    if (element.closest("svg") || known.has(look(element))) return; // axe says of no text in a drawing what lies under it
    looks.set(element, look(element));
    for (const part of [element, element.closest("a[href], [role=link]") ?? element]) part.dataset.look = "new";
  });
  axe.configure({ rules: [
    { id: "color-contrast", selector: "[data-look]" },
    { id: "link-in-text-block", selector: "a[href][data-look], [role=link][data-look]" },
  ] });
  window.faultless ??= new Set();
  const only = ["color-contrast", "link-in-text-block", "scrollable-region-focusable"];
  const rules = window.faultless.has(structure) ? { runOnly: only } : { rules: { region: { enabled: false } } }; // never serious
  const found = await axe.run(within, { resultTypes: ["violations", "passes"], elementRef: true, ...rules });
  const faults = found.violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  if (!faults.length) window.faultless.add(structure);
  const judged = found.passes.filter(({ id }) => id === "color-contrast").flatMap(({ nodes }) => nodes);
  return [
    faults.map((f) => `${f.impact}: ${f.id} (${f.help}) at ${f.nodes.slice(0, 4).map((node) => node.html).join()}`),
    [...new Set(judged.map(({ element }) => looks.get(element)))],
  ];
}
