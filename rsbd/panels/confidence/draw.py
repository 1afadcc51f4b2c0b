"""Draw the panel of certified confidence, and say its result in words."""

from __future__ import annotations

import numpy as np

from rsbd.panels import svg
from rsbd.panels.chart import Chart, share
from rsbd.panels.confidence.compute import FURTHEST_RADIUS, ConfidenceResult
from rsbd.panels.engine import Picture
from rsbd.words import down, percent, state


def draw_confidence(found: ConfidenceResult) -> Picture:
    """Draw the distribution before and after the attack, the image, and both bounds by radius."""
    parts = [_distribution(found), _image(found, 700, 20), _bounds(found)]
    words = f"{found.params.copies:,} noisy copies"
    return Picture(svg.document(1200, 532, parts), _alt(found), _sentence(found), words)


def _distribution(found: ConfidenceResult) -> str:
    low, high, _ = found.range
    name = found.dataset.classes[found.label]
    unit = f"score of class \u201c{name}\u201d" if low == 0 else f"margin of class \u201c{name}\u201d"
    chart = Chart(
        (78, 60, 600, 455),
        (low, high),
        (0, 1.05),
        "noisy copies that reach a score",
        f"{unit} on a noisy copy, s",
        "",
        yticks=(0, 0.25, 0.5, 0.75, 1),
        yformat=share,
    )
    zero = np.zeros(len(found.at))
    kept = np.full(len(found.at), found.mean_kept)
    said, wide = "as sampled, with its band", 280.0
    at = chart.x(float(found.at[np.flatnonzero(found.reached >= 0.78)[-1]])) + 14
    at = min(at, chart.box[2] - wide)  # beside the curve, or above it where it hardly falls
    xs = [chart.x(float(score)) for score in found.at]
    ends = [float(np.interp(x, xs, found.reached)) for x in (at - 14, at + 0.6 * wide)]
    high = chart.y(ends[0]) + (5 if ends[0] - ends[1] > 0.1 else -8)
    top = min(chart.y(0.76 * float(found.pushed[0])) + 5, chart.box[3] - 8)
    naive = min(chart.y(found.mean_kept) + 22, chart.box[3] - 8)
    if abs(naive - top) < 24:  # names stand in lines of their own
        naive, top = (top + 26, top) if top + 34 < chart.box[3] else (chart.box[3] - 8, chart.box[3] - 34)
    if abs(high - naive) < 24:
        high = naive - 26
    return "".join(
        [
            chart.frame(),
            chart.band(found.at, zero, found.pushed, svg.BLUE, 0.25),
            chart.band(found.at, found.lowered, found.reached, svg.INK, 0.18),
            chart.line(found.at, kept, svg.VERMILLION, dash="9 6"),
            chart.line(found.at, found.reached, svg.INK, width=2),
            chart.line(found.at, found.pushed, svg.BLUE, width=4),
            svg.text(at, high, said, weight=600, halo=True),
            svg.text(chart.box[0] + 12, top, "after the attack", weight=600, halo=True),
            svg.text(chart.box[0] + 12, naive, "naive: only the average is known", weight=600, halo=True),
            chart.note(_area(found)),
        ]
    )


def _area(found: ConfidenceResult) -> str:
    less = " less 1" if found.range[0] < 0 else ""
    return f"blue area{less} = certified average {down(found.here[0])}; dashed: {down(found.here[1])}"


def _two(value: float) -> str:
    """Write two decimals, and no negative zero."""
    return f"{round(value, 2) + 0.0:.2f}"


def _image(found: ConfidenceResult, left: float, top: float) -> str:
    data, params = found.dataset, found.params
    image = data.x_test[params.point]
    name, true = data.classes[found.label], data.classes[data.y_test[params.point]]
    wrong = "" if name == true else f", in truth \u201c{true}\u201d"
    word = params.measure
    return "".join(
        [
            svg.image(image, left - 40, top, 96, svg.INK, 2),
            svg.image(np.clip(image + found.noise, 0, 1), left + 68, top, 96, svg.BLUE, 2),
            svg.text(left + 8, top + 118, "as it is", anchor="middle"),
            svg.text(left + 116, top + 118, "noisy copy", anchor="middle"),
            svg.text(left + 182, top + 18, f"answer: \u201c{name}\u201d{wrong}", weight=600),
            svg.text(left + 182, top + 44, f"average {word} sampled: {_two(found.average)}"),
            svg.text(left + 182, top + 70, f"certified after attack: {down(found.here[0])}", weight=600),
            svg.text(left + 182, top + 96, f"naive, average alone: {down(found.here[1])}"),
        ]
    )


