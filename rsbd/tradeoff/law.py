"""The class `Tradeoff`: exact answers for fractions, and fast sound ones for arrays of float64."""

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from math import hypot, inf, nextafter
from typing import Any, overload

import numpy as np

from rsbd.errors import InputError
from rsbd.tradeoff import bulk, mixed, shift
from rsbd.tradeoff.parts import ExactCurve, Flips, Part, exact_curve, merge
from rsbd.tradeoff.rational import exactly
from rsbd.types import UNIT, ArrayLike, Bools, Floats

_MANY = 10_000  # changed coordinates


@dataclass(frozen=True)
class Tradeoff:
    """The largest probability that an event of probability `p` can reach when the data change within the threat.

    Make one with :func:`flips`, :func:`levels`, :func:`gaussian` or :func:`identity`. Independent parts that are
    attacked together multiply: ``a * b``. Equal laws compare equal.

    Guarantee: `upper` is never below and `lower` never above the exact value. A `fractions.Fraction` gives the exact
    `Fraction` (for laws without a Gaussian part); floats and arrays give float64, rounded outward.

    Examples
    --------
    >>> from rsbd.tradeoff import flips, gaussian
    >>> pixels = flips(Fraction(4, 5), values=2, changes=2)
    >>> labels = flips(Fraction(3, 5), values=10, changes=1)
    >>> (pixels * labels).lower(Fraction(999, 1000))
    Fraction(98, 125)
    >>> (pixels * gaussian(0.5)).upper([0.0, 1e-3]).round(4)
    array([0.    , 0.0462])

    References
    ----------
    Neyman and Pearson (1933); Dong, Roth and Su, "Gaussian differential privacy" (2022), for the name.
    """

    parts: tuple[Part, ...] = ()
    mu: float = 0.0

    @overload
    def upper(self, p: Fraction) -> Fraction: ...
    @overload
    def upper(self, p: float) -> float: ...
    @overload
    def upper(self, p: ArrayLike) -> Floats: ...
    def upper(self, p: Any) -> Any:
        """Return the largest probability after the attack of an event with probability at most `p` before it.

        Parameters
        ----------
        p
            Probability, or an array of them. Pass small ones: the *miss*, not a number near 1.

        Raises
        ------
        InputError
            If `p` is not in [0, 1], or is a `Fraction` and the law has a Gaussian part.
        """
        if isinstance(p, Fraction):
            return self._exact.upper(_probability(p))
        array = _probabilities(p)
        value = self._upper(array.reshape(-1)).reshape(array.shape)
        return value if array.ndim else float(value)

    @overload
    def lower(self, p: Fraction) -> Fraction: ...
    @overload
    def lower(self, p: float) -> float: ...
    @overload
    def lower(self, p: ArrayLike) -> Floats: ...
    def lower(self, p: Any) -> Any:
        """Return the smallest probability after the attack of an event with probability at least `p` before it.

        It is `1 - upper(1 - p)`. Near `p = 1` use `upper` of the miss instead: a float cannot hold `1 - 1e-20`.
        """
        if isinstance(p, Fraction):
            return 1 - self.upper(1 - p)
        array = _probabilities(p)
        if not self.parts and not self.mu:
            return array if array.ndim else float(array)
        # The miss is raised by half an ulp of p, which may stand for a number such as 1 - 1e-20, and below 1/2 also by
        # the rounding of 1 - p. 1 - upper is exact for upper >= 1/2.
        miss = np.minimum(1 - array + np.where(array < 0.5, UNIT, UNIT / 2), 1.0)
        value = self._upper(miss.reshape(-1)).reshape(array.shape)
        value = np.where(value < 0.5, 1 - value - UNIT, 1 - value)
        return value if array.ndim else float(value)

    @overload
    def certifies(self, miss: Fraction, runner_up: Fraction | None = None) -> bool: ...
    @overload
    def certifies(self, miss: ArrayLike, runner_up: ArrayLike | None = None) -> Bools: ...
    def certifies(self, miss: Any, runner_up: Any = None) -> Any:
        """Return True if no attack within the threat changes the prediction: `upper(miss) + upper(runner_up) < 1`.

        Parameters
        ----------
        miss
            Upper bound on `1 - P(top class)`: a `Fraction`, a float or an array.
        runner_up
            Upper bound on the probability of every other class; the miss itself by default.

        Returns
        -------
        bool or array of bool
            Exactly at the threshold is *not* certified.
        """
        if runner_up is None:
            if isinstance(miss, Fraction):
                return 2 * self.upper(miss) < 1
            return _probabilities(miss) < self.fast_threshold()
        return self.upper(miss) + self.upper(runner_up) < 1

    def threshold(self) -> Fraction | float:
        """Return the miss at which certificates stop: `certifies(miss)` holds exactly for every smaller one.

        It is an exact `Fraction` for discrete laws, and a float rounded down with a Gaussian part. 0 means that nothing
        is ever certified.

        Examples
        --------
        >>> from rsbd.tradeoff import flips
        >>> flips(Fraction(4, 5), values=2, changes=1).threshold()
        Fraction(1, 8)
        """
        return self.fast_threshold() if self.mu else self._exact.inverse(Fraction(1, 2))

    def fast_threshold(self) -> float:
        """Return a float at or below :meth:`threshold`, without exact arithmetic; its `upper` is within 1e-9 of 1/2."""
        return _fast_threshold(self.parts, self.mu)

    def dominates(self, other: "Tradeoff") -> bool:
        """Return True if this attack is at least as strong as the other for every event: `upper` is nowhere less.

        Examples
        --------
        Less noise, stronger attack:

        >>> from rsbd.tradeoff import flips
        >>> flips("9/10", values=2, changes=1).dominates(flips("4/5", values=2, changes=1))
        True
        """
        if self.mu or other.mu:
            return self.parts == other.parts and self.mu >= other.mu
        # `other` is a broken line and `self` is concave, so it is enough to compare them at the corners.
        return all(self.upper(p) >= q for p, q in other._exact.corners())

    def __mul__(self, other: "Tradeoff") -> "Tradeoff":
        """Return the trade-off of independent parts attacked together; Gaussian shifts add in squares."""
        if not isinstance(other, Tradeoff):
            return NotImplemented
        mu = hypot(self.mu, other.mu) if self.mu and other.mu else self.mu + other.mu
        if self.mu and other.mu:
            mu = nextafter(mu, inf)
        return Tradeoff(merge(self.parts + other.parts), mu)

    def factors(self) -> "tuple[Tradeoff, ...]":
        """Return the independent parts, each as a trade-off; none of them is above this one."""
        gaussian = (Tradeoff((), self.mu),) if self.mu else ()
        return (*(Tradeoff((part,)) for part in self.parts), *gaussian)

    def __repr__(self) -> str:
        names = [repr(part) for part in self.parts] + ([f"gaussian(mu={self.mu!r})"] if self.mu else [])
        return " * ".join(names) or "identity()"

    @cached_property
    def _exact(self) -> ExactCurve:
        if self.mu:
            raise InputError(f"{self!r} has a Gaussian part, which is never rational", "ask with a float")
        return exact_curve(self.parts)

    @cached_property
    def _floats(self) -> bulk.FloatCurve | mixed.MixedCurve:
        found = bulk.float_levels(self.parts)
        return mixed.mixed_curve(found, self.mu) if self.mu else bulk.float_curve(found)

    def _upper(self, p: Floats) -> Floats:
        if self.parts:
            return self._floats.upper(p)
        return shift.upper(p, self.mu) if self.mu else p


@lru_cache(maxsize=8192)
def _fast_threshold(parts: tuple[Part, ...], mu: float) -> float:
    # Where fewer changes leave nothing certified, more do as well: do not weigh millions of them.
    if any(isinstance(part, Flips) and part.changes > _MANY for part in parts):
        fewer = (replace(p, changes=p.changes // 8) if isinstance(p, Flips) and p.changes > _MANY else p for p in parts)
        if not _fast_threshold(tuple(fewer), mu):
            return 0.0
    # Only the threshold is cached, not the tables: a certified map needs the same hundred laws at every alpha.
    if parts:
        return Tradeoff(parts, mu)._floats.inverse_half()
    return float(shift.threshold(mu)) if mu else 0.5


def _probability(p: Fraction) -> Fraction:
    if not 0 <= p <= 1:
        raise InputError(f"the probability is {p}", "give a number from 0 to 1")
    return exactly(p)


def _probabilities(p: Any) -> Floats:
    try:
        array = np.asarray(p, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"the probability is {p!r}", "give a number from 0 to 1, or an array of them") from None
    bad = ~((array >= 0) & (array <= 1))
    if bad.any():
        raise InputError(f"the probability is {array[bad].flat[0]}", "give numbers from 0 to 1")
    return array
