"""Functions that return the basic trade-offs."""

from collections.abc import Sequence
from fractions import Fraction
from math import isfinite, lcm

from rsbd.errors import InputError, check_whole, is_whole
from rsbd.tradeoff.law import Tradeoff
from rsbd.tradeoff.parts import Flips, Table, merge
from rsbd.tradeoff.rational import as_probability, exactly

_MOST_CHANGES = 1 << 24  # of a gigabyte of levels


def identity() -> Tradeoff:
    """Return the trade-off of no attack: `upper(p) = p`."""
    return Tradeoff()


def flips(keep: Fraction | float | str, values: int, changes: int) -> Tradeoff:
    """Return the trade-off of changed coordinates that keep their value or else move to another one.

    Parameters
    ----------
    keep
        Probability that a coordinate keeps its value; a float means the decimal number as written (0.8 is 4/5).
    values
        Number of values of a coordinate, at least 2. If it moves, each of the other values is equally likely.
    changes
        Number of coordinates that the attacker changes.
    """
    values = check_whole("values", values, 2)
    if not is_whole(changes) or changes > _MOST_CHANGES:
        raise InputError(
            f"changes is {changes!r}",
            f"give the number of changed coordinates, 0 to {_MOST_CHANGES:,}; data have no more",
        )
    return Tradeoff(merge((Flips(as_probability(keep), values, int(changes)),)))


def levels(P: Sequence[Fraction | int], Q: Sequence[Fraction | int]) -> Tradeoff:
    """Return the trade-off of any finite pair of laws: weights of the same outcomes before and after the attack.

    Parameters
    ----------
    P, Q
        Weights (integers or `Fraction`, not negative), each divided by its own sum.

    Examples
    --------
    If a share of the outcomes is lost, here 1/10, it adds to every probability:

    >>> levels([9, 1, 0], [9, 0, 1]).upper(Fraction(1, 5))
    Fraction(3, 10)
    """
    try:
        before, after = [exactly(w) for w in P], [exactly(w) for w in Q]
    except (TypeError, ValueError, OverflowError):
        raise InputError("some weights of the levels are not exact numbers", "give integers or fractions") from None
    if len(before) != len(after):
        raise InputError(f"{len(before)} weights before and {len(after)} after", "give one of each per outcome")
    if min([*before, *after], default=0) < 0 or not sum(before) or not sum(after):
        raise InputError("weights of the levels are negative or all 0", "give weights of at least 0, and one above 0")
    return Tradeoff(merge((Table(_integers(before), _integers(after)),)))


def gaussian(mu: float) -> Tradeoff:
    """Return the trade-off of a shift by `mu` standard deviations: `upper(p) = Phi(Phi^-1(p) + mu)`."""
    value = float(mu)
    if not (isfinite(value) and value >= 0):
        raise InputError(f"the Gaussian shift is {mu!r}", "give a finite number of standard deviations, 0 or more")
    return Tradeoff((), value)


def _integers(weights: list[Fraction]) -> tuple[int, ...]:
    unit = lcm(*(weight.denominator for weight in weights))
    return tuple(weight.numerator * (unit // weight.denominator) for weight in weights)
