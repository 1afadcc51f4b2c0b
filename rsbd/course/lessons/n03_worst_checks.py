"""The self-checks of the notebook on the worst classifier; the answers come from the trade-offs themselves."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from rsbd.course.lessons.verdict import STUB, Verdict, judge, pick
from rsbd.noises import Flip


def check_worst(answer: Any, keep: str, miss: str | Fraction) -> Verdict:
    """Check what one changed bit can make of a miss, at most.

    Examples
    --------
    >>> check_worst("1/8", keep="3/4", miss="1/8")
    Not yet. That is the miss itself, as if nobody attacked. The attack makes the worst outcomes likelier.
    """
    flip, p = Flip(keep), Fraction(miss)
    ratio = flip.keep / (1 - flip.keep)
    return judge(
        answer,
        flip.shift(1).upper(p),
        f"The outcome that shows the new value is {ratio} times as probable after the attack, and is filled first.",
        [
            (p, "That is the miss itself, as if nobody attacked. The attack makes the worst outcomes likelier."),
            (p / ratio, "That divides by the factor. The attacker wants the event to become likelier, not rarer."),
            (p * flip.keep, "That multiplies by keep. The factor is Q / P: keep against 1 - keep."),
            (flip.keep, "That is all of the outcome. The miss does not fill all of it: what share does it fill?"),
            (Fraction(1), "Even the worst event stays below that: only a part of the first outcome is filled."),
        ],
        "Fill the outcome that shows the new value first: what is Q / P there, and does the miss fill all of it?",
    )


ORDER = {
    "new": "where all changed places show the new value",
    "even": "where as many show the old value as the new one",
    "old": "where all changed places show the old value",
}


def check_first(answer: Any, keep: str) -> Verdict:
    """Check which outcomes the worst event takes first: "new", "even" or "old".

    Examples
    --------
    >>> check_first("even", keep="3/4").words
    'There Q / P is 1: such an outcome is as probable before as after, and the attacker gains nothing by it.'
    """
    if answer is ... or answer is None:
        return STUB
    word, flip = str(answer).strip().lower(), Flip(keep)
    if word not in ORDER:
        return Verdict(False, f'{answer!r} is none of the three: answer "new", "even" or "old".')
    if word == "even":
        return Verdict(
            False,
            "There Q / P is 1: such an outcome is as probable before as after, and the attacker gains nothing by it.",
        )
    first = "new" if flip.keep > Fraction(1, 2) else "old"
    ratio = f"Q / P is {'largest' if word == first else 'smallest'} {ORDER[word]}"
    if word == first:
        return Verdict(True, f"{ratio}: it costs little before the attack and pays most after it.")
    other = (
        "it is the dearest outcome: probable before, rare after. Look for the other end."
        if flip.keep > Fraction(1, 2)
        else f"at keep {flip.keep} a bit shows the *other* value more often than its own. Work out Q / P again."
    )
    return Verdict(False, f"{ratio}; {other}")


def check_reach(answer: Any, keep: str, p_a: str) -> Verdict:
    """Check the largest number of changed bits that a lower bound ``p_a`` certifies.

    Examples
    --------
    >>> check_reach(0, keep="4/5", p_a="0.99")
    Not yet. One changed bit is forgiven: compare the miss with the first limit.
    """
    flip, miss = Flip(keep), 1 - Fraction(p_a)
    best = 0
    while miss < flip.shift(best + 1).threshold():
        best += 1
    limits = [flip.shift(r).threshold() for r in (best, best + 1)]
    return judge(
        answer,
        best,
        f"The miss {miss} is below {limits[0]}, the limit for {best}, but not below {limits[1]}, the next one.",
        [
            (best + 1, "One too many: at that limit the worst classifier already has one half."),
            (0, "One changed bit is forgiven: compare the miss with the first limit."),
            (best - 1, "One more is possible: compare the miss with the next limit, too."),
        ],
        "Let rsbd.Flip(keep).shift(r).threshold() give the limits for r = 1, 2, 3, ... and compare the miss 1 - p_a.",
    )


CLAIMS = {
    "a": "The bound is over *all* classifiers with this p_a. The worst one is a set of noised outcomes, made from the "
    "data and the attack; no learner has to end there. (Under Gaussian noise on the test input alone a linear one "
    "does.)",
    "b": "Some classifier with this p_a reaches the bound exactly, so p_a alone allows no better one.",
    "c": "Not certified means that *some* classifier with this p_a would lose its majority. Yours may be far from it.",
    "d": "Tight means: no better from p_a *alone*. Who looks at more than p_a, for example inside a linear model, may "
    "prove more; and a learner with a higher p_a gets a larger radius.",
}


def check_tight(answer: Any) -> Verdict:
    """Check what it means that the bound is tight, of four claims.

    Examples
    --------
    >>> check_tight("b").passed, check_tight("a").passed
    (True, False)
    """
    return pick(answer, CLAIMS, "b")
