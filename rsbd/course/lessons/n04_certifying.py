"""Notebook 04: the picture of misses and limits, and the self-checks."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from rsbd import bounds
from rsbd.certify import radius
from rsbd.course.lessons.drawing import BLUE, VERMILLION, name_axes, write_at
from rsbd.course.lessons.self_check import HINTS, Verdict, judge_number, self_check, verdict
from rsbd.data import Dataset
from rsbd.noises import Flip, Smoothing, Threat
from rsbd.plots import new_axes
from rsbd.recipes import wang
from rsbd.words import percent


def misses_and_limits(evidence: bounds.Bounds, limits: Sequence[float]) -> Axes:
    """Draw the sorted misses of all test inputs, and for each radius the limit that a miss must stay below.

    Parameters
    ----------
    evidence : Bounds
        The bounds of all points.
    limits : sequence of float
        ``limits[r]`` is the threshold of the trade-off at radius ``r``.

    Examples
    --------
    >>> ax = misses_and_limits(bounds.simultaneous([[1000, 0], [700, 300]], 0.001), [0.5, 0.125])
    >>> [text.get_text() for text in ax.texts]
    ['radius 0: 100 % certified', 'radius 1: 50 % certified', 'miss of each test image']
    """
    misses = np.sort(evidence.miss)
    share = 100 * np.arange(1, len(misses) + 1) / len(misses)
    ax = new_axes(9, 4.5)
    ax.plot(share, misses, color=BLUE, linewidth=3)
    right_edge = ax.get_yaxis_transform()
    for size, limit in enumerate(limits):
        ax.axhline(limit, color=VERMILLION, linestyle="--", linewidth=1.5)
        words = f"radius {size}: {percent(float((misses < limit).mean()))} certified"
        write_at(ax, words, (1, limit), (8, 0), xycoords=right_edge, va="center", color="#a34700")
    ax.set(yscale="log", xlim=(0, 100), ylim=(min(float(misses[0]), limits[-1]) / 2, 1))
    ax.yaxis.set_major_formatter(lambda miss, _: f"{100 * miss:g} %")
    at = len(misses) // 2
    look = {"fontweight": "bold", "color": BLUE, "va": "top"}
    write_at(ax, "miss of each test image", (share[at], misses[at]), (-8, -12), **look)
    return name_axes(ax, "test images, the clearest vote first (%)", "miss (at most)")


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
    mistakes = {
        "open": Fraction(1, 2),
        "one": 1 / ratio,
        "flip": away,
        "keep": flip.keep,
        "factor": ratio,
        "half_factor": ratio / 2,
    }
    return judge_number(answer, flip.shift(1).threshold(), HINTS["check_miss"], mistakes, {"ratio": ratio})


def check_votes(answer: Any, keep: float, num_models: int, alpha: float) -> Verdict:
    """Check the largest radius that unanimous votes certify under tied noise.

    Examples
    --------
    >>> check_votes(1000, keep=0.8, num_models=1000, alpha=0.001).words
    'That is the number of votes. Ask which miss they leave possible, and which radius forgives that miss.'
    """
    smoothing = Smoothing(features=Flip(keep), labels=Flip(keep), test=Flip(keep))
    unanimous = bounds.simultaneous(np.array([[num_models, 0]]), alpha)
    best = int(radius(unanimous, smoothing).radius[0])
    mistakes = {"votes": num_models, "above": best + 1, "below": best - 1, "none": 0}
    words = {"num_models": num_models, "miss": unanimous.miss[0]}
    return judge_number(answer, best, HINTS["check_votes"], mistakes, words)


@self_check
def check_noise(keeps: Any, dataset: Dataset, threat: Threat, share: float = 0.25, num_models: int = 4000) -> Verdict:
    """Check that a noise for each slot certifies enough points against a threat, by training the ensemble.

    Parameters
    ----------
    keeps : mapping
        ``keep_features``, ``keep_labels`` and ``keep_test``.
    dataset : Dataset
        Binary features.
    threat : Threat
        What the attacker may do.
    share : float
        Certified accuracy to reach.
    num_models : int
        Number of models.
    """
    hints, names = HINTS["check_noise"], ("keep_features", "keep_labels", "keep_test")
    if not isinstance(keeps, Mapping) or set(keeps) != set(names):
        return verdict(hints, "names", names=", ".join(names))
    result = wang(dataset, num_models=num_models, **keeps)
    held = float(np.mean(result.certify(threat) & (result.bounds.label == dataset.y_test)))
    words = {"found": percent(held), "num_models": num_models}
    if len(set(result.bounds.label.tolist())) == 1:
        return verdict(hints, "useless", **words)
    if held >= share:
        return verdict(hints, "right", **words)
    limit = float(result.smoothing.tradeoff(threat).threshold())
    best = float(bounds.simultaneous(np.array([[num_models, 0]]), result.bounds.alpha).miss[0])
    typical = float(np.median(result.bounds.miss))
    return verdict(hints, "exposed" if best >= limit else "unclear", limit=limit, best=best, typical=typical, **words)
