"""The panel of partitions and bags: hide each training row from most models."""

from typing import Any

import numpy as np

from rsbd.data import Dataset
from rsbd.panels import svg
from rsbd.panels.chart import Chart, bars, ticks
from rsbd.panels.panel import Panel, Runner, image_dataset
from rsbd.panels.partitions.compute import ALPHA, PartitionsComputation, PartitionsParams, PartitionsResult
from rsbd.words import count, percent, phrases_of

_STACK = (0, 0, 452, 241), (460, 0, 912, 241), (0, 241, 452, 500), (460, 241, 912, 500)
_SHOWN, _ACROSS = 100, 25  # models in the strip, and in one line of it
_say = phrases_of(__file__)


def partitions(
    dataset: Dataset | str | None = None,
    *,
    target: int | str = 0,
    seed: int = 0,
    runner: Runner | None = None,
    **settings: Any,
) -> Panel[PartitionsParams, PartitionsResult]:
    """Return the live panel of methods that hide each training row from most models.

    Parameters
    ----------
    dataset : Dataset or str, optional
        Images in their binary view; a name is loaded. The digits 0 and 1 unless given.
    target : int or str
        Class that the attacker wants.
    seed : int
        Seed of the attack and of the ensemble.
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`~rsbd.panels.partitions.compute.PartitionsParams`:
        ``method``, ``poisoned``, ``parts``, ...

    Raises
    ------
    InputError
        If the inputs are not binary images, the target is not a class, or a setting is out of range.

    References
    ----------
    As in :func:`rsbd.recipes.dpa`, :func:`rsbd.recipes.bagging` and :func:`rsbd.recipes.bagflip`.

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> panel = partitions(parts=30, poisoned=2, runner=SyncRunner())
    >>> panel.sentence[:71]
    'DPA with 30 parts: with 2 poisoned rows, 27 of 30 models are untouched.'
    """
    data = image_dataset(dataset, "binary", lambda levels: levels == 2, classes=(0, 1))
    compute = PartitionsComputation(data, data.label(target), seed)
    return Panel.of(PartitionsParams, settings, compute, draw_partitions, runner)


def draw_partitions(found: PartitionsResult) -> svg.Picture:
    """Draw the picture, and say its result in words."""
    p = found.params
    last = int(np.flatnonzero(found.changed + found.second).max(initial=0))
    end = min(len(found.changed) - 1, max(10, p.poisoned + 2, last + 2))
    box, xlabel = (78, 312, 434, 450), "number of poisoned training rows"
    chart = Chart.of_shares(box, (-0.5, end + 0.5), "certified accuracy", xlabel, 1.08, xticks=ticks(0, end), above=1)
    rows = np.arange(end + 1)
    curves = chart.filled(
        chart.step(rows, found.second[: end + 1], svg.GREEN, dash="9 5"),
        chart.step(rows, found.changed[: end + 1], svg.BLUE, width=4),
        chart.upright(p.poisoned, svg.VERMILLION, f"this attack: {count(p.poisoned, 'row')}", high=26),
        chart.mark(p.poisoned, float(found.second[p.poisoned]), svg.GREEN, shape="square"),
        chart.mark(p.poisoned, float(found.changed[p.poisoned]), svg.BLUE, shape="circle"),
        chart.grip("drag the number of poisoned rows", "poisoned"),
    )
    title = svg.text(470, 300, "accuracy on clean test images", weight=600)
    names, values, colours = ("the vote", "one model alone"), (found.accuracy, found.alone), (svg.BLUE, svg.ORANGE)
    title += svg.text(470, 440, found.dataset.name, fill=svg.SOFT)
    parts = [_strip(found), curves, _key(found), title, bars((650, 318, 895, 398), names, values, colours)]
    return svg.Picture(svg.document(912, 500, parts, _STACK), _alt(found), _sentence(found), count(p.models, "model"))


