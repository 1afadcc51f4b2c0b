"""Self-checks of the notebook that compares all methods."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from rsbd import bounds, ensemble
from rsbd.certify import certify
from rsbd.course.lessons.n09_comparison import facing
from rsbd.course.lessons.verdict import STUB, Verdict, judge, pick
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.learners import Linear
from rsbd.noises import Gaussian
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.recipes.contest import CONTENDERS, posed, refusal
from rsbd.recipes.contest.threats import attacked
from rsbd.words import count, percent


def check_facing(answer: Any, dataset: Dataset, threat: Threat, among: Iterable[str]) -> Verdict:
    """Check which of some methods can face a threat.

    Examples
    --------
    >>> from rsbd import load
    >>> check_facing({"DPA"}, load("digits", view="unit", classes=(0, 1)), Threat(1, 1), ["DPA", "BagFlip"])
    Not yet. DPA cannot: the threat changes the test input, where there is no noise.
    """
    if answer is ... or answer is None:
        return STUB
    among = list(among)
    if isinstance(answer, str) or not isinstance(answer, Iterable):
        return Verdict(False, f'Give a set of names, such as {{"{among[0]}"}}.')
    chosen = list(answer)
    if unknown := [name for name in chosen if name not in among]:
        return Verdict(False, f"{unknown[0]!r} is none of these: {'; '.join(among)}")
    able = set(facing(dataset, threat)) & set(among)
    for contender in CONTENDERS:
        if contender.name in chosen and contender.name not in able:
            first = next(contender.defences(dataset, attacked(threat)))
            return Verdict(False, f"{contender.name} cannot: {refusal(first, threat, dataset.num_rows)}.")
    if missing := able - set(chosen):
        return Verdict(
            False,
            f"None of these is wrong, but {count(len(missing), 'method')} that can face it "
            f"{'is' if len(missing) == 1 else 'are'} missing: look for methods that cover all that changes.",
        )
    return Verdict(
        True, "They cover the poisoned rows and the test image; every other one leaves a part without noise."
    )


def check_length(answer: Any, rows: int, trigger: int) -> Verdict:
    """Check how long, in L2 over all training pixels, an attack of pixels can be.

    Examples
    --------
    >>> check_length(36, rows=9, trigger=4)
    Not yet. That counts changed pixels (L0). The L2 length is the square root of the sum of their squares.
    """
    one = posed(Threat(rows, trigger), Smoothing(features=Gaussian(1.0))).trigger_on("features")
    return judge(
        answer,
        float(one * np.sqrt(rows)),
        f"{rows} x {trigger} pixels change by at most 1 each, so the squares add up to {rows * trigger}.",
        [
            (
                rows * trigger,
                "That counts changed pixels (L0). The L2 length is the square root of the sum of their squares.",
            ),
            (one, "That is the length on one image. The images are many, and their squares add up."),
            (
                rows * one,
                "Lengths on different images do not add up: their squares do. (They are different coordinates.)",
            ),
            (rows, "That is the number of images. What does one changed pixel cost, and how do many add up?"),
        ],
        "Each changed pixel moves by at most 1. Add up the squares over all poisoned images, and take the root.",
    )


def check_combination(
    answer: Any, dataset: Dataset, threat: Threat, share: float, num_models: int = 1000, alpha: float = 0.001
) -> Verdict:
    """Check that a smoothing of the reader's own certifies enough points: the ensemble is really trained.

    Parameters
    ----------
    answer : Smoothing
        Any noise in any slot, rows included.
    dataset : Dataset
        Binary inputs.
    threat : Threat
        In pixels.
    share : float
        Certified accuracy to reach.

    Examples
    --------
    >>> from rsbd import Bagging, load
    >>> check_combination(Smoothing(rows=Bagging(20)), load("digits", classes=(0, 1)), Threat(1, 1), 0.6)
    Not yet. The threat changes the test input, where there is no noise.
    """
    if answer is ... or answer is None:
        return STUB
    if not isinstance(answer, Smoothing):
        return Verdict(False, "Give an rsbd.Smoothing(rows=..., features=..., labels=..., test=...).")
    if reason := refusal(answer, threat, dataset.num_rows):
        return Verdict(False, f"{reason[0].upper()}{reason[1:]}.")
    try:
        votes = ensemble.collect(dataset, answer, Linear(), dataset.x_test, num_models)
        evidence = bounds.simultaneous(votes.counts, alpha)
        asked = posed(threat, answer)
        held = certify(evidence, answer, asked, dataset.num_rows)
        unanimous = bounds.simultaneous(np.array([[num_models, *[0] * (dataset.num_classes - 1)]]), alpha)
        possible = bool(certify(unanimous, answer, asked, dataset.num_rows)[0])
    except InputError as error:
        return Verdict(False, f"{error}.")
    right = evidence.label == dataset.y_test
    found = float((held & right).mean())
    said = f"{percent(found)} of the test images are right and certified against this threat"
    if found >= share:
        return Verdict(True, f"{said}.")
    if not possible:
        return Verdict(
            False,
            f"{said}: even {num_models:,} votes that all agree would not do. The attack shows too clearly: smaller "
            "bags, or more noise where it changes something.",
        )
    return Verdict(
        False,
        f"{said}, and {percent(float(right.mean()))} are right at all. The votes are not clear enough: take back some "
        "noise, or let each model see more rows.",
    )


LIMIT_CLAIMS = {
    "a": "Nothing is proved, in either direction. The attack may fail; to know, somebody has to carry it out.",
    "b": "More models sharpen the evidence. Against this threat even unanimous votes without end may not be enough, if "
    "the noise hides too little of it.",
    "c": "Exactly: the certificate is silent. Another method, another noise or another learner may still prove it.",
    "d": "The accuracy on clean images can be perfect all the same; look at the column of clean accuracy.",
}


def check_limit_claim(answer: Any) -> Verdict:
    """Check what a certified accuracy of 0 % against a threat says, of four claims.

    Examples
    --------
    >>> check_limit_claim("c").passed, check_limit_claim("a").passed
    (True, False)
    """
    return pick(answer, LIMIT_CLAIMS, right="c")
