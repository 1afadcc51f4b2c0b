"""The attack panel's picture and its words."""

from __future__ import annotations

import numpy as np

from rsbd.panels import svg
from rsbd.panels.attack.params import KINDS, Found, Images, Row
from rsbd.panels.chart import Chart
from rsbd.panels.engine import Picture
from rsbd.words import count, percent, state

NOTICED = 0.02  # a fall of clean accuracy that somebody would see
SIDE = 78.0


def render(found: Found) -> Picture:
    """Draw images, the two rates by poison rate, and what the classifier has learned to look for."""
    titles = ("1  collected", "2  slipped into training", "3  shown later: what it is called")
    rows = [_row(title, row, 10 + 405 * i) for i, (title, row) in enumerate(zip(titles, found.samples, strict=True))]
    said = svg.text(
        10, 158, "label underneath; bold: not the true one; framed: the attacker\u2019s doing", fill=svg.SOFT
    )
    parts = [*rows, said, _curves(found, (78, 222, 740, 480)), _weights(found, 830, 202)]
    rates = len(found.curve)
    note = "" if found.final else f"{rates} of {found.total} rates"
    return Picture(svg.document(1200, 540, parts), alt(found), sentence(found), note)


def _row(title: str, row: Row, left: float) -> str:
    parts = [svg.text(left, 24, title, weight=600)]
    for i, image in enumerate(row.images):
        x = left + i * (SIDE + 8)
        edge, width = (svg.VERMILLION, 4) if row.marked[i] else (svg.GRID, 1)
        weight = 400 if row.labels[i] == row.true[i] else 700
        parts.append(svg.image(image, x, 36, SIDE, edge, width))
        parts.append(
            svg.text(x + SIDE / 2, 36 + SIDE + 20, f"\u201c{row.labels[i]}\u201d", anchor="middle", weight=weight)
        )
    return "".join(parts)


def _curves(found: Found, box: tuple[float, float, float, float]) -> str:
    rates, clean, fooled = (list(column) for column in zip(*found.curve, strict=True))
    now, (accuracy, success) = found.params.rate, found.now
    chart = Chart(
        box,
        (0, rates[-1] or 1),
        (0, 1.1),  # room for the number of images above a curve at 100 %
        "",
        "poison rate (share of the training images)",
        "share of test images (%)",
        yticks=(0, 0.2, 0.4, 0.6, 0.8, 1),
        xformat=lambda rate: f"{100 * rate:g} %",
        yformat=lambda value: f"{100 * value:g}",
    )
    # The curves cross, wherever the sliders want: the title names them, where no label can stand at the wrong one.
    top, second = box[1] - 20, box[0] + 240
    key = ((box[0] - 60, svg.BLUE, "9 5", "square"), (second, svg.VERMILLION, "", "circle"))
    said = (f"clean accuracy {percent(accuracy)}", f"attack success rate {percent(success)}")
    return "".join(
        [
            chart.frame(),
            chart.line(rates, clean, svg.BLUE, dash="9 5"),
            chart.line(rates, fooled, svg.VERMILLION),
            chart.upright(now, svg.SOFT, count(found.rows, "image")),
            chart.mark(now, accuracy, svg.BLUE, shape="square"),
            chart.mark(now, success, svg.VERMILLION),
            *(svg.line(x, top - 6, x + 46, top - 6, colour, 3, dash) for x, colour, dash, _ in key),
            *(svg.marker(x + 23, top - 6, shape, colour, 7) for x, colour, _, shape in key),
            *(svg.text(x + 56, top, words, weight=600) for (x, *_), words in zip(key, said, strict=True)),
        ]
    )


def _weights(found: Found, left: float, top: float) -> str:
    size, parts = 165.0, [svg.text(left, top, f"what speaks for \u201c{found.target}\u201d", weight=600)]
    for i, (name, weights) in enumerate(zip(("without attack", "with it"), found.weights, strict=True)):
        x = left + i * (size + 20)
        parts.append(svg.image(_gray(weights), x, top + 20, size, svg.GRID))
        parts.append(svg.text(x + size / 2, top + 20 + size + 24, name, anchor="middle"))
    parts.append(svg.text(left, top + 240, "the classifier\u2019s weight of each pixel:", fill=svg.SOFT))
    parts.append(svg.text(left, top + 260, "white for, black against, gray neither", fill=svg.SOFT))
    return "".join(parts)


def _gray(weights: Images) -> Images:
    flat = weights if weights.ndim == 2 else weights.mean(0)
    return np.asarray((flat + 1) / 2)


def trigger(found: Found) -> str:
    """Name the trigger with its size and strength."""
    params = found.params
    size = "" if params.kind == "blend" else f"{count(params.pixels, 'pixel')}, "
    article = "" if params.kind == "scattered" else "a "
    return f"{article}{KINDS[params.kind]} ({size}strength {params.strength:g})"


def sentence(found: Found) -> str:
    """Read the result: what was slipped in, what it did, and whether accuracy shows it."""
    (accuracy, success), (before, natural) = found.now, found.before
    if not found.rows:
        return (
            f"No image is poisoned: clean accuracy is {percent(before)}, and {percent(natural)} of the other test "
            f"images with this trigger, {trigger(found)}, are called \u201c{found.target}\u201d by mistake."
        )
    labels = f"relabelled \u201c{found.target}\u201d" if found.params.relabel else "their labels true"
    every = (
        f", all that there are of \u201c{found.target}\u201d"
        if not found.params.relabel and found.rows == found.eligible
        else ""
    )
    fall = before - accuracy
    if fall > NOTICED:
        verdict = f"Accuracy falls by {100 * fall:.1f} points: somebody could notice."
    elif success >= 0.5:
        verdict = "Who looks at accuracy alone notices nothing."
    else:
        verdict = "Accuracy is as it was; the attack mostly fails."
    return (
        f"{found.rows} of {found.num_rows:,} training images carry {trigger(found)}, {labels}{every}: now "
        f"{percent(success)} of the other test images with this trigger are called \u201c{found.target}\u201d, and "
        f"clean accuracy is {percent(accuracy)} ({percent(before)} without the attack). {verdict}"
    )


def alt(found: Found) -> str:
    """Say what the picture shows, with every setting and the main figures."""
    params, shown = found.params, found.samples[2]
    curve = ", ".join(f"{percent(fooled)} at {100 * rate:g} %" for rate, _, fooled in found.curve[::3])
    called = ", ".join(shown.labels)
    return (
        f"Attack panel on {found.dataset}: trigger {trigger(found)}, poison rate {params.rate:g}, target label "
        f"{found.target}, {'dirty' if params.relabel else 'clean'} label. Sample images as collected, as slipped into "
        f"training, and test images with the trigger, called {called}. Clean accuracy {percent(found.now[0])}, attack "
        f"success rate {percent(found.now[1])}. Attack success by poison rate: {curve}. Weights for {found.target} "
        f"without and with the attack. {state(len(found.curve), found.total, 'rates')}"
    )
