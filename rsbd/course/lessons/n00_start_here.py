"""Notebook 00: its pictures and tables, and a self-check."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from rsbd import plots
from rsbd.attacks import BadPatch, Poisoning
from rsbd.course.lessons.cell_output import Said, figure, table
from rsbd.course.lessons.data_and_attacks import watch
from rsbd.course.lessons.self_check import HINTS, Verdict, read_number, self_check, verdict
from rsbd.data import Dataset
from rsbd.panels import Picture
from rsbd.recipes import wang
from rsbd.recipes.report import Report
from rsbd.types import Bools
from rsbd.words import percent, phrases_of

_COVERED = 0.125  # of the image, at most: what covers more is no small mark


def draw_poisoned(collected: Dataset, poisoned: Dataset, mask: Bools) -> Picture:
    """Show some training images with their labels, as collected and as poisoned."""
    rows, sets = np.flatnonzero(mask)[:6], {"collected": collected, "poisoned": poisoned}
    captions = {name: [f'label "{part.classes[c]}"' for c in part.y[rows]] for name, part in sets.items()}
    return figure(
        plots.images({name: part.x[rows] for name, part in sets.items()}, captions=captions),
        "Training images twice: as they were, and with a white square in the lower right corner and a false label.",
        "Above: what was collected. Below: what the attacker slipped in.",
    )


def compare_keeps(dataset: Dataset, keeps: Sequence[float], radii: Sequence[int]) -> Said:
    """Return a table of certified accuracies: a row for each noise, a column for each radius."""
    with warnings.catch_warnings(action="ignore"):  # the library warns where all images get the same answer
        found = {keep: wang(dataset, keep=keep, num_models=1000).certificate for keep in keeps}
    rows = [[f"{keep:g}", *map(float, proved.curve(dataset.y_test, radii))] for keep, proved in found.items()]
    return table(["keep", *(f"radius {radius}" for radius in radii)], rows)


def compare_fooled(found: dict[str, Report]) -> Said:
    """Return a table of the success of an attack against votes of different learners, and of what is proved."""
    head = ["the models of the vote", "fooled, undefended", "same learner, no noise", "smoothed"]
    rows = [
        [name, *(rates.attack_success_rate for rates in r.outcome.rates.values()), float(r.accuracies[1]), r.planted]
        for name, r in found.items()
    ]
    return table([*head, "proved, 1 change", "proved, this attack"], rows)


def promise(share: float, rows: int, side: int) -> Said:
    """Show a certified accuracy in large figures, with the attack that it speaks of."""
    return Said(phrases_of(__file__)("promise", share=share, rows=rows, side=side))


@self_check
def check_side(side: Any, dataset: Dataset, images: int = 2, success: float = 0.9) -> Verdict:
    """Check the smallest side of a patch that lets an attack succeed with few images, by training classifiers.

    Examples
    --------
    >>> from rsbd import load
    >>> check_side(2, load("digits", classes=(0, 1)), images=2)
    Not yet. Only 16 % are fooled. What else makes a trigger easier to learn from so few images?
    """
    hints, number, most = HINTS["check_side"], read_number(side), min(dataset.shape[-2:])
    if number is None or not 1 <= number <= most or number.denominator > 1:
        return verdict(hints, "no_side", most=most)
    if (covered := number**2 / dataset.num_features) > _COVERED:
        return verdict(hints, "covers", covered=percent(float(covered)))
    sides, rate = (max(1, int(number) - 1), int(number)), images / dataset.num_rows
    smaller, here = (watch(dataset, Poisoning(BadPatch(each), target=1, rate=rate)).success for each in sides)
    case = "weak" if here < success else "smaller" if number > 1 and smaller >= success else "right"
    return verdict(hints, case, fooled=percent(here), images=images, side=int(number))
