"""The panel of the planted attack: bags hide the poisoned images, and only votes count that no patch moves."""

import math
from functools import partial
from typing import Any

import numpy as np

from rsbd.data import Dataset
from rsbd.evasion import AnyPatch
from rsbd.learners import RobustLinear
from rsbd.panels import svg
from rsbd.panels.chart import Box, share_map
from rsbd.panels.panel import Panel, Runner, count_poisoned, image_dataset
from rsbd.panels.planted.compute import ALPHA, FLIPS, LARGEST, PlantedComputation, PlantedParams, PlantedResult
from rsbd.words import count, note, percent, phrases_of, preview, state

_RAISED = str.maketrans("0123456789", "\u2070\xb9\xb2\xb3\u2074\u2075\u2076\u2077\u2078\u2079")
_say = phrases_of(__file__)
_RIGHT = 470.0  # where the right half begins


def planted(
    dataset: Dataset | str | None = None, *, seed: int = 0, runner: Runner | None = None, **settings: Any
) -> Panel[PlantedParams, PlantedResult]:
    """Return the live panel that certifies an attack with a patch: poisoned training images, and a test image with it.

    It is the certificate of :func:`rsbd.recipes.pecan` with bags of a few images of each class. Moving the attack
    trains nothing.

    Parameters
    ----------
    dataset : Dataset or str, optional
        Images; a name is loaded. The digits 0 and 1 unless given.
    seed : int
        Seed of the ensemble.
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`~rsbd.panels.planted.compute.PlantedParams`: ``poisoned`` (or ``poison_rate``, a
        share: 5 % unless given), ``side``, ``each``, ``num_models``, ``point``, ``wanted``.

    Raises
    ------
    InputError
        If the inputs are not images, or a setting is out of range.

    References
    ----------
    As in :func:`rsbd.recipes.pecan`.

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> panel = planted(num_models=300, runner=SyncRunner())
    >>> panel.sentence[:75]
    'With 300 models, each trained on 1 image of each class: 90 % of the test im'
    """
    data = image_dataset(dataset, classes=(0, 1))
    patches = tuple(map(AnyPatch, range(1, min(LARGEST, *data.shape[-2:]) + 1)))
    compute = PlantedComputation(data, RobustLinear(), seed, triggers=patches)
    settings, slider = count_poisoned(settings, data, "poison_rate", 0.05, 0.2)
    own = {"poisoned": slider, "side": {"high": len(patches)}, "point": {"high": data.num_points - 1}}
    return Panel.of(PlantedParams, settings, compute, draw_planted, runner, **own)


def draw_planted(found: PlantedResult) -> svg.Picture:
    """Draw the picture, and say its result in words."""
    parts = [_map(found, (152, 44, 446, 392)), _proved(found), _one(found)]
    drawing = svg.halves(*parts, cut=216)
    return svg.Picture(drawing, _alt(found), _sentence(found), note(found.models, found.params.num_models))


def _map(found: PlantedResult, box: Box) -> str:
    p, rows = found.params, found.rows
    at = int(np.searchsorted(rows, p.poisoned)), found.sides.index(p.side)
    names = [f"{m:,} ({percent(m / found.dataset.num_rows)})" for m in rows]
    parts = [svg.text(10, 24, "attacks ruled out, % of test images", weight=600)]
    parts.append(share_map(box, found.table, names, [f"{side}" for side in found.sides], at, partial(_cell, found)))
    parts.append(svg.lines(10, 474, ("framed: this attack; click another", found.dataset.name), fill=svg.SOFT))
    middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    parts.append(svg.text(middle[0], box[3] + 48, "side of the patch (pixels)", anchor="middle"))
    return "".join(parts) + svg.text(26, middle[1], "poisoned images", anchor="middle", turn=-90)


def _cell(found: PlantedResult, row: int, column: int) -> tuple[str, dict[str, int]]:
    """Name the attack of a cell of the map, and say which parameters set it."""
    m, side = found.rows[row], found.sides[column]
    return f"{count(m, 'poisoned image')}, a {side}x{side} patch", {"poisoned": m, "side": side}


def _proved(found: PlantedResult) -> str:
    rate = found.params.poisoned / found.dataset.num_rows
    said = _say("held" if found.proved else "open", p=found.params, rate=rate).splitlines()
    needed = svg.lines(_RIGHT, 182, _needed(found), fill=svg.SOFT)
    return svg.large(_RIGHT, 54, found.proved) + svg.lines(_RIGHT, 86, said) + needed


