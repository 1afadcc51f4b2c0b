"""The panel of certified confidence: how sure of its class a smoothed classifier stays under attack."""

from typing import Any

import numpy as np

from rsbd.certify.confidence import RANGE
from rsbd.data import Dataset
from rsbd.learners import LDA, Learner
from rsbd.panels import svg
from rsbd.panels.chart import Chart, ticks
from rsbd.panels.confidence.compute import FURTHEST_RADIUS, ConfidenceComputation, ConfidenceParams, ConfidenceResult
from rsbd.panels.panel import Panel, Runner, image_dataset
from rsbd.words import down, note, percent, phrases_of, preview, state

_say = phrases_of(__file__)


def confidence(
    dataset: Dataset | str | None = None,
    *,
    learner: Learner | None = None,
    seed: int = 0,
    runner: Runner | None = None,
    **settings: Any,
) -> Panel[ConfidenceParams, ConfidenceResult]:
    """Return the live panel of certified confidence under Gaussian noise on the test image.

    Parameters
    ----------
    dataset : Dataset or str, optional
        Images with gray pixels; a name is loaded in its unit view. 500 rows and 200 points of the digits unless given.
    learner : Learner, optional
        A learner with scores; :class:`~rsbd.learners.discriminant.lda.LDA` unless given.
    seed : int
        Seed of the noise.
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`~rsbd.panels.confidence.compute.ConfidenceParams`:
        ``sigma``, ``radius``, ``measure``, ``point``, ``copies``, ``alpha``.

    Raises
    ------
    InputError
        If the inputs are not images, or a setting is out of range.

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> panel = confidence(sigma=0.25, copies=300, runner=SyncRunner())
    >>> panel.sentence[:43]
    'Test image 0 is called “3”, which is right.'
    """
    data = image_dataset(dataset, "unit", rows=500, points=200)
    compute, last = ConfidenceComputation(data, learner or LDA(), seed), data.num_points - 1
    return Panel.of(ConfidenceParams, settings, compute, draw_confidence, runner, point={"high": last})


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
    name, true = data.classes[found.label], data.classes[data.y_test[params.point]]
    words = {
        "start": f"{early}t" if (early := preview(found.copies, params.copies, "copies")) else "T",
        "right": _say("right" if name == true else "wrong", true=true),
        "stays": _say("stays" if found.here[0] > RANGE[params.measure][2] else "open"),
        "proved": _say("proved" if found.shares[0] else "nothing", found=found),
    }
    return _say("sentence", found=found, p=params, name=name, **words)


def _alt(found: ConfidenceResult) -> str:
    steps = [int(np.searchsorted(found.radii, r - 1e-9)) for r in (0, 0.25, 0.5, 1)]
    curve = ", ".join(f"{down(found.lower[i])} (naive {down(found.naive[i])}) at {found.radii[i]:g}" for i in steps)
    said = state(found.copies, found.params.copies, "copies")
    return _say("alt", found=found, p=found.params, curve=curve, state=said)
