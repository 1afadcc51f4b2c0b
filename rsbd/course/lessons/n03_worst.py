"""Notebook 03: a world of a few bits, every classifier on it, and the self-checks."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsbd.course.lessons.cell_output import figure
from rsbd.course.lessons.self_check import HINTS, Verdict, judge_number
from rsbd.errors import InputError
from rsbd.noises import Flip
from rsbd.panels import Picture
from rsbd.panels.worst_case.compute import certified_bits, worst_event
from rsbd.plots import BLUE, VERMILLION, name_axes, new_axes
from rsbd.words import phrases_of

Fractions = Sequence[Fraction]
_say = phrases_of(__file__)


@dataclass(frozen=True)
class Bits:
    """A few bits under flips, as the defender holds them and as an attack changes them.

    Parameters
    ----------
    keep : str or Fraction
        Probability that a bit keeps its value.
    held, attacked : str
        The bits before and after the attack, such as ``"000"`` and ``"110"``; at most 4.

    Raises
    ------
    InputError
        If the two differ in length, are longer than 4 bits, or have characters other than 0 and 1.

    Examples
    --------
    >>> world = Bits("3/4", held="0", attacked="1")
    >>> world.outcomes, world.P, world.Q
    (('0', '1'), (Fraction(3, 4), Fraction(1, 4)), (Fraction(1, 4), Fraction(3, 4)))
    """

    keep: str | Fraction
    held: str
    attacked: str

    def __post_init__(self) -> None:
        if len(self.held) != len(self.attacked) or not 1 <= len(self.held) <= 4:
            raise InputError(f"{self.held!r} and {self.attacked!r}", "give two strings of the same length, 1 to 4 bits")
        if set(self.held + self.attacked) - set("01"):
            raise InputError(f"{self.held!r} and {self.attacked!r}", "write bits as 0 and 1")

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Return every outcome of the noise."""
        return tuple("".join(bits) for bits in product("01", repeat=len(self.held)))

    @property
    def P(self) -> tuple[Fraction, ...]:
        """Return the probability of each outcome, given the data as held."""
        return self._law(self.held)

    @property
    def Q(self) -> tuple[Fraction, ...]:
        """Return the probability of each outcome, given the attacked data."""
        return self._law(self.attacked)

    def everyone(self) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
        """Compute, for every classifier, the probability of its other answer before and after the attack.

        Returns
        -------
        before, after : array of int
            One for each set of outcomes that get the other answer, as multiples of ``1 / unit``.
        unit : int
            The common denominator.
        """
        sets = np.array(list(product((0, 1), repeat=len(self.outcomes))), np.int64)
        unit = Flip(self.keep).keep.denominator ** len(self.held)
        before, after = (sets @ np.array([int(p * unit) for p in law]) for law in (self.P, self.Q))
        return before, after, unit

    def worst(self, p: Fraction) -> Fraction:
        """Return the largest probability after the attack of all classifiers with at most ``p`` before it."""
        before, after, unit = self.everyone()
        return Fraction(int(after[before <= int(p * unit)].max()), unit)

    def _law(self, bits: str) -> tuple[Fraction, ...]:
        keep = Flip(self.keep).keep
        return tuple(
            prod((keep if a == b else 1 - keep for a, b in zip(outcome, bits, strict=True)), start=Fraction(1))
            for outcome in self.outcomes
        )


def filled(P: Fractions, Q: Fractions, p: Fraction) -> Fraction:
    """Return the probability after the attack of the event that fills outcomes by falling ``Q / P`` up to ``p``.

    Examples
    --------
    >>> world = Bits("3/4", "0", "1")
    >>> filled(world.P, world.Q, Fraction(1, 8))
    Fraction(3, 8)
    """
    return sum((q * share for q, share in zip(Q, worst_event(P, Q, p), strict=True)), Fraction(0))


def draw_classifiers(world: Bits) -> Picture:
    """Show every classifier as a dot, and the trade-off above them."""
    before, after, unit = world.everyone()
    law = Flip(world.keep).shift(sum(a != b for a, b in zip(world.held, world.attacked, strict=True)))
    pairs = zip(before.tolist(), after.tolist(), strict=True)
    above = sum(q > unit * law.upper(Fraction(p, unit)) for p, q in pairs)
    p = np.linspace(0, 1, 401)
    ax = new_axes(8, 5.5)
    ax.plot(p, law.upper(p), color=BLUE, linewidth=3)
    ax.fill_between(p, law.upper(p), 1.02, color=BLUE, alpha=0.12, linewidth=0)
    ax.plot([0, 1], [0, 1], color="#444", linestyle="--", linewidth=1.5)
    ax.plot(before / unit, after / unit, "o", color=VERMILLION, markersize=5, alpha=0.6)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    name_axes(ax, "P(A): probability of the other answer, data as held", "Q(A): the same, data attacked")
    return figure(ax, _say("classifiers_alt"), _say("classifiers", number=len(before), above=above))


def check_worst(answer: Any, keep: str, miss: str | Fraction) -> Verdict:
    """Check the largest value to which one changed bit can raise a miss.

    Examples
    --------
    >>> check_worst("1/8", keep="3/4", miss="1/8")
    Not yet. That is the miss itself, as if nobody attacked. The attack makes the worst outcomes likelier.
    """
    flip, p = Flip(keep), Fraction(miss)
    ratio = flip.keep / (1 - flip.keep)
    mistakes = {"miss": p, "divided": p / ratio, "times_keep": p * flip.keep, "whole": flip.keep, "one": Fraction(1)}
    return judge_number(answer, flip.shift(1).upper(p), HINTS["check_worst"], mistakes, ratio=ratio)


def check_reach(answer: Any, keep: str, p_a: str) -> Verdict:
    """Check the largest number of changed bits that a lower bound ``p_a`` certifies.

    Examples
    --------
    >>> check_reach(0, keep="4/5", p_a="0.99")
    Not yet. One changed bit is forgiven: compare the miss with the first limit.
    """
    flip, miss = Flip(keep), 1 - Fraction(p_a)
    best = certified_bits(flip, miss)
    limit, next_limit = (flip.shift(r).threshold() for r in (best, best + 1))
    words = {"miss": miss, "best": best, "limit": limit, "next_limit": next_limit}
    return judge_number(answer, best, HINTS["check_reach"], {"above": best + 1, "none": 0, "below": best - 1}, **words)
