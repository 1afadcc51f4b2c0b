"""Neyman and Pearson's regions: which outcomes the worst event holds, and how probable it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import Any

import numpy as np

from rsbd.noises import Flip, Gaussian, Uniform
from rsbd.panels.worst_case.params import Params
from rsbd.types import Floats

SEARCHED = 50  # changed bits; a longer radius is said to be at least that


@dataclass(frozen=True)
class Found:
    """What the picture and the sentence say.

    Attributes
    ----------
    upper : float
        Largest probability after the attack of an event of probability ``miss`` before; rounded up.
    certified : bool
        Whether that stays below one half.
    limit : float
        The miss at which certificates stop.
    reach : float
        Largest change that is certified with this ``p_a``: bits, or a length; -1 where not even none is.
    curve : tuple of array
        Points ``p`` and ``upper(p)``.
    """

    params: Params
    upper: float
    certified: bool
    limit: float
    reach: float
    curve: tuple[Floats, Floats]


def levels(keep: Fraction, changes: int) -> tuple[list[int], list[Fraction], list[Fraction]]:
    """List the levels ``s`` of bits under flips, and the probability of each under ``P`` and ``Q``.

    ``s`` counts the changed places that show the old value, minus those that show the new one. Nothing else of the
    outcome tells ``P`` from ``Q``.

    Examples
    --------
    >>> levels(Fraction(4, 5), 1)
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
    for i in sorted(range(len(P)), key=lambda i: _misfit(P[i], Q[i])):
        share[i] = min(Fraction(1), left / P[i]) if P[i] else Fraction(Q[i] > 0)
        left -= share[i] * P[i]
    return share


def kept(params: Params) -> Fraction:
    """``keep`` as the decimal that it is written as."""
    return Fraction(repr(params.keep))


def compute(params: Params, _cancel: Any = None, _progress: Any = None) -> Found:
    """Ask the trade-off; nothing is trained."""
    noise = _noise(params)
    if isinstance(noise, Flip):
        law = noise.shift(params.changes)
        p, q = _corners(kept(params), params.changes)
        upper = law.upper(params.miss)
        return Found(params, float(upper), 2 * upper < 1, float(law.threshold()), _bits(noise, params), (p, q))
    law, p, miss = noise.shift(params.shift), np.linspace(0, 1, 201) ** 2, np.array([float(params.miss)])
    reach = float(noise.reach(miss, miss)[0])
    holds = bool(law.certifies(miss)[0])
    return Found(params, float(law.upper(miss)[0]), holds, float(law.threshold()), reach, (p, law.upper(p)))


def _noise(params: Params) -> Flip | Gaussian | Uniform:
    if params.noise == "flips":
        return Flip(params.keep)
    return Gaussian(params.sigma) if params.noise == "gaussian" else Uniform(params.width)


def _corners(keep: Fraction, changes: int) -> tuple[Floats, Floats]:
    """Where the trade-off of flips bends: after each level that is filled."""
    _, P, Q = levels(keep, changes)
    order = sorted(range(len(P)), key=lambda i: _misfit(P[i], Q[i]))
    p, q = ([0.0, *np.cumsum([float(law[i]) for i in order]), 1.0] for law in (P, Q))
    return np.minimum(p, 1.0), np.minimum(q, 1.0)


def _misfit(p: Fraction, q: Fraction) -> Fraction:
    """Rise as ``Q / P`` falls, also where one of them is 0; outcomes that neither law shows come last."""
    return p / (p + q) if p + q else Fraction(2)


def _bits(noise: Flip, params: Params) -> int:
    """Most changed bits at which the miss stays below the limit; -1 where it is too large for none."""
    most = -1
    while most < SEARCHED and params.miss < noise.shift(most + 1).threshold():
        most += 1
    return most
