"""Draw the panel of partitions: a strip of models, the curves, and the clean accuracy; say the result in words."""

import numpy as np

from rsbd.panels import svg
from rsbd.panels.chart import Chart, bars, ticks
from rsbd.panels.partitions.compute import ALPHA, PartitionsParams, PartitionsResult
from rsbd.words import count, percent, state

_STACK = (0, 0, 452, 241), (460, 0, 912, 241), (0, 241, 452, 500), (460, 241, 912, 500)
_SHOWN, _ACROSS = 100, 25  # models in the strip, and in one line of it
_SECOND = {
    "dpa": "rows only inserted or removed",
    "finite": "rows only inserted or removed",
    "bagging": "rows only inserted",
    "bagflip": "any change of a row, test image as it is",
}


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
    title += svg.text(470, 440, found.dataset, fill=svg.SOFT)
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
    lines = ((_threat(p), found.changed, svg.BLUE, "", 4.0), (_SECOND[p.method], found.second, svg.GREEN, "9 5", 3.0))
    parts = [svg.text(470, 24, f"right and certified, {count(p.poisoned, 'row')}", weight=600)]
    for y, (name, _, colour, dash, width) in zip((82, 172), lines, strict=True):
        parts.append(svg.line(470, y - 7, 520, y - 7, colour, width, dash))
        parts.append(svg.text(470, y + 24, name))
    parts.append(svg.large(532, 78, float(found.changed[p.poisoned]), 50))
    parts.append(svg.text(532, 172, percent(float(found.second[p.poisoned])), 20, weight=600))
    parts.append(svg.text(470, 131, _by_class(found), weight=600))
    return "".join(parts)


def _by_class(found: PartitionsResult) -> str:
    """Say the certified accuracy within each class, or the lowest one if there are many."""
    if len(found.classes) > 3:
        return f"at least {percent(float(np.nanmin(found.by_class)))} in each class"
    pairs = zip(found.by_class, found.classes, strict=False)
    return ", ".join(f'{percent(float(share))} of "{name}"' for share, name in pairs if not np.isnan(share))


def _threat(p: PartitionsParams) -> str:
    if p.method == "bagflip":
        return f"{count(p.trigger, 'pixel')} and label; the test image too"
    return "rows changed at will, test image as it is"


def _method(p: PartitionsParams) -> str:
    """Name the method with its settings."""
    if p.method == "dpa":
        return f"DPA with {p.parts} parts"
    if p.method == "finite":
        return f"Finite Aggregation with {p.parts} parts, each row shared by {count(p.spread, 'model')}"
    bags = f"{p.num_models:,} models, {count(p.size, 'row')} in a bag"
    if p.method == "bagging":
        return f"Bagging with {bags}"
    return f"BagFlip with {bags}, keep {p.keep:g}, a trigger of {count(p.trigger, 'pixel')}"


def _sentence(found: PartitionsResult) -> str:
    p, held = found.params, float(found.changed[found.params.poisoned])
    untouched = int((~(found.holds | found.lost)).sum())
    rows = "one training row" if p.poisoned == 1 else f"any {p.poisoned} training rows"
    limit, attack = "The test image counts as it is: a trigger on it is not covered.", f"change of {rows}"
    proved = f"no {attack} can"
    if p.method == "bagflip":
        size, at_will = count(p.trigger, "pixel"), percent(float(found.second[p.poisoned]))
        attack = f"trigger of {size} and a false label on {rows} and the same size of trigger on the test image"
        proved = f"a {attack} cannot"
        limit = f"Rows that change in any other way, with the test image as it is: {at_will}."
    sure = f"each with probability {1 - ALPHA:g}" if p.drawn else "with certainty"
    what = (
        f"{percent(held)} of test images ({_by_class(found)}) are classified correctly and certified, {sure}: "
        f"{proved} alter the prediction."
        if held
        else f"Against a {attack} nothing is proved."
    )
    return (
        f"{_method(p)}: with {count(p.poisoned, 'poisoned row')}, {untouched:,} of {p.models:,} models are untouched. "
        f"{what} {limit} The vote is right for {percent(found.accuracy)} of clean test images, one model alone for "
        f"{percent(found.alone)}."
    )


def _alt(found: PartitionsResult) -> str:
    p, seen = found.params, int(found.holds.sum())
    curves = []
    for name, curve in ((_threat(p), found.changed), (_SECOND[p.method], found.second)):
        at = [r for r in (0, 1, 2, 5, 10, 20, 40) if r < len(curve) and curve[r] > 0]
        said = ", ".join(f"{percent(float(curve[r]))} at {r}" for r in at) or "none"
        curves.append(f"{name}: {said}")
    return (
        f"Panel of rows hidden from models, on {found.dataset}: {_method(p)}, {count(p.poisoned, 'poisoned row')}, "
        f"alpha {ALPHA if p.drawn else 0:g}. Strip of models: {seen:,} of {p.models:,} see a poisoned row, "
        f"{int(found.lost.sum()):,} only lost the changed row. Certified accuracy by poisoned rows, "
        f"{'; '.join(curves)}; at this attack {_by_class(found)}. Clean accuracy {percent(found.accuracy)} of the "
        f"vote, {percent(found.alone)} of one model alone {state(p.models, p.models)}"
    )
