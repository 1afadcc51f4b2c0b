"""Functions that return trade-offs: the basic ones, those that lose a share of the outcomes, and mixtures."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import chain
from math import isfinite, lcm

from rsbd.errors import InputError, check_whole, is_whole
from rsbd.tradeoff.law import Tradeoff
from rsbd.tradeoff.parts import Flips, Part, Table, exact_levels, merge
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
        raise InputError(f"changes is {changes!r}", f"give a number of coordinates, 0 to {_MOST_CHANGES:,}")
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


# Denominators up to this length are exact; beyond, probabilities are rounded outward to `BITS` bits.
EXACT_BITS = 4096
BITS = 512


def overlap(before: Fraction, after: Fraction | None = None) -> Tradeoff:
    """Return the trade-off of two laws that share some outcomes, at one likelihood ratio; the others belong to one law.

    Guarantee: exact while the denominators have at most 4096 bits; beyond, the shared parts are rounded down, which
    only strengthens the attacker.

    Parameters
    ----------
    before, after : Fraction
        Probability of the shared outcomes before and after the attack, equal unless given.

    Examples
    --------
    >>> overlap(Fraction(9, 10)).upper(Fraction(1, 5))
    Fraction(3, 10)
    """
    before = Fraction(before)
    after = before if after is None else Fraction(after)
    if not 0 <= min(before, after) <= max(before, after) <= 1:
        raise InputError("a probability of shared outcomes lies outside [0, 1]", "give numbers from 0 to 1")
    unit = _unit([before.denominator, after.denominator])
    P, Q = (p.numerator * unit // p.denominator for p in (before, after))
    return levels([P, unit - P, 0], [Q, 0, unit - Q])


def product_down(factors: Iterable[Fraction]) -> Fraction:
    """Multiply numbers in [0, 1]: exactly while the result is short, then rounded down to a multiple of 2^-512.

    >>> product_down([Fraction(1, 2), Fraction(2, 3)])
    Fraction(1, 3)
    """
    whole = Fraction(1)
    for factor in factors:
        whole *= factor
        if whole.denominator.bit_length() > EXACT_BITS:
            whole = Fraction((whole.numerator << BITS) // whole.denominator, 1 << BITS)
    return whole


def mixture(weights: Sequence[Fraction], laws: Sequence[Tradeoff]) -> Tradeoff:
    """Return the trade-off of a law picked at random, by a choice that the outcome shows and no attacker can change.

    Guarantee: exact while the common denominator has at most 4096 bits; beyond, every level is rounded down and the
    rest counts as lost, which only strengthens the attacker: every event gains at least as much here as under the true
    law, if it also takes the lost outcomes.

    Parameters
    ----------
    weights : sequence of Fraction
        Probability of each law. If their sum is less than 1, the rest counts as lost.
    laws : sequence of Tradeoff
        Discrete laws.

    Raises
    ------
    InputError
        If the weights are not probabilities, or a law has a Gaussian part.

    Examples
    --------
    Two bags in three hold no poisoned row; in the third bag, one bit was changed:

    >>> from rsbd.tradeoff import flips, identity
    >>> bag = mixture([Fraction(2, 3), Fraction(1, 3)], [identity(), flips("4/5", 2, 1)])
    >>> bag.upper(Fraction(1, 15)), flips("4/5", 2, 1).upper(Fraction(1, 15))
    (Fraction(4, 15), Fraction(4, 15))
    >>> bag.threshold(), flips("4/5", 2, 1).threshold()
    (Fraction(3, 10), Fraction(1, 8))
    """
    if min(weights, default=0) < 0 or sum(weights) > 1 or len(weights) != len(laws):
        given = f"the weights are {list(map(str, weights))}"
        raise InputError(given, f"give {len(laws)} probabilities whose sum is at most 1")
    gaussian = next((law for law in laws if law.mu), None)
    if gaussian is not None:
        raise InputError(f"{gaussian!r} has a Gaussian part", "only discrete laws can be mixed, such as flips")
    found = [_ratios(law.parts) for law in laws]
    totals = [w.denominator * total for w, (_, *both) in zip(weights, found, strict=True) for total in both]
    longest = max((b.bit_length() for cells, _, _ in found for _, b, _ in cells), default=0)
    unit = _unit(totals, longest)
    steps: dict[tuple[int, int], int] = {}
    for w, (cells, _, total_q) in zip(weights, found, strict=True):
        scale, below = w.numerator * unit, w.denominator * total_q
        for a, b, q in cells:
            # P : Q = a : b stays exact: the level is rounded down to a whole multiple of (a, b).
            steps[a, b] = steps.get((a, b), 0) + scale * q // (below * b)
    P, Q = ([ratio[i] * step for ratio, step in steps.items()] for i in (0, 1))
    return levels([*P, unit - sum(P), 0], [*Q, 0, unit - sum(Q)])


@lru_cache(maxsize=512)
def _ratios(parts: tuple[Part, ...]) -> tuple[list[tuple[int, int, int]], int, int]:
    """Return levels as `(a, b, Q)` with `P : Q = a : b` in lowest terms, and the totals of `P` and `Q`."""
    whole = exact_levels(parts)
    cells = []
    for p, q in zip(whole.P, whole.Q, strict=True):
        ratio = Fraction(p * whole.total_q, q * whole.total_p)
        cells.append((ratio.numerator, ratio.denominator, q))
    return cells, whole.total_p, whole.total_q


def _unit(denominators: Sequence[int], longest: int = 0) -> int:
    """Return the exact common denominator if it is short, else a power of two with `BITS` bits left for every level."""
    if max(chain([1], denominators)).bit_length() <= EXACT_BITS:
        unit = lcm(*denominators)
        if unit.bit_length() <= EXACT_BITS:
            return unit
    return 1 << (BITS + longest)
