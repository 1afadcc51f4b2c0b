"""The panel of backdoor attacks alone: choose a trigger, poison, train again, and see what accuracy does not show."""

from typing import Any

import numpy as np

from rsbd.data import Dataset
from rsbd.panels import svg
from rsbd.panels.attack.compute import HIGHEST_RATE, AttackComputation, AttackParams, AttackResult, JudgedImages
from rsbd.panels.chart import Chart
from rsbd.panels.panel import Panel, Runner, count_poisoned, image_dataset
from rsbd.plots import signed
from rsbd.words import count, note, percent, phrases_of, state

_say = phrases_of(__file__)
_NOTICED = 0.02  # a reader would notice such a fall of clean accuracy
_SIDE = 66.0
_STACK = (0, 0, 304, 158), (304, 0, 608, 158), (608, 0, 912, 158), (0, 158, 452, 498), (460, 158, 912, 498)


def attack(
    dataset: Dataset | str | None = None, *, seed: int = 0, runner: Runner | None = None, **settings: Any
) -> Panel[AttackParams, AttackResult]:
    """Return a live panel in which each move poisons the images and trains new classifiers on them.

    The classifier is the undefended one of :func:`rsbd.learners.undefended.predict_undefended`, regularised least
    squares: it learns in milliseconds, and its weights can be shown as an image.

    Parameters
    ----------
    dataset : Dataset or str, optional
        Images with continuous pixels; a name is loaded in its ``unit`` view. All ten digits unless given.
    seed : int
        Seed of the trigger's pixels and of the choice of the images that are poisoned.
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`~rsbd.panels.attack.compute.AttackParams`:
        ``kind``, ``pixels``, ``strength``, ``poisoned``, ``target``, ``relabel``. A share ``rate`` may stand in place
        of the number ``poisoned``; 0.02 unless given.

    Raises
    ------
    InputError
        If the inputs are not images, or have levels that a faint trigger would leave, or a setting is out of range.

    References
    ----------
    Gu, Dolan-Gavitt, Garg, "BadNets", 2017 (patches, dirty label); Chen et al., "Targeted Backdoor Attacks on Deep
    Learning Systems Using Data Poisoning", 2017 (patterns); Turner, Tsipras, Madry, "Label-Consistent Backdoor
    Attacks", 2019 (clean label).

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> panel = attack(pixels=4, runner=SyncRunner())
    >>> panel.sentence[:56]
    '20 of 1,000 training images carry a white patch (4 pixel'
    """
    data = image_dataset(dataset, "unit", lambda levels: levels is None)  # a faint trigger would leave levels
    if "target" in settings:
        settings["target"] = data.label(settings["target"])
    settings, slider = count_poisoned(settings, data, "rate", 0.02, HIGHEST_RATE)
    targets = tuple((f"\u201c{name}\u201d", label) for label, name in enumerate(data.classes))
    own, compute = {"poisoned": slider, "target": {"options": targets}}, AttackComputation(data, seed)
    return Panel.of(AttackParams, settings, compute, draw_attack, runner, **own)


def draw_attack(found: AttackResult) -> svg.Picture:
    """Draw images, the two rates by number of poisoned images, and what the classifier has learned to look for."""
    titles = ("1  collected", "2  slipped into training", "3  shown later, and called")
    words = (found.dataset.name, "framed: stamped; bold: wrong", "framed: fooled; bold: wrong")
    parts = [_row(title, row, 8 + 304 * i) for i, (title, row) in enumerate(zip(titles, found.samples, strict=True))]
    parts += [svg.text(8 + 304 * i, 148, said, fill=svg.SOFT) for i, said in enumerate(words)]
    parts += [_curves(found), _weights(found, 476, 182)]
    done = len(found.curve)
    said = note(done, found.total, "attacks") if done < found.total else ""
    return svg.Picture(svg.document(912, 498, parts, _STACK), _alt(found), _sentence(found), said)


