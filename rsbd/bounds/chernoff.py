"""Chernoff's bound on weighted sums of independent signs, for many sums at once.

For `S = sum w_i Z_i` with `Z_i` in {-1, 0, 1} and every `t >= 0`

    P(S <= c)  <=  E exp(t (c - S))  =  exp(t c) prod_i (up_i e^{-t w_i} + rest_i + down_i e^{t w_i}).

The right side is log-convex in `t`. Newton steps in float32 find its minimum, which is fast; rounding does no harm
here, since the bound holds for every `t` and an inexact one costs tightness only. The bound is then evaluated once, in
float64, at that `t`, and rounded up.

References
----------
Chernoff (1952); Rosenfeld et al., "Certified Robustness to Label-Flipping Attacks via Randomized Smoothing" (2020).
"""

from typing import NamedTuple

import numpy as np

from rsbd.types import UNIT, ArrayLike, Floats, NDArray

# Exponents t w_i stay below this one, so that no factor overflows or vanishes, in float32 either.
_FURTHEST = 40.0
# Cells (sums x terms) per block, which fit in a processor's cache.
_CHUNK = 1 << 17


class Chances(NamedTuple):
    """Law of each `Z_i`: the probabilities of 1, 0 and -1, each of shape (terms,)."""

    up: Floats
    rest: Floats
    down: Floats


def lower_tail(weights: NDArray[np.floating], chances: Chances, at: ArrayLike) -> Floats:
    """Return upper bounds on `P(sum_i weights[j, i] Z_i <= at[j])`, never too small.

    Parameters
    ----------
    weights : array of float, shape (sums, terms)
        The bound is exactly about these floating-point weights.
    chances : Chances
        Law of the terms.
    at : float or array of float, shape (sums,)
        Where the tails begin. Above the mean of the sum the bound is 1.

    Returns
    -------
    array of float, shape (sums,)

    Examples
    --------
    A hundred fair steps of 1 or -1 reach -30 with probability 0.0018:

    >>> fair = Chances(np.full(100, 0.5), np.zeros(100), np.full(100, 0.5))
    >>> lower_tail(np.ones((1, 100)), fair, -30).round(4)
    array([0.0104])
    """
    given: Floats = np.asarray(weights, dtype=np.float64)
    count, terms = given.shape
    ends = np.broadcast_to(np.asarray(at, dtype=np.float64), (count,))
    size = max(1, _CHUNK // max(1, terms))
    found = [np.ones(0)]
    for i in range(0, count, size):
        block, tails = given[i : i + size], ends[i : i + size]
        found.append(_bound(block, chances, tails, _slopes(block, chances, tails)))
    return np.concatenate(found)


def _slopes(weights: Floats, law: Chances, at: Floats) -> Floats:
    """Return an approximately best `t` for each sum."""
    up, rest, down = (chance.astype(np.float32) for chance in law)
    w, c = weights.astype(np.float32), at.astype(np.float32)
    limit = _FURTHEST / np.maximum(np.abs(w).max(axis=1, initial=0), np.float32(1e-30))
    mean, square = up - down, (up + down) - (up - down) ** 2
    falls = np.einsum("ji,i->j", w, mean) - c
    width = np.einsum("ji,ji,i->j", w, w, square)
    t = np.clip(falls / np.maximum(width, np.float32(1e-30)), 0, limit)  # the best one if the sum were Gaussian
    low, high, active = np.zeros_like(t), limit, t > 0
    for _ in range(40):
        e = np.exp(-t[:, None] * w)
        right, left = up * e, down / e
        inverse = 1 / (right + rest + left)
        drift, spread = (right - left) * inverse, (right + left) * inverse
        slope = c - np.einsum("ji,ji->j", w, drift)
        curve = np.einsum("ji,ji,ji->j", w, w, spread - drift * drift)
        low, high = np.where(slope < 0, t, low), np.where(slope < 0, high, t)
        step = t - slope / np.maximum(curve, np.float32(1e-30))
        inside = (step > low) & (step < high)
        t = np.where(active, np.where(inside, step, (low + high) / 2), t)
        # The possible gain is about the square of this, and the next Newton step would square it again.
        active &= ~((slope * slope < 1e-3 * curve) & inside | (high - low <= 1e-6 * high))
        if not active.any():
            break
    return np.asarray(t, dtype=np.float64)


def _bound(weights: Floats, law: Chances, at: Floats, t: Floats) -> Floats:
    """Evaluate the bound at `t` and round it up.

    A factor has a relative error of a few ulps plus a few ulps times its exponent, and so has its logarithm, an
    absolute one. The sum of the logarithms, none of which exceeds its exponent, adds a few dozen ulps at most. `error`
    is twice the total.
    """
    up, rest, down = law
    exponents = t[:, None] * weights
    total = np.abs(exponents).sum(axis=1) + np.abs(t * at)
    e = np.exp(-exponents)
    factors = up * e
    factors += rest
    if down.any():
        factors += down / e
    exponent = t * at + np.log(factors).sum(axis=1)
    error = (64 * weights.shape[1] + 128 * total) * UNIT
    # Adding the smallest float covers a result that underflowed.
    bound: Floats = np.exp(exponent + error) * (1 + 64 * UNIT) + 5e-324
    return np.minimum(bound, 1.0)
