"""The self-checks of lesson 02: radii, abstentions and numbers of votes, computed by the library."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from typing import Any

from scipy.special import ndtr, ndtri

from rsbd import bounds
from rsbd.certify import ABSTAIN, radius
from rsbd.course.lessons.n02_plane import most_radius
from rsbd.course.lessons.verdict import STUB, Verdict, judge, pick, plain
from rsbd.noises import Gaussian
from rsbd.noises.smoothing import Smoothing
from rsbd.words import percent


def check_radius(answer: Any, votes: int, num: int, sigma: float, alpha: float = 0.001) -> Verdict:
    """Check a certified radius, to three decimals, from votes for a label that other votes have picked.

    Examples
    --------
    >>> check_radius(1.163, votes=990, num=1000, sigma=0.5)
    Not yet. That takes the share of the votes for the probability. First bound the probability from below.
    """
    answer = plain(answer)
    smoothing = Smoothing(test=Gaussian(sigma))
    counts, picked = [[votes, num - votes]], [[1, 0]]
    evidence = bounds.clopper_pearson(counts, alpha, picked)
    true = float(radius(evidence, smoothing).radius[0])
    shared = float(radius(bounds.simultaneous(counts, alpha), smoothing).radius[0])
    watched = float(radius(bounds.anytime(counts, alpha), smoothing).radius[0])
    p_a = 1 - float(evidence.miss[0])
    if isinstance(answer, float):  # three decimals, rounded either way, are as good as all of them
        answer = round(true if abs(answer - true) <= 0.001 else answer, 3)
    return judge(
        answer,
        round(true, 3),
        f"The probability is at least {p_a:.4f}, which is {ndtri(p_a):.3f} standard deviations; times sigma.",
        [
            (
                round(float(sigma * ndtri(votes / num)), 3),
                "That takes the share of the votes for the probability. First bound the probability from below.",
            ),
            (round(float(ndtri(p_a)), 3), "That is the radius in units of sigma: multiply by sigma."),
            (round(p_a, 3), "That is the bound on the probability. Turn it into standard deviations, times sigma."),
            (
                round(shared, 3),
                "That shares alpha over the classes, as is needed when the same votes pick the label. Here others did.",
            ),
            (
                round(watched, 3),
                "That bound is for votes that are watched as they come in. Their number was fixed here.",
            ),
        ],
        "Two steps: miss = bounds.clopper_pearson([[votes, others]], alpha, selection=[[1, 0]]).miss, then "
        "sigma * norm.ppf(1 - miss). Give three decimals.",
    )


def check_abstain(
    answer: Any, cases: Mapping[str, tuple[int, int]], sigma: float = 0.5, alpha: float = 0.001
) -> Verdict:
    """Check in which cases the smoothed classifier abstains.

    Parameters
    ----------
    answer : collection of str
        Names of the cases.
    cases : mapping from name to (votes for the label, number of votes)

    Examples
    --------
    >>> check_abstain([], {"a": (6, 10), "b": (900, 1000)})
    Not yet. A majority is not enough: in case a the bound on the probability is 0.141, not above one half.
    """
    if answer is ... or answer is None:
        return STUB
    if isinstance(answer, str):
        answer = re.findall(r"\w+", answer)
    if isinstance(answer, Collection):
        answer = [str(name).strip().lower() for name in answer]
    if not isinstance(answer, Collection) or not all(name in tuple(cases) for name in answer):
        return Verdict(False, f"{answer!r} is no list of cases: choose among {', '.join(cases)}.")
    least = {}
    for name, (votes, num) in cases.items():
        evidence = bounds.clopper_pearson([[votes, num - votes]], alpha, [[1, 0]])
        silent = radius(evidence, Smoothing(test=Gaussian(sigma))).label[0] == ABSTAIN
        least[name] = (1 - float(evidence.miss[0]), bool(silent))
    missed = [name for name, (_, silent) in least.items() if silent and name not in answer]
    wrong = [name for name in answer if not least[name][1]]
    if wrong:
        votes, num = cases[wrong[0]]
        return Verdict(
            False,
            f"{percent(votes / num)} is not much, but {num:,} votes are: in case {wrong[0]} the probability is at "
            f"least {least[wrong[0]][0]:.3f}.",
        )
    if missed:
        return Verdict(
            False,
            f"A majority is not enough: in case {missed[0]} the bound on the probability is "
            f"{least[missed[0]][0]:.3f}, not above one half.",
        )
    return Verdict(True, "It is the bound that counts, and the bound knows the share and the number of the votes.")


def check_enough(answer: Any, wanted: float, sigma: float, alpha: float = 0.001) -> Verdict:
    """Check the fewest votes that certify a radius when all of them agree.

    Examples
    --------
    >>> check_enough(1000, wanted=1.5, sigma=0.5)
    Not yet. 1,000 votes certify at most 1.232: more are needed.
    """
    answer = plain(answer)
    p_a = float(ndtr(wanted / sigma))
    fewest = max(1, math.ceil(math.log(alpha) / math.log(p_a)) - 1)
    while most_radius(fewest, sigma, alpha) < wanted:  # the formula, settled by the bound that the library uses
        fewest += 1
    if not isinstance(answer, bool) and isinstance(answer, (int, float)) and math.isfinite(answer):
        if 0 < answer < 1:
            return Verdict(False, "That is a probability. How many votes must agree to prove it?")
        if answer != round(answer):
            return Verdict(False, "Votes are counted: give a whole number, rounded up.")
        if 1 <= answer < fewest:
            said = most_radius(int(answer), sigma, alpha)
            return Verdict(False, f"{int(answer):,} votes certify at most {said:.3f}: more are needed.")
        if answer > fewest:
            return Verdict(False, "That is enough, but fewer are enough, too.")
    return judge(
        answer,
        fewest,
        f"All agreeing, {fewest:,} votes prove a probability of {alpha:g}^(1/{fewest:,}), just what the radius needs.",
        [],
        "All n votes agree: then p_a is alpha ** (1 / n). Which p_a does the radius need?",
    )


CIRCLE = {
    "a": "Look for the holes: the base classifier says B there, and the circle goes right over them. It promises "
    "nothing about the base classifier at any single point.",
    "b": "The smoothed classifier answers A everywhere in the circle, whatever the base classifier does inside.",
    "c": "The circle says that the answer does not change. Whether A is right is another question.",
    "d": "Move sigma: at first the circle grows, then the votes become unclear and it vanishes, and in the end it "
    "comes back around the other answer.",
}


def check_circle(answer: Any) -> Verdict:
    """Check what the certified circle promises, of four claims.

    Examples
    --------
    >>> check_circle("b").passed, check_circle("d").passed
    (True, False)
    """
    return pick(answer, CIRCLE, "b")
