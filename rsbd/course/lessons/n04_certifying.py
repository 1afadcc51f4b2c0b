"""Notebook 04: the self-checks."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from rsbd import bounds
from rsbd.course.lessons.self_check import HINTS, Verdict, judge_choice, judge_number, self_check, verdict
from rsbd.data import Dataset
from rsbd.noises import Flip, Threat
from rsbd.recipes import wang
from rsbd.recipes.result import Proof
from rsbd.words import percent


def check_miss(answer: Any, keep: float) -> Verdict:
    """Check the miss at which radius 1 stops being certified, for binary pixels.

    Examples
    --------
    >>> check_miss(0.5, keep=0.8)
    Not yet. At 1/2 the vote itself is open: that is the limit for radius 0.
    """
    flip = Flip(keep)
    away = 1 - flip.keep
    ratio = flip.keep / away
    mistakes = {"open": Fraction(1, 2), "one": 1 / ratio, "flip": away, "keep": flip.keep}
    mistakes |= {"factor": ratio, "half_factor": ratio / 2}
    return judge_number(answer, flip.shift(1).threshold(), HINTS["check_miss"], mistakes, ratio=ratio)


@self_check
def check_noise(keeps: Any, dataset: Dataset, threat: Threat, share: float = 0.25, num_models: int = 4000) -> Verdict:
    """Check on practice points that a noise for each slot certifies enough; if so, certify the test points once.

    Parameters
    ----------
    keeps : mapping
        ``keep_features``, ``keep_labels`` and ``keep_test``.
    dataset : Dataset
        Binary features.
    threat : Threat
        What the attacker may do.
    share : float
        Certified accuracy to reach on the practice points.
    num_models : int
        Number of models.
    """
    hints, names = HINTS["check_noise"], ("keep_features", "keep_labels", "keep_test")
    if not isinstance(keeps, Mapping) or set(keeps) != set(names):
        return verdict(hints, "names", names=", ".join(names))

    def certified(data: Dataset) -> tuple[Proof, float]:
        found = wang(data, num_models=num_models, **keeps)
        return found, float(np.mean(found.certify(threat) & (found.bounds.label == data.y_test)))

    result, held = certified(dataset.hold_out())
    words = {"found": percent(held) if held else "None", "num_models": num_models}
    if len(set(result.bounds.label.tolist())) == 1:
        return verdict(hints, "useless", **words)
    if held >= share:
        chosen = [float(keeps[name]) for name in names]
        return judge_choice(hints, (dataset, threat), chosen, lambda: certified(dataset)[1], **words)
    limit = float(result.smoothing.tradeoff(threat).threshold())
    best = float(bounds.simultaneous(np.array([[num_models, 0]]), result.bounds.alpha).miss[0])
    typical = float(np.median(result.bounds.miss))
    return verdict(hints, "exposed" if best >= limit else "unclear", limit=limit, best=best, typical=typical, **words)
