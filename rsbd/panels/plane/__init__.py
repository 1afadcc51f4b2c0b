"""The panel of smoothing in two dimensions."""

import math
from typing import Any

import numpy as np

from rsbd.panels import svg
from rsbd.panels.chart import Chart, bars
from rsbd.panels.panel import Panel, Runner
from rsbd.panels.plane.compute import CLASSES, REACH, SELECTION_COPIES, WORLD, PlaneParams, PlaneResult, compute_plane
from rsbd.words import down, phrases_of

_say = phrases_of(__file__)
_COLOURS = dict(zip(CLASSES, (svg.BLUE, svg.VERMILLION), strict=True))
_SHAPES = dict(zip(CLASSES, ("circle", "square"), strict=True))


def plane(*, runner: Runner | None = None, **settings: Any) -> Panel[PlaneParams, PlaneResult]:
    """Return a live panel of a smoothed classifier in two dimensions, where everything can be seen.

    A base classifier with a wiggly region; a point; Gaussian noise around it; the votes; the interval of Clopper and
    Pearson; and the circle in which the smoothed classifier provably gives the same answer.

    Parameters
    ----------
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`~rsbd.panels.plane.compute.PlaneParams`:
        ``x``, ``y``, ``sigma``, ``samples``, ``alpha``, ``seed``.

    Raises
    ------
    InputError
        If a setting does not exist or is out of range.

    References
    ----------
    Cohen, Rosenfeld, Kolter, "Certified Adversarial Robustness via Randomized Smoothing", 2019, theorem 1.

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> panel = plane(sigma=2.0, runner=SyncRunner())
    >>> panel.sentence[:30]
    'At (0, 0.1) with sigma 2, 100 '
    """
    return Panel.of(PlaneParams, settings, compute_plane, draw_plane, runner)


def draw_plane(found: PlaneResult) -> svg.Picture:
    """Draw the plane with the noise and the circle, and the three steps from votes to radius beside it."""
    parts = [_plane(found), _steps(found)]
    return svg.Picture(svg.halves(*parts), _alt(found), _sentence(found))


def _plane(found: PlaneResult) -> str:
    params, xticks, yticks = found.params, (-2, -1, 0, 1, 2), (-1, 0, 1, 2)
    title = "abstains: nothing is certified"
    if found.radius >= 0:
        title = f"{found.label} within distance {down(found.radius, 3)}: certified"
    chart = Chart((70, 40, 430, 400), (-REACH, REACH), (-REACH, REACH), title, "x", "y", xticks, yticks, glide=False)
    everywhere = np.array([(-REACH, -REACH), (REACH, -REACH), (REACH, REACH), (-REACH, REACH)])
    rings, border = WORLD.rings(), found.border
    parts = [chart.area([everywhere], _COLOURS["B"], 0.13), chart.area(rings, svg.PAPER, 1)]
    parts.append(chart.area(rings, _COLOURS["A"], 0.2))
    for copy, label in zip(found.copies, found.labels, strict=True):
        if np.all(np.abs(copy) <= REACH):
            name = CLASSES[label]
            parts.append(chart.mark(copy[0], copy[1], _COLOURS[name], shape=_SHAPES[name], size=4))
    parts += [chart.line(ring[:, 0], ring[:, 1], svg.SOFT, width=1) for ring in rings]
    parts += [chart.line(line[:, 0], line[:, 1], svg.INK, dash="7 5", width=2) for line in border]
    parts.append(svg.text(chart.x(-0.75), chart.y(0.35), "A", 34, "middle", 700, halo=True))
    parts.append(svg.text(chart.x(-1.7), chart.y(-1.8), "B", 34, "middle", 700, halo=True))
    if found.radius >= 0:
        angle = np.linspace(0, 2 * math.pi, 121)
        xs, ys = params.x + found.radius * np.cos(angle), params.y + found.radius * np.sin(angle)
        parts.append(chart.line(xs, ys, svg.PAPER, width=8) + chart.line(xs, ys, svg.INK, width=4))
    parts.append(chart.mark(params.x, params.y, svg.INK, shape="diamond", size=9))
    parts.append(svg.label(424, 392, "drag the point", "end"))
    dashed = "no dashed line: one answer", "in all that is seen"
    if border:
        dashed = "dashed: where the answer", "of the smoothed classifier really changes"
    said = chart.note(f"thick: certified; {dashed[0]}", dashed[1])
    return chart.filled(*parts, said, chart.grip("drag the point", "x", "y"))


def _steps(found: PlaneResult) -> str:
    params, number = found.params, sum(found.counts)
    names = [f"{name}: {votes:,}" for name, votes in zip(CLASSES, found.counts, strict=True)]
    shares = [votes / number for votes in found.counts]
    colours = [_COLOURS[name] for name in CLASSES]
    xlabel, xticks = f"probability of {found.label} under the noise (%)", (0, 0.25, 0.5, 0.75, 1)
    box, percents = (490, 236, 890, 326), lambda p: f"{100 * p:g}"
    chart = Chart(box, (0, 1), (0, 1), "", xlabel, xticks=xticks, yticks=(), xformat=percents)
    colour = _COLOURS[found.label]
    noted = (f"line: interval (wrong with probability {params.alpha:g})", "diamond: share of votes")
    interval = chart.filled(
        chart.upright(0.5, svg.SOFT, "one half"),
        chart.line([found.p_a, found.p_a], [0, 0.7], colour),
        chart.line([found.p_a, 1], [0.4, 0.4], colour, width=12),
        chart.mark(found.share, 0.4, svg.INK, shape="diamond"),
    )
    parts = [
        svg.text(470, 26, f"1  the votes of {number:,} noisy copies", 20, weight=600),
        bars((590, 56, 895, 0), names, shares, colours, 30),
        svg.text(470, 208, f"2  probability of {found.label} at least {_least(found)}", 20, weight=600),
        interval,
        svg.lines(470, 398, noted, fill=svg.SOFT),
        svg.text(470, 464, "3  radius = sigma \u00d7 \u03a6\u207b\u00b9(at least)", 20, weight=600),
        svg.text(490, 498, _working(found), 22),
    ]
    return "".join(parts)


def _working(found: PlaneResult) -> str:
    if found.radius < 0:
        return f"{_least(found)} is not above one half: ABSTAIN"
    sigma = found.params.sigma
    return f"= {sigma:g} \u00d7 {down(found.radius / sigma, 3)} = {down(found.radius, 3)}"


def _least(found: PlaneResult) -> str:
    """Write the lower bound, rounded down."""
    return f"{down(100 * found.p_a, 1)} %"


def _sentence(found: PlaneResult) -> str:
    """State label, bound and radius, or that the classifier abstains."""
    votes = {"votes": found.counts[CLASSES.index(found.label)], "number": sum(found.counts), "least": _least(found)}
    case = "abstains" if found.radius < 0 else "certified"
    return _say(case, found=found, p=found.params, selection=SELECTION_COPIES, **votes)


def _alt(found: PlaneResult) -> str:
    circle = _say("no_circle" if found.radius < 0 else "circle", found=found)
    words = {"selection": SELECTION_COPIES, "least": _least(found), "circle": circle}
    return _say("alt", found=found, p=found.params, **words)
