"""The panel of label flips: certificates without sampling, and attacks that are really carried out."""

from typing import Any

import numpy as np

from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.panels import svg
from rsbd.panels.chart import Chart, bars, level_around, ticks
from rsbd.panels.label_flips.compute import PENALTIES, LabelFlipsComputation, LabelFlipsParams, LabelFlipsResult
from rsbd.panels.panel import Panel, Runner, image_dataset
from rsbd.words import count, percent, phrases_of

_say = phrases_of(__file__)


def label_flips(
    dataset: Dataset | None = None, *, runner: Runner | None = None, **settings: Any
) -> Panel[LabelFlipsParams, LabelFlipsResult]:
    """Return the live panel of label-flip attacks on least squares and of what is certified against them.

    Parameters
    ----------
    dataset : Dataset, optional
        Images of two classes; the digits 0 and 1 unless given.
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`~rsbd.panels.label_flips.compute.LabelFlipsParams`: ``keep``, ``penalty``, ``flips``.

    Raises
    ------
    InputError
        If the inputs are not images of two classes, or a setting is out of range.

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> panel = label_flips(keep=0.9, runner=SyncRunner())
    >>> panel.sentence[:76]
    'Against any 10 flipped training labels, 74 % of test images are proved right'
    """
    data = image_dataset(dataset, "unit", classes=(0, 1))
    if data.num_classes != 2:
        raise InputError(f"{data.name} has {data.num_classes} classes", "give two, as load('digits', classes=(0, 1))")
    most = max(10, data.num_rows // 50 * 10)
    compute = LabelFlipsComputation(data, most)
    return Panel.of(LabelFlipsParams, settings, compute, draw_label_flips, runner, flips={"high": most})


def draw_label_flips(found: LabelFlipsResult) -> svg.Picture:
    """Draw the curves, the attack on one test image, and the figures at the chosen number of flips."""
    parts = [_curves(found), _victim(found), _figures(found)]
    return svg.Picture(svg.halves(*parts, cut=242), _alt(found), _sentence(found), "nothing is sampled")


def _curves(found: LabelFlipsResult) -> str:
    fitted, flips = found.fitted, found.params.flips
    end = len(found.exact) - 1
    title, xlabel = "right answers, attacked and certified", "flipped training labels (L0)"
    box = (78, 152, 434, 400)
    chart = Chart.of_shares(box, (-0.5, end + 0.5), title, xlabel, 1.08, xticks=ticks(0, end), above=4)
    steps, (xs, under) = np.arange(end + 1), level_around(np.arange(end + 1), found.exact)
    curves = (
        (fitted.one, "one set for all images", svg.VERMILLION, "2 5"),
        (fitted.each, "one set for each image", svg.VERMILLION, ""),
        (found.exact, "exact certificate", svg.BLUE, ""),
        (found.closed, "closed form", svg.BLUE, "9 6"),
    )
    none = "nothing is certified"
    return chart.filled(
        chart.band(xs, np.zeros(len(xs)), under, svg.BLUE, 0.15),
        *(chart.step(steps, ys, colour, dash=dash) for ys, _, colour, dash in curves),
        chart.upright(flips, svg.INK, count(flips, "flip")),
        chart.key(*((words, colour, dash) for _, words, colour, dash in curves), across=1),
        "" if found.exact.any() else svg.label(chart.box[0] + 12, chart.y(0) - 12, none),
        chart.note("blue: proved for the smoothed classifier;", "the attacks are on least squares itself"),
        chart.grip("drag the number of flips", "flips"),
    )


def _victim(found: LabelFlipsResult) -> str:
    data, names, flips = found.dataset, found.dataset.classes, found.params.flips
    said = f"answer: \u201c{names[found.answer]}\u201d"
    weight = 400 if found.answer == data.y_test[found.victim] else 700
    parts = [svg.text(470, 40, "heaviest labels of one test image", weight=600)]
    parts.append(svg.captioned(data.x_test[found.victim], 478, 61, 92, said, 23, svg.INK, 2, weight))
    for i, row in enumerate(found.rows):
        edge, width, weight = (svg.VERMILLION, 4, 700) if i < flips else (svg.GRID, 2, 400)
        said = f"\u201c{names[data.y[row] ^ (i < flips)]}\u201d"
        parts.append(svg.captioned(data.x[row], 582 + i * 59, 61, 52, said, 20, edge, width, weight))
    more = max(0, flips - len(found.rows))
    parts.append(svg.text(582, 155, "orange: flipped" + (f", and {more} more" if more else "")))
    parts.append(svg.text(470, 498, data.name, fill=svg.SOFT))
    return "".join(parts) + svg.lines(470, 209, _proof(found).split("; "), weight=600)


def _proof(found: LabelFlipsResult) -> str:
    needed, (exact, closed) = found.fitted.needed[found.victim], found.radii
    return _say("open" if exact < 0 else "held", needed=needed, exact=exact, closed=max(closed, 0))


def _figures(found: LabelFlipsResult) -> str:
    flips, fitted = found.params.flips, found.fitted
    names = ("no attack", "one set for all", "one set for each", "exact certificate", "closed form")
    values = (fitted.one[0], fitted.one[flips], fitted.each[flips], found.exact[flips], found.closed[flips])
    colours = (svg.GREEN, svg.VERMILLION, svg.VERMILLION, svg.BLUE, svg.BLUE)
    title = svg.text(470, 270, f"right answers at {count(flips, 'flipped label')}", weight=600)
    return title + bars((690, 292, 895, 470), names, [float(v) for v in values], colours, 24, 14)


def _sentence(found: LabelFlipsResult) -> str:
    """Say what is certified and what the attacks reach."""
    m, fitted = found.params.flips, found.fitted
    words = {
        "against": _say("against" if m else "unattacked", flips=m),
        "proved": _say("proved" if found.exact[m] else "nothing", exact=found.exact[m], closed=found.closed[m]),
        "penalty": _penalty(found.params),
    }
    return _say("sentence", found=found, p=found.params, one=fitted.one[m], each=fitted.each[m], **words)


def _alt(found: LabelFlipsResult) -> str:
    params, fitted, names = found.params, found.fitted, found.dataset.classes
    at = sorted({0, 5, 10, 20, params.flips} & set(range(len(found.exact))))
    curves = ((found.closed, "closed form"), (found.exact, "exact"), (fitted.each, "attacked image by image"))
    words = {
        "classes": " against ".join(names),
        "penalty": _penalty(params),
        "curves": "; ".join(f"{name} " + ", ".join(f"{percent(ys[m])} at {m}" for m in at) for ys, name in curves),
        "proof": _proof(found),
        "answer": names[found.answer],
    }
    return _say("alt", found=found, p=params, one=fitted.one[params.flips], **words)


def _penalty(params: LabelFlipsParams) -> str:
    return next((name for name, value in PENALTIES if value == params.penalty), f"{params.penalty:g} x the default")