def _bounds(found: ConfidenceResult) -> str:
    params = found.params
    low, high, top = found.range
    chart = Chart(
        (720, 218, 1185, 455),
        (0, FURTHEST_RADIUS),
        (low, high),
        f"certified average {params.measure} by radius",
        "L2 radius of a change of the test image (pixel units)",
        "",
        xticks=(0, 0.25, 0.5, 0.75, 1, 1.25, 1.5),
    )
    said = f"above {top:g} no other class is surer"
    parts = [
        chart.frame(),
        svg.line(chart.box[0], chart.y(top), chart.box[2], chart.y(top), svg.INK, 2, "3 5"),
        chart.line(found.radii, found.naive, svg.VERMILLION, dash="9 6"),
        chart.line(found.radii, found.lower, svg.BLUE, width=4),
        chart.upright(params.radius, svg.INK, f"radius {params.radius:g}"),
        svg.text(chart.box[2] - 6, chart.y(top) - 7, said, anchor="end", halo=True),
        svg.marker(chart.x(params.radius), chart.y(found.here[1]), "square", svg.VERMILLION, 6),
        svg.marker(chart.x(params.radius), chart.y(found.here[0]), "circle", svg.BLUE, 8),
        *_names(chart, found),
    ]
    whole, alone = (percent(value) for value in found.shares)
    parts.append(chart.note(f"all test images right and certified: {whole} (naive {alone})"))
    return "".join(parts)


def _names(chart: Chart, found: ConfidenceResult) -> list[str]:
    """Name both bounds at the radius where they are furthest from the line of the threshold."""
    line = chart.y(found.range[2])
    i = max((12, 20, 28), key=lambda i: abs(chart.y(float(found.lower[i])) - 10 - line))
    x, above, below = (float(v) for v in (found.radii[i], found.lower[i], found.naive[i]))
    high = chart.y(above) - 10
    if abs(high - line) < 32:
        high = line - 32
    return [
        svg.text(chart.x(x) + 8, high, "whole distribution", weight=600, halo=True),
        svg.text(
            chart.x(x) - 8, min(chart.y(below) + 20, chart.box[3] - 6), "naive", anchor="end", weight=600, halo=True
        ),
    ]


def _sentence(found: ConfidenceResult) -> str:
    """Say how sure the classifier stays, and what that does not mean."""
    params, data = found.params, found.dataset
    _, _, top = found.range
    name, true = data.classes[found.label], data.classes[data.y_test[params.point]]
    right = "which is right" if name == true else f"which is wrong (it is \u201c{true}\u201d)"
    stays = "so no other class can overtake" if found.here[0] > top else "which leaves open whether another overtakes"
    both = [percent(value) for value in found.shares]
    return (
        f"Test image {params.point} is called \u201c{name}\u201d, {right}. Over noise of sigma {params.sigma:g} its "
        f"average {params.measure} stays at least {down(found.here[0])} after any change of L2 length up to "
        f"{params.radius:g}, {stays} (with confidence {1 - params.alpha:g}, from {params.copies:,} noisy copies with "
        f"average {_two(found.average)}); the naive bound says {down(found.here[1])}. A {params.measure} is not the "
        f"probability of being right. Over all test images {both[0]} are right and certified, {both[1]} naively."
    )


def _alt(found: ConfidenceResult) -> str:
    """Describe the picture, with every setting and the main figures."""
    params, data = found.params, found.dataset
    steps = [int(np.searchsorted(found.radii, r - 1e-9)) for r in (0, 0.25, 0.5, 1)]
    curve = ", ".join(f"{down(found.lower[i])} (naive {down(found.naive[i])}) at {found.radii[i]:g}" for i in steps)
    return (
        f"Confidence panel on {data.name}: sigma {params.sigma:g}, {params.measure}, L2 radius {params.radius:g}, test "
        f"image {params.point}, {params.copies} copies, alpha {params.alpha:g}. The share of noisy copies that reach "
        f"each score, lowered by the band and then by the attack. Average {_two(found.average)}, certified "
        f"{down(found.here[0])}, naive {down(found.here[1])}. Certified average by radius: {curve}. Right and "
        f"certified over all test images: {percent(found.shares[0])}, naive {percent(found.shares[1])} {state(1, 1)}"
    )
