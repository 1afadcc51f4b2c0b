"""The panel's picture: two certified-accuracy curves from the same votes, the attack's length, and what it did."""

from __future__ import annotations

import numpy as np

from rsbd.panels import svg
from rsbd.panels.chart import Chart, bars, share
from rsbd.panels.engine import Picture
from rsbd.panels.rab import words
from rsbd.panels.rab.params import Floats, Found

BOX = (78.0, 84.0, 740.0, 470.0)
# Colour, dash, and where on its curve the name stands: the wider bound inside, the tighter one outside.
LOOKS = {
    "clopper-pearson": (svg.BLUE, "", 0.75, "start"),
    "hoeffding": (svg.ORANGE, "9 5", 0.4, "end"),
    "anytime": (svg.BLUE, "9 5", 0.75, "start"),
}


def render(found: Found) -> Picture:
    """Draw everything."""
    models, number = f"{found.models:,}", f"{found.params.num_models:,}"
    note = f"{models} models" if found.final else f"{models} of {number} models"
    parts = [_curves(found), _images(found), _rates(found)]
    return Picture(svg.document(1200, 552, parts), words.alt(found), words.sentence(found), note)


def _curves(found: Found) -> str:
    title = "certified accuracy: two bounds, the same votes" if found.final else "certified accuracy (preview)"
    xlabel = "total L2 length of the change of all training images (pixel units)"
    chart = Chart(
        BOX, (0, float(found.radii[-1])), (0, 1.04), "", xlabel, yticks=(0, 0.25, 0.5, 0.75, 1), yformat=share
    )
    parts = [svg.text(18, 34, title, weight=600), chart.frame()]
    if found.final:
        low, high = found.curves["hoeffding"], found.curves["clopper-pearson"]
        parts.append(chart.band(found.radii, low, high, svg.BLUE, 0.14))
    parts += [chart.line(found.radii, c, LOOKS[n][0], dash=LOOKS[n][1], width=3.5) for n, c in found.curves.items()]
    parts += [_name(chart, found.radii, c, n) for n, c in found.curves.items()]
    about = "trained on clean images: no such change of their pixels alters these answers; labels are not covered"
    return "".join(parts) + _attack(found, chart) + chart.note(about)


def _name(chart: Chart, radii: Floats, curve: Floats, name: str) -> str:
    """Name a curve beside it, where there is room."""
    _, _, height, anchor = LOOKS[name]
    at = radii[np.flatnonzero(curve >= height * curve[0])[-1]]
    x = chart.x(float(at)) + (14 if anchor == "start" else -14)
    room = 180.0  # of the longest name
    x = min(x, chart.box[2] - room) if anchor == "start" else max(x, chart.box[0] + room - 50)
    return svg.text(x, chart.y(height * float(curve[0])) - 6, words.NAMES[name], anchor=anchor, weight=700, halo=True)


def _attack(found: Found, chart: Chart) -> str:
    """Mark the attack's length, at the edge with an arrow where it lies beyond the axis."""
    _, top, right, bottom = chart.box
    beyond = found.budget > chart.xlim[1]
    x = right if beyond else chart.x(found.budget)
    said = f"this attack: {words.attack(found)}" + (" \u2192" if beyond else "")
    anchor = "end" if x > (chart.box[0] + right) / 2 else "start"
    line = svg.line(x, top - 24, x, bottom, svg.VERMILLION, 3, "3 5")
    return line + svg.text(x + (6 if anchor == "start" else -6), top - 12, said, anchor=anchor, weight=700, halo=True)


def _images(found: Found) -> str:
    names = ("clean", f"trigger {found.params.trigger:g}", "with noise")
    edges = (svg.GRID, svg.VERMILLION, svg.BLUE)
    parts = [svg.text(800, 34, "a poisoned training image", weight=600)]
    for i, (image, name, edge) in enumerate(zip(found.images, names, edges, strict=True)):
        x = 800 + i * 134
        parts.append(svg.image(image, x, 50, 112, edge, 2))
        parts.append(svg.text(x + 56, 182, name, anchor="middle"))
    return "".join(parts)


def _rates(found: Found) -> str:
    """Show what is proved against the attack, and what was seen of it."""
    left, right = 955.0, 1190.0
    groups = (
        (238.0, "proved at this attack\u2019s length", [
            (words.NAMES[name], value, LOOKS[name][0]) for name, value in found.at_attack.items()]),
        (376.0, f"seen: triggered images called \u201c{found.target}\u201d", [
            ("undefended", found.attack_success[0], svg.VERMILLION), ("smoothed", found.attack_success[1], svg.BLUE)])
    )  # fmt: skip
    parts = []
    for top, title, rows in groups:
        parts.append(svg.text(800, top, title, weight=600))
        names, values, colours = zip(*rows, strict=True)
        parts.append(bars((left, top + 14, right, top + 90), names, values, colours))
    said = "Proved for training pixels only; the attack", "also relabels, and stamps the test image."
    parts += [svg.text(800, 490 + 24 * i, words, fill=svg.SOFT) for i, words in enumerate(said)]
    return "".join(parts)