def _strip(found: PartitionsResult) -> str:
    """Draw one cell for each model: plain, or with a sign if the attack reached it."""
    holds, lost = found.holds[:_SHOWN], found.lost[:_SHOWN]
    across = _ACROSS if len(holds) > _ACROSS else max(len(holds), 20)
    side, high = 430 / across, 92.0 / -(-len(holds) // across)
    total = len(found.holds)
    which = f"the first {_SHOWN} of {total:,} models" if total > _SHOWN else f"all {total} models"
    parts = [svg.text(10, 24, f"{count(found.params.poisoned, 'poisoned row')}: who sees any?", weight=600)]
    parts.append(svg.text(10, 48, which, fill=svg.SOFT))
    for i, (hit, gone) in enumerate(zip(holds, lost, strict=True)):
        x, y = 10 + i % across * side, 58 + i // across * high
        parts.append(_cell(x + 1.5, y + 1.5, side - 3, high - 3, bool(hit), bool(gone)))
    signs = [("sees a poisoned row", found.holds, True, False)]
    if not found.params.drawn:
        signs.append(("only lost the row that was changed", found.lost, False, True))
    signs.append(("untouched by the attack", ~(found.holds | found.lost), False, False))
    for i, (name, who, hit, gone) in enumerate(signs):
        parts.append(_cell(10, 158 + 29 * i, 24, 24, hit, gone))
        parts.append(svg.text(44, 177 + 29 * i, f"{name}: {who.sum():,}"))
    return "".join(parts)


def _cell(x: float, y: float, wide: float, high: float, hit: bool, gone: bool) -> str:
    fill = svg.VERMILLION if hit else "none" if gone else svg.GRID
    drawn = svg.rect(x, y, wide, high, fill, svg.VERMILLION if gone else "none", 2.5)
    if hit:
        return drawn + svg.marker(x + wide / 2, y + high / 2, "diamond", "#fff", 6)
    return drawn + (svg.marker(x + wide / 2, y + high / 2, "triangle", svg.VERMILLION, 6) if gone else "")


def _key(found: PartitionsResult) -> str:
    """Name the two curves, each beside a piece of its line, with its figure at this attack."""
    p = found.params
    lines = (("first", svg.BLUE, "", 4.0), ("second", svg.GREEN, "9 5", 3.0))
    parts = [svg.text(470, 24, f"right and certified, {count(p.poisoned, 'row')}", weight=600)]
    for y, (which, colour, dash, width) in zip((82, 172), lines, strict=True):
        parts.append(svg.line(470, y - 7, 520, y - 7, colour, width, dash))
        parts.append(svg.text(470, y + 24, _say(f"{p.method}_{which}", p=p)))
    parts.append(svg.large(532, 78, float(found.changed[p.poisoned]), 50))
    parts.append(svg.text(532, 172, percent(float(found.second[p.poisoned])), 20, weight=600))
    return "".join(parts) + svg.text(470, 131, _by_class(found), weight=600)


def _by_class(found: PartitionsResult) -> str:
    """Say the certified accuracy within each class, or the lowest one if there are many."""
    if found.dataset.num_classes > 3:
        return f"at least {percent(float(np.nanmin(found.by_class)))} in each class"
    pairs = zip(found.by_class, found.dataset.classes, strict=False)
    return ", ".join(f'{percent(float(share))} of "{name}"' for share, name in pairs if not np.isnan(share))


def _sentence(found: PartitionsResult) -> str:
    p, held = found.params, found.changed[found.params.poisoned]
    words: dict[str, object] = {
        "held": held,
        "rows": "one training row" if p.poisoned == 1 else f"any {p.poisoned} training rows",
        "by_class": _by_class(found),
        "at_will": found.second[p.poisoned],
        "sure": f"each with probability {1 - ALPHA:g}" if p.drawn else "with certainty",
    }
    cases = ("certified_by_flips", "nothing_by_flips") if p.method == "bagflip" else ("certified", "nothing")
    proved = _say(cases[not held], p=p, **words)
    untouched = int((~(found.holds | found.lost)).sum())
    return _say("sentence", method=_say(p.method, p=p), p=p, untouched=untouched, proved=proved, found=found)


def _alt(found: PartitionsResult) -> str:
    p, curves = found.params, []
    for which, curve in (("first", found.changed), ("second", found.second)):
        at = [r for r in (0, 1, 2, 5, 10, 20, 40) if r < len(curve) and curve[r] > 0]
        said = ", ".join(f"{percent(float(curve[r]))} at {r}" for r in at) or "none"
        curves.append(f"{_say(f'{p.method}_{which}', p=p)}: {said}")
    words: dict[str, object] = {
        "method": _say(p.method, p=p),
        "curves": "; ".join(curves),
        "by_class": _by_class(found),
        "alpha": ALPHA if p.drawn else 0,
        "seen": found.holds.sum(),
        "lost": found.lost.sum(),
    }
    return _say("alt", p=p, found=found, **words)
