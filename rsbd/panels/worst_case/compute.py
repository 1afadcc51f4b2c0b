"""Compute the worst event by Neyman and Pearson's lemma: its outcomes, and its probability after the attack."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import Any

import numpy as np

from rsbd.noises import Flip, Gaussian, Noise, Uniform
from rsbd.panels.controls import CheckedParams, Choice, Slider, setting
from rsbd.tradeoff.parts import exact_curve
from rsbd.types import Floats

SEARCHED = 50  # changed bits; a longer radius is only said to be at least this
_NOISES = (("flips on bits", "flips"), ("Gaussian on numbers", "gaussian"), ("uniform on numbers", "uniform"))


@dataclass(frozen=True)
class WorstCaseParams(CheckedParams):
    """One noise, one attack, and the probability of the top class.

    Attributes
    ----------
    noise : {"flips", "gaussian", "uniform"}
        The noise on the data: flips of bits, or noise that is added to numbers.
    keep : float
        Probability that a bit keeps its value.
    sigma, width : float
        Standard deviation, and length of the interval, in input units.
    changes : int
        Bits that the attacker changes (L0).
    shift : float
        Length of the attacker's change: L2 for Gaussian noise, L1 for uniform noise.
    p_a : float
        Probability of the top class, or a lower bound on it.
    """

    noise: str = setting("flips", Choice("noise", "noise", _NOISES))
    keep: float = setting(0.7, Slider("keep", "keep", 0.0, 1.0, 0.01), noise=("flips",))
    sigma: float = setting(0.5, Slider("sigma", "sigma (input units)", 0.25, 1.5, 0.05), noise=("gaussian",))
    width: float = setting(2.0, Slider("width", "width (input units)", 0.5, 4.0, 0.1), noise=("uniform",))
    changes: int = setting(3, Slider("changes", "changed bits (L0)", 0, 10, 1), noise=("flips",))
    shift: float = setting(0.5, Slider("shift", "length of the change", 0.0, 2.0, 0.05), noise=("gaussian", "uniform"))
    p_a: float = setting(0.95, Slider("p_a", "p_a (top class)", 0.5, 0.999, 0.001))

    @property
    def miss(self) -> Fraction:
        """``1 - p_a``, for the exact decimal number ``p_a``."""
        return 1 - Fraction(repr(self.p_a))


@dataclass(frozen=True)
class WorstCaseResult:
    """The largest probability after the attack, and how far certificates reach.

    Attributes
    ----------
    upper : float
        Largest probability after the attack of an event with probability ``miss`` before it; rounded up.
    certified : bool
        True if ``upper`` is below one half.
    limit : float
        The smallest miss that is not certified.
    reach : float
        Largest change that is certified with this ``p_a``: bits, or a length; -1 if not even "no change" is.
    curve : tuple of array
        Points ``p`` and ``upper(p)``.
    """

    params: WorstCaseParams
    upper: float
    certified: bool
    limit: float
    reach: float
    curve: tuple[Floats, Floats]

    @property
    def levels(self) -> tuple[list[int], list[Fraction], list[Fraction], list[Fraction]]:
        """Under flips: the levels, the probability of each before and after, and its share in the worst event."""
        s, P, Q = flip_levels(Flip(self.params.keep).keep, self.params.changes)
        return s, P, Q, worst_event(P, Q, self.params.miss)


def flip_levels(keep: Fraction, changes: int) -> tuple[list[int], list[Fraction], list[Fraction]]:
    """List the levels ``s`` of bits under flips, and the probability of each under ``P`` and ``Q``.

    ``s`` counts the changed places that show the old value, minus the places that show the new one. ``P`` and ``Q``
    differ in nothing else.

    Examples
    --------
    >>> flip_levels(Fraction(4, 5), 1)
    ([-1, 1], [Fraction(1, 5), Fraction(4, 5)], [Fraction(4, 5), Fraction(1, 5)])
    """
    # j of the changed places show the old value
    old = [comb(changes, j) * keep**j * (1 - keep) ** (changes - j) for j in range(changes + 1)]
    return [2 * j - changes for j in range(changes + 1)], old, old[::-1]


def worst_event(P: Sequence[Fraction], Q: Sequence[Fraction], p: Fraction) -> list[Fraction]:
    """Fill outcomes in order of falling ``Q / P`` until the event has probability ``p`` under ``P``.

    Guarantee: no event of probability ``p`` under ``P`` is more probable under ``Q`` (Neyman and Pearson's lemma).

    Parameters
    ----------
    P, Q : sequence of Fraction
        Probabilities of the outcomes before and after the attack.
    p : Fraction
        In [0, 1].

    Returns
    -------
    list of Fraction
        Share of each outcome that belongs to the event; at most one is strictly between 0 and 1.

    Examples
    --------
    >>> worst_event([Fraction(1, 5), Fraction(4, 5)], [Fraction(4, 5), Fraction(1, 5)], Fraction(1, 10))
    [Fraction(1, 2), Fraction(0, 1)]
    """
    share, left = [Fraction(0)] * len(P), p
    # By a number that rises as Q / P falls, also if one is 0; outcomes impossible in both come last.
    for i in sorted(range(len(P)), key=lambda i: P[i] / (P[i] + Q[i]) if P[i] + Q[i] else Fraction(2)):
        share[i] = min(Fraction(1), left / P[i]) if P[i] else Fraction(Q[i] > 0)
        left -= share[i] * P[i]
    return share


def compute_worst_case(params: WorstCaseParams, _cancel: Any = None, _progress: Any = None) -> WorstCaseResult:
    """Evaluate the trade-off of the noise; nothing is trained."""
    kinds = {"flips": Flip(params.keep), "gaussian": Gaussian(params.sigma), "uniform": Uniform(params.width)}
    noise: Noise = kinds[params.noise]
    if isinstance(noise, Flip):
        law = noise.shift(params.changes)
        (p, q), upper = np.array(exact_curve(law.parts).corners(), dtype=float).T, law.upper(params.miss)
        limit, bits = float(law.threshold()), certified_bits(noise, params.miss)
        return WorstCaseResult(params, float(upper), 2 * upper < 1, limit, bits, (p, q))
    law, p, miss = noise.shift(params.shift), np.linspace(0, 1, 201) ** 2, np.array([float(params.miss)])
    reach = float(noise.reach(miss, miss)[0])
    holds = bool(law.certifies(miss)[0])
    return WorstCaseResult(params, float(law.upper(miss)[0]), holds, float(law.threshold()), reach, (p, law.upper(p)))


def certified_bits(noise: Flip, miss: Fraction) -> int:
    """Return the most changed bits for which the miss is below the limit, or -1 if no number is."""
    most = -1
    while most < SEARCHED and miss < noise.shift(most + 1).threshold():
        most += 1
    return most
