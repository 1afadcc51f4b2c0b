"""Draw the panel of certified confidence, and say its result in words."""

import numpy as np

from rsbd.certify.confidence import RANGE
from rsbd.panels import svg
from rsbd.panels.chart import Chart, ticks
from rsbd.panels.confidence.compute import FURTHEST_RADIUS, ConfidenceResult
from rsbd.words import confidence, down, note, percent, state


def draw_confidence(found: ConfidenceResult) -> svg.Picture:
    """Draw the distribution before and after the attack, the image, and both bounds by radius."""
    parts = [_distribution(found), _image(found), _bounds(found)]
    words = note(found.copies, found.params.copies, "noisy copies")
    return svg.Picture(svg.halves(*parts), _alt(found), _sentence(found), words)


def _distribution(found: ConfidenceResult) -> str:
    low, high, _ = RANGE[found.params.measure]
    unit = f"{'score' if low == 0 else 'margin'} of class \u201c{found.dataset.classes[found.label]}\u201d"
    title, xlabel = "noisy copies that reach a score", f"{unit} on a noisy copy, s"
    chart = Chart.of_shares((78, 132, 434, 400), (low, high), title, xlabel, 1.05, above=3)
    key = (
        ("as sampled, with its band", svg.INK, ""),
        ("after the attack", svg.BLUE, ""),
        ("naive: only the average", svg.VERMILLION, "9 6"),
    )
    less = " less 1" if low < 0 else ""
    return chart.filled(
        chart.key(*key, across=1),
        chart.band(found.at, np.zeros(len(found.at)), found.pushed, svg.BLUE, 0.25),
        chart.band(found.at, found.lowered, found.reached, svg.INK, 0.18),
        chart.line(found.at, np.full(len(found.at), found.mean_kept), svg.VERMILLION, dash="9 6"),
        chart.line(found.at, found.reached, svg.INK, width=2),
        chart.line(found.at, found.pushed, svg.BLUE, width=4),
        chart.note(f"blue area{less} = certified average {down(found.here[0])}", f"dashed: {down(found.here[1])}"),
    )


def _image(found: ConfidenceResult) -> str:
    data, params = found.dataset, found.params
    image = data.x_test[params.point]
    name, true = data.classes[found.label], data.classes[data.y_test[params.point]]
    wrong = "" if name == true else f", in truth \u201c{true}\u201d"
    parts = [
        svg.captioned(image, 470, 16, 84, "as it is", 20, svg.INK, 2),
        svg.captioned(image + found.noise, 564, 16, 84, "noisy", 20, svg.BLUE, 2),
        svg.text(470, 146, data.name, fill=svg.SOFT),
        svg.text(660, 32, f"answer: \u201c{name}\u201d{wrong}", weight=600),
        svg.text(660, 58, f"average sampled: {found.average:z.2f}"),
        svg.text(660, 84, f"certified: {down(found.here[0])}", weight=600),
        svg.text(660, 110, f"naive: {down(found.here[1])}"),
    ]
    return "".join(parts)


def _bounds(found: ConfidenceResult) -> str:
    params = found.params
    low, high, top = RANGE[found.params.measure]
    title = f"certified average {params.measure} by radius"
    xlabel = "L2 radius (pixel units)"
    box, xticks = (540, 256, 900, 400), ticks(0, FURTHEST_RADIUS)
    chart = Chart(box, (0, FURTHEST_RADIUS), (low, high), title, xlabel, "", xticks, above=2)
    key = (
        ("whole distribution", svg.BLUE, ""),
        ("naive", svg.VERMILLION, "9 6"),
        (f"above {top:g} no other class is surer", svg.INK, "3 5"),
    )
    whole, alone = (percent(value) for value in found.shares)
    return chart.filled(
        svg.line(chart.box[0], chart.y(top), chart.box[2], chart.y(top), svg.INK, 2, "3 5"),
        chart.line(found.radii, found.naive, svg.VERMILLION, dash="9 6"),
        chart.line(found.radii, found.lower, svg.BLUE, width=4),
        chart.upright(params.radius, svg.INK, f"radius {params.radius:g}"),
        chart.mark(params.radius, found.here[1], svg.VERMILLION, "square", 6),
        chart.mark(params.radius, found.here[0], svg.BLUE, size=8),
        chart.key(*key, wide=264),
        chart.note("of all test images proved right:", f"{whole} (naive {alone})"),
        chart.grip("drag the radius", "radius"),
    )


def _sentence(found: ConfidenceResult) -> str:
    """Say how sure the classifier stays, and that this is not the probability of being right."""
    params, data = found.params, found.dataset
    _, _, top = RANGE[found.params.measure]
    name, true = data.classes[found.label], data.classes[data.y_test[params.point]]
    few = f"Preview ({note(found.copies, params.copies, 'copies')}): t" if found.copies < params.copies else "T"
    right = "which is right" if name == true else f"which is wrong (it is \u201c{true}\u201d)"
    stays = "so no other class can overtake it" if found.here[0] > top else "so another class might overtake it"
    both = [percent(value) for value in found.shares]
    proved = f"Of all test images {both[0]} are proved right (naive: {both[1]})."
    proved = proved if found.shares[0] else "With this noise and radius no test image is proved right."
    return (
        f"{few}est image {params.point} is called \u201c{name}\u201d, {right}. After any change of L2 length up to "
        f"{params.radius:g} its average {params.measure} is at least {down(found.here[0])}, {stays}; the naive bound "
        f"says {down(found.here[1])}. Sigma {params.sigma:g}, {found.copies:,} noisy copies with average "
        f"{found.average:z.2f}, confidence {confidence(params.alpha)}. A {params.measure} is not the probability of "
        f"being right. {proved}"
    )


def _alt(found: ConfidenceResult) -> str:
    """Describe the picture, with every setting and the main figures."""
    params, data = found.params, found.dataset
    steps = [int(np.searchsorted(found.radii, r - 1e-9)) for r in (0, 0.25, 0.5, 1)]
    curve = ", ".join(f"{down(found.lower[i])} (naive {down(found.naive[i])}) at {found.radii[i]:g}" for i in steps)
    return (
        f"Confidence panel on {data.name}: sigma {params.sigma:g}, {params.measure}, L2 radius {params.radius:g}, test "
        f"image {params.point}, {params.copies} copies, alpha {params.alpha:g}. The share of noisy copies that reach "
        f"each score, lowered by the band and then by the attack. Average {found.average:z.2f}, certified "
        f"{down(found.here[0])}, naive {down(found.here[1])}. Certified average by radius: {curve}. Right and "
        f"certified over all test images: {percent(found.shares[0])}, naive {percent(found.shares[1])} "
        f"{state(found.copies, params.copies, 'copies')}"
    )
