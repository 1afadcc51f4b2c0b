"""The self-checks of the lesson on label flips, each with a hint that fits the mistake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rsbd.bounds import Bounds
from rsbd.certify import radius
from rsbd.course.lessons.verdict import STUB, Verdict, judge, pick, plain
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.noises import Flip
from rsbd.noises.smoothing import Smoothing
from rsbd.recipes import rosenfeld
from rsbd.recipes.label_flips import closed_form_radius
from rsbd.recipes.least_squares import LeastSquares
from rsbd.types import Ints
from rsbd.words import count, percent


def radii_by_miss(keep: float, misses: Sequence[float]) -> tuple[Ints, Ints]:
    """Certified label flips for each miss, for two classes: by the closed form and exactly.

    Examples
    --------
    >>> radii_by_miss(0.8, [1e-3, 1e-6])
    (array([3, 7]), array([ 5, 14]))
    """
    some, noise = np.asarray(misses, dtype=float), Flip(keep)
    bounds = Bounds(np.zeros(len(some), np.int64), some, some, 0.0)
    exact = radius(bounds, Smoothing(labels=noise)).radius
    return np.maximum(closed_form_radius(some, noise), 0), np.maximum(exact, 0).astype(np.int64)


def check_closed_form(answer: Any, miss: float, flip: float) -> Verdict:
    """Check a radius worked out by hand with the closed form.

    Examples
    --------
    >>> check_closed_form(3, miss=0.01, flip=0.25)
    Not yet. Rounded the wrong way: the formula gives an upper limit, and flips are whole.
    """
    (closed,), (exact,) = radii_by_miss(1 - flip, [miss])
    up, odds = float(np.log(4 * miss * (1 - miss))), float(np.log(flip / (1 - flip)))
    full = up / (2 * (1 - 2 * flip) * odds)
    return judge(
        answer,
        int(closed),
        f"The formula gives {full:.3f}, and only whole flips that lie below it are certified.",
        [
            (int(closed) + 1, "Rounded the wrong way: the formula gives an upper limit, and flips are whole."),
            (int(exact), "That is the exact radius. This exercise asks for the closed form."),
            (int(2 * full), "Twice too much: the closed form has a 2 in its denominator."),
            (int(full * (1 - 2 * flip)), "The factor 1 - 2q is missing in the denominator."),
            (round(full, 1), "The value is right. How many whole flips are certified?"),
            (round(full, 2), "The value is right. How many whole flips are certified?"),
            (round(full, 3), "The value is right. How many whole flips are certified?"),
        ],
        "Put p and q into log(4 p (1 - p)) / (2 (1 - 2q) log(q / (1 - q))), with natural logarithms, and round down.",
    )


def certified_share(dataset: Dataset, flip: float, flips: int, penalty: float | None = None) -> float:
    """Certified accuracy against so many label flips, by the exact trade-off.

    Examples
    --------
    >>> from rsbd.data import load
    >>> certified_share(load("digits", view="unit", classes=(0, 1)), flip=0.2, flips=5) > 0.8
    True
    """
    return rosenfeld(dataset, 1 - flip, penalty=penalty).certificate.accuracy(dataset.y_test, flips)


def check_most_noise(answer: Any, dataset: Dataset, flips: int = 1, share: float = 0.5) -> Verdict:
    """Check the largest flip probability, in steps of 0.01, that still certifies a share of the test images."""
    answer = plain(answer)
    if answer is ... or answer is None:
        return STUB
    if isinstance(answer, bool) or not isinstance(answer, (int, float)):
        return Verdict(False, f"{answer!r} is no number: give a flip probability such as 0.2.")
    if not 0 < answer < 1:
        return Verdict(False, f"{answer:g} is no probability at which labels are both kept and flipped.")
    if answer >= 0.5:
        return Verdict(
            False, f"At {answer:g} a label is flipped at least as often as kept. Did you give keep, and not 1 - keep?"
        )
    if abs(100 * answer - round(100 * answer)) > 1e-6:
        return Verdict(False, "Give a multiple of 0.01.")
    here = certified_share(dataset, answer, flips)
    said = f"At {answer:g}, {percent(here)} are certified against any {count(flips, 'flip')}"
    if here < share:
        return Verdict(False, f"{said}: the noise already drowns the labels. Take less.")
    more = certified_share(dataset, answer + 0.01, flips) if answer < 0.485 else 0.0
    if more >= share:
        return Verdict(False, f"{said}, and with a little more noise there are still enough.")
    return Verdict(True, f"{said}; one step further it is {percent(more)}.")


def check_penalty(answer: Any, dataset: Dataset, flip: float, flips: int) -> Verdict:
    """Check a ridge penalty, as a multiple of the default, that certifies more than the default does."""
    answer = plain(answer)
    if answer is ... or answer is None:
        return STUB
    if isinstance(answer, bool) or not isinstance(answer, (int, float)):
        return Verdict(False, f"{answer!r} is no number: give a multiple of the default penalty, such as 2.")
    if answer < 0:
        return Verdict(False, f"That penalty is not possible: {answer:g} times the default is negative.")
    default = LeastSquares.fit(dataset.x).penalty
    try:
        model = LeastSquares.fit(dataset.x, answer * default)
    except InputError as error:
        return Verdict(False, f"That penalty is not possible: {error}.")
    found, before = (certified_share(dataset, flip, flips, answer * default), certified_share(dataset, flip, flips))
    said = f"{percent(found)} are certified, with the default {percent(before)}"
    if found > before:
        return Verdict(True, f"{said}. (You looked at test labels to choose: report the result on other images.)")
    if answer == 1:
        return Verdict(False, "That is the default itself.")
    influence = model.influence(dataset.x_test)
    if answer < 1:
        weights = np.sort(np.abs(influence), axis=1)
        most = float(np.median(weights[:, -flips:].sum(axis=1) / weights.sum(axis=1)))
        return Verdict(
            False,
            f"{said}. Too little: the {flips} heaviest of {dataset.num_rows} labels carry {percent(most)} of it all.",
        )
    margin = float(np.median(np.abs(influence @ dataset.y - 0.5)))
    return Verdict(
        False,
        f"{said}. Too much: all labels weigh nearly the same, and the typical score is only {margin:.2f} from 1/2.",
    )


CLAIMS = {
    "a": "A poisoned image with a trigger has changed pixels, on the training image and on the test image. Only labels "
    "carried noise here: nothing at all is said about changed pixels, be it one.",
    "b": "A certificate says that the answer stays, not that it is right.",
    "c": "Any 10 labels, chosen by whoever knows everything but the noise.",
    "d": "Nothing was sampled: the bound is computed, and there is no alpha.",
}


def check_flip_claim(answer: Any) -> Verdict:
    """Check what a certificate at 10 label flips promises, of four claims.

    Examples
    --------
    >>> check_flip_claim("c").passed, check_flip_claim("a").passed
    (True, False)
    """
    return pick(answer, CLAIMS, "c")