def _needed(found: PlantedResult) -> list[str]:
    """Say how many models a proof takes at least, with these bags and with noise on all pixels and labels."""
    bags = "no number suffices for a proof"
    if math.isfinite(found.least):
        bags = f"a proof takes {_number(found.least)} models at least"
    flips = [] if found.flips is None else [f"with noise (keep {FLIPS:g}): {_number(found.flips)}"]
    return [bags, *flips]


def _number(models: float) -> str:
    """Write a number of models that may be beyond all counting.

    Examples
    --------
    >>> _number(17), _number(3 * 10**41)
    ('17', '10⁴¹')
    """
    return f"{models:,}" if models < 1e6 else "10" + str(math.floor(math.log10(models))).translate(_RAISED)


def _one(found: PlantedResult) -> str:
    """Draw the first model's vote on the image that is shown: what a patch of this size can take from its lead."""
    vote, p, names, size, top = found.vote, found.params, found.dataset.classes, 120.0, 250.0
    pixel = size / vote.image.shape[-2]
    row, column = (at * pixel for at in vote.place)
    parts = [
        svg.text(_RIGHT, top - 14, f"one model on image {p.point}, worst patch", weight=600),
        svg.captioned(vote.image, _RIGHT, top, size, f"it says \u201c{names[vote.label]}\u201d", 24),
        svg.captioned(vote.attacked, _RIGHT + 140, top, size, "worst patch", 24),
        svg.outline(_RIGHT + 140 + column, top + row, p.side * pixel, p.side * pixel, 2.5),
    ]
    left, scale = _RIGHT + 280, 145 / max(1, vote.taken)
    bars = ("its lead", 1.0, svg.BLUE), ("the patch takes", vote.taken, svg.VERMILLION)
    for y, (name, share, colour) in zip((top + 12, top + 70), bars, strict=True):
        parts.append(svg.text(left, y, name) + svg.rect(left, y + 10, scale * share, 22, colour, glide=name))
    fate = ["kept: it counts"] if vote.kept else ["not kept: lost"]
    if vote.kept and vote.label != found.held.label[p.point]:
        fate = ["kept, but a", f"vote for \u201c{names[vote.label]}\u201d"]
    parts.append(svg.lines(left, top + 134, fate, weight=700))
    return "".join(parts) + svg.lines(_RIGHT, top + 184, _image_words(found))


def _image_words(found: PlantedResult) -> list[str]:
    rows, label = int(found.held.radius[found.params.point]), found.held.label[found.params.point]
    case = "image_held" if rows >= 0 else "image_open"
    return _say(case, found=found, rows=rows, label=found.dataset.classes[label]).splitlines()


def _sentence(found: PlantedResult) -> str:
    """Say what is proved, or which defence was chosen, how, and what it proves."""
    p, data, choosing = found.params, found.dataset, math.isnan(found.practice)
    early = "Preview while defences are tried: " if choosing else preview(found.models, p.num_models)
    if p.wanted and not choosing:
        how = _say("answer_closest" if found.practice < p.wanted else "answer_found", p=p)
        words = {"needed": "; ".join(_needed(found)), "points": data.hold_out().num_points}
        return _say("answer", found=found, p=p, early=early, how=how, **words)
    lowest = float(np.nanmin(found.held.by_class(data.y_test, p.poisoned)))
    spread = f"at least {percent(lowest)} in each class" if lowest else "none of one class"
    words = {"start": f"{early}w" if early else "W", "spread": spread, "sure": 1 - ALPHA}
    return _say("certified" if found.proved else "nothing", found=found, p=p, **words)


def _alt(found: PlantedResult) -> str:
    p, column = found.params, found.table[:, found.sides.index(found.params.side)]
    row = found.table[min(int(np.searchsorted(found.rows, p.poisoned)), len(found.rows) - 1)]
    trying = "(preview, defences are tried)" if math.isnan(found.practice) else ""
    words = {
        "asked": _say("alt_asked", p=p) if p.wanted else "",
        "needed": "; ".join(_needed(found)),
        "by_rows": ", ".join(f"{percent(share)} at {m}" for m, share in zip(found.rows, column.tolist(), strict=True)),
        "by_side": ", ".join(f"{percent(share)} at {k}" for k, share in zip(found.sides, row.tolist(), strict=True)),
        "image": " ".join(_image_words(found)),
        "kept": "kept" if found.vote.kept else "not kept",
        "state": trying or state(found.models, p.num_models),
    }
    return _say("alt", found=found, p=p, alpha=ALPHA, **words)
