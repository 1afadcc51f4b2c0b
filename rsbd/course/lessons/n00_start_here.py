"""The self-checks of the exercises. Each answers with a hint that fits the mistake, computed from the reader's data."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from rsbd import bounds
from rsbd.attacks.poisoning import Poisoning
from rsbd.certify import radius
from rsbd.course.lessons.steps import watch
from rsbd.course.lessons.verdict import STUB, Verdict, judge, pick
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.noises import Flip
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.recipes import wang
from rsbd.words import percent


def check_budget(answer: Any, rows: int, trigger: int) -> Verdict:
    """Check how many pixels and labels an attack changes in all.

    Examples
    --------
    >>> check_budget(12, rows=3, trigger=4)
    Not yet. That counts the pixels of the poisoned images. And the labels? And the test image?
    """
    pixels = rows * trigger
    return judge(
        answer,
        pixels + rows + trigger,
        f"{rows} images x {trigger} pixels, {rows} labels, and {trigger} pixels on the test image.",
        [
            (pixels, "That counts the pixels of the poisoned images. And the labels? And the test image?"),
            (pixels + rows, "The training set is counted. But the attacker also needs the trigger on the test image."),
            (pixels + trigger, "The pixels are all there. But the poisoned images were relabelled, too."),
            (trigger, "That is the trigger on one image. Count it on every poisoned image, and the labels as well."),
            (rows, "That is the number of labels that change. Count the pixels as well."),
        ],
        "Count three things: pixels on the poisoned images, their labels, pixels on the test image.",
    )


def check_attack(attack: Any, dataset: Dataset, images: int = 5, success: float = 0.9) -> Verdict:
    """Check that an attack works with few images: the classifier is really trained on them.

    Examples
    --------
    >>> from rsbd import BadPatch, load
    >>> digits = load("digits", classes=(0, 1))
    >>> check_attack(Poisoning(BadPatch(3), target=0, rate=0.05), digits)
    Not yet. That poisons 10 images, and only 5 are allowed: lower the rate.
    """
    if attack is ... or attack is None:
        return STUB
    if not isinstance(attack, Poisoning):
        return Verdict(False, "That is no attack: write rsbd.Poisoning(rsbd.BadPatch(...), target=0, rate=...).")
    try:
        seen = watch(dataset, attack)
    except InputError as error:
        return Verdict(False, f"That attack is not possible: {error}.")
    if not seen.poisoned_rows:
        return Verdict(False, "That poisons no image at all: raise the rate.")
    if seen.poisoned_rows > images:
        return Verdict(
            False, f"That poisons {seen.poisoned_rows} images, and only {images} are allowed: lower the rate."
        )
    if dataset.label(attack.target) != 0:
        return Verdict(False, f"The attacker of this exercise wants the label \u201c{dataset.classes[0]}\u201d.")
    if seen.success < success:
        return Verdict(
            False,
            f"Only {percent(seen.success)} of the triggered images are fooled. With so few images, what else makes a "
            "trigger easier to learn?",
        )
    if seen.after < seen.before - 0.02:
        return Verdict(False, "It works, but clean accuracy falls by more than 2 points: somebody will notice.")
    enough = "image fools" if seen.poisoned_rows == 1 else "images fool"
    return Verdict(True, f"{seen.poisoned_rows} poisoned {enough} {percent(seen.success)} of the triggered ones.")


CLAIMS = {
    "a": "That would be any number of poisoned images. The radius counts every changed pixel and label, of all images "
    "together.",
    "b": "It bounds the whole change, of training set and test image together.",
    "c": "A certificate says that the prediction does not change, not that it is right. (Certified accuracy counts "
    "those that are both.)",
    "d": "The radius counts pixels and labels, not images. One image with one changed pixel, its new label and the "
    "pixel on the test image are 3 changes already.",
}


def check_claim(answer: Any) -> Verdict:
    """Check what a certificate at radius 2 promises, of four claims.

    Examples
    --------
    >>> check_claim("b").passed, check_claim("c").passed
    (True, False)
    """
    return pick(answer, CLAIMS, "b")


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
    return judge(
        answer,
        flip.shift(1).threshold(),
        f"The attack multiplies a small probability by {ratio} at most, and the product must stay below 1/2.",
        [
            (Fraction(1, 2), "At 1/2 the vote itself is open: that is the limit for radius 0."),
            (1 / ratio, "The attack must not lift the miss to 1/2. You allowed it to reach 1."),
            (away, "That is the probability of a flip. Ask what one changed pixel can make of a miss p."),
            (flip.keep, "That is keep. Ask what one changed pixel can make of a miss p."),
            (ratio, "That is the factor of the attack. Which miss, times this factor, reaches 1/2?"),
            (ratio / 2, "A miss is a probability, so it is below 1. Which miss, times the factor, reaches 1/2?"),
        ],
        "One changed pixel multiplies a small miss by keep / (1 - keep). The result must stay below 1/2.",
    )


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
    return judge(
        answer,
        best,
        f"{num_models:,} unanimous votes allow a miss up to {unanimous.miss[0]:.2g}. A larger radius needs more votes.",
        [
            (
                num_models,
                "That is the number of votes. Ask which miss they leave possible, and which radius forgives that miss.",
            ),
            (best + 1, "One too many: the miss that these votes leave possible is just above that limit."),
            (best - 1, "One more is possible: compare the miss with the next limit, too."),
            (0, "Unanimous votes are strong evidence. Compare the miss that they leave possible with the limits."),
        ],
        "Let bounds.simultaneous([[votes, 0]], alpha) and rsbd.radius answer for a point that all models agree on.",
    )


def check_noise(keeps: Any, dataset: Dataset, threat: Threat, share: float = 0.25, num_models: int = 4000) -> Verdict:
    """Check that a noise for each slot certifies enough points against a threat: the ensemble is really trained.

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
        Size of the ensemble.
    """
    names = ("keep_features", "keep_labels", "keep_test")
    given = list(keeps.values()) if isinstance(keeps, Mapping) else [keeps]
    if any(keep is ... or keep is None for keep in given):
        return STUB
    if not isinstance(keeps, Mapping) or set(keeps) != set(names):
        return Verdict(False, f"Give one number for each of {', '.join(names)}.")
    try:
        result = wang(dataset, num_models=num_models, **keeps)
    except InputError as error:
        return Verdict(False, f"{error}.")
    found = float(np.mean(result.certify(threat) & (result.bounds.label == dataset.y_test)))
    if found >= share and len(set(result.bounds.label.tolist())) == 1:
        return Verdict(
            False,
            f"{percent(found)} are certified, and it is useless: every image gets the same answer, whatever it shows. "
            "Leave the models something to learn.",
        )
    if found >= share:
        return Verdict(True, f"{percent(found)} of the test images are certified against this threat.")
    limit = float(result.smoothing.tradeoff(threat).threshold())
    typical = float(np.median(result.bounds.miss))
    best = float(bounds.simultaneous(np.array([[num_models, 0]]), result.bounds.alpha).miss[0])
    said = f"{percent(found)} are certified: the threat forgives a miss below {limit:.2g}"
    if best >= limit:
        return Verdict(
            False,
            f"{said}, but {num_models:,} unanimous votes prove no less than {best:.2g}. Too little noise where "
            "the attacker changes something.",
        )
    return Verdict(
        False,
        f"{said}, and half of the images have one above {typical:.2g}. The votes are not clear enough: take back some "
        "noise. Where does it hurt the votes most? Each model averages over its training images, but sees the test "
        "image once.",
    )