def _row(title: str, row: JudgedImages, left: float) -> str:
    parts = [svg.text(left, 24, title, weight=600)]
    for i, image in enumerate(row.images):
        x = left + i * (_SIDE + 6)
        edge, width = (svg.VERMILLION, 4) if row.marked[i] else (svg.GRID, 1)
        said, weight = f"\u201c{row.labels[i]}\u201d", 400 if row.labels[i] == row.true[i] else 700
        parts.append(svg.captioned(image, x, 36, _SIDE, said, 20, edge, width, weight))
    return "".join(parts)


def _curves(found: AttackResult) -> str:
    numbers, now, here = list(found.curve), found.params.poisoned, found.now
    clean = [at.clean_accuracy for at in found.curve.values()]
    fooled = [at.attack_success_rate for at in found.curve.values()]
    labels = f"poisoned training images (of {found.dataset.num_rows:,})", "test images (%)"
    forms: Any = {"xformat": "{:,.0f}".format, "yformat": lambda value: f"{100 * value:g}"}
    high = (0, 1.1)  # room for the number of images above a curve at 100 %
    yticks = (0, 0.2, 0.4, 0.6, 0.8, 1)
    chart = Chart((78, 252, 434, 430), (0, numbers[-1] or 1), high, "", *labels, yticks=yticks, **forms)
    # The curves cross at changing places: the title names them, since a label could stand at the wrong curve.
    key = (
        (f"clean accuracy {percent(here.clean_accuracy)}", svg.BLUE, "9 5"),
        (f"attack success rate {percent(here.attack_success_rate)}", svg.VERMILLION, ""),
    )
    return chart.filled(
        chart.line(numbers, clean, svg.BLUE, dash="9 5"),
        chart.line(numbers, fooled, svg.VERMILLION),
        chart.upright(now, svg.SOFT, f"{count(found.rows, 'image')}, {percent(found.rows / found.dataset.num_rows)}"),
        chart.mark(now, here.clean_accuracy, svg.BLUE, shape="square"),
        chart.mark(now, here.attack_success_rate, svg.VERMILLION),
        chart.key(*key, across=1),
        chart.grip("drag the number of poisoned images", "poisoned"),
    )


def _weights(found: AttackResult, left: float, top: float) -> str:
    size, parts = 165.0, [svg.text(left, top, f"what speaks for \u201c{found.target}\u201d", weight=600)]
    shown = signed(np.stack([weights.reshape(-1, *weights.shape[-2:]).mean(0) for weights in found.weights]))
    for i, (name, weights) in enumerate(zip(("without attack", "with it"), shown, strict=True)):
        parts.append(svg.captioned(weights, left + i * (size + 20), top + 20, size, name, 24))
    said = "weight of each pixel in least squares:", "orange for, blue against it"
    return "".join(parts) + svg.lines(left, top + 240, said, fill=svg.SOFT)


def _sentence(found: AttackResult) -> str:
    """Say what was slipped into the training images, what it did, and if accuracy shows it."""
    trigger, fall = _say(found.params.kind, p=found.params), found.before.clean_accuracy - found.now.clean_accuracy
    true = "all_true" if found.rows == found.eligible else "true"
    labels = _say("relabelled" if found.params.relabel else true, found=found)
    case = "noticed" if fall > _NOTICED else "unnoticed" if found.now.attack_success_rate >= 0.5 else "failed"
    words = {"labels": labels, "verdict": _say(case, points=100 * fall)}
    return _say("poisoned" if found.rows else "clean", found=found, trigger=trigger, **words)


def _alt(found: AttackResult) -> str:
    p, points = found.params, list(found.curve.items())[::3]
    words = {
        "trigger": _say(p.kind, p=p),
        "kind": "dirty" if p.relabel else "clean",
        "called": ", ".join(found.samples[2].labels),
        "curve": ", ".join(f"{percent(at.attack_success_rate)} at {number:,}" for number, at in points),
        "state": state(len(found.curve), found.total, "attacks"),
    }
    return _say("alt", found=found, p=p, **words)
