"""Notebook 05: the self-checks."""

import math
from typing import Any

import numpy as np

from rsbd import bounds
from rsbd.certify import radius
from rsbd.course.lessons.self_check import HINTS, Verdict, is_number, judge_choice, judge_number, self_check, verdict
from rsbd.data import Dataset
from rsbd.recipes.rab import per_row, rab
from rsbd.recipes.result import Certified
from rsbd.words import percent

_MODELS = 1000  # of an answer that is tried out
_MOST_SIGMA = 100  # the pixels go from 0 to 1


def check_per_image(answer: Any, length: float, rows: int) -> Verdict:
    """Check how large a trigger each of some poisoned images may carry within a total L2 length.

    Examples
    --------
    >>> check_per_image(0.2, length=2.0, rows=10)
    Not yet. Lengths of different images add in squares, not one by one: 10 of them make only sqrt(10) times one.
    """
    mistakes = {"not_squared": length / rows, "single": length}
    mistakes |= {"multiplied": length * math.sqrt(rows), "square": length**2 / rows}
    truth, texts = float(per_row(length, rows)), HINTS["check_per_image"]
    return judge_number(answer, truth, texts, mistakes, rows=rows, length=length)


@self_check
def check_sigma(answer: Any, dataset: Dataset, length: float = 1.0, share: float = 0.7) -> Verdict:
    """Check on practice points that a sigma certifies enough at a total L2 length; if so, certify the test points.

    Parameters
    ----------
    answer : float
        Standard deviation of the noise, in input units.
    dataset : Dataset
        With continuous features.
    length : float
        Total L2 length to withstand.
    share : float
        Certified accuracy to reach on the practice points.
    """
    hints = HINTS["check_sigma"]
    if not is_number(answer) or not answer > 0:
        return verdict(hints, "no_sigma", answer=answer)
    if answer > _MOST_SIGMA:
        return verdict(hints, "drowned", answer=answer, most=_MOST_SIGMA)

    def certified(data: Dataset) -> tuple[Certified, float]:
        found = rab(data, answer, num_models=_MODELS)
        return found, found.certificate.accuracy(data.y_test, length)

    result, held = certified(dataset.hold_out())
    words = {"found": percent(held) if held else "None", "length": length}
    if held >= share:
        return judge_choice(hints, (dataset, length), answer, lambda: certified(dataset)[1], **words)
    unanimous = bounds.clopper_pearson([[_MODELS, 0]], result.bounds.alpha)
    reach = float(radius(unanimous, result.smoothing).radius[0])
    case = "too_little" if reach < length else "little" if reach < 1.75 * length else "too_much"
    return verdict(hints, case, reach=reach, least=float(np.median(1 - result.bounds.miss)), **words)
