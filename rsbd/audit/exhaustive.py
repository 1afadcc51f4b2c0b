"""Audit by enumeration: certify every data set of a tiny world, and try every attack that the threat allows."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import chain, product

import numpy as np

from rsbd.audit.world import Array, Data, Rule, World
from rsbd.data import Dataset
from rsbd.noises import Smoothing, Threat

# Returns True if the prediction is certified: features (rows, features), labels (rows,), test input (features,).
Claim = Callable[[Array, Array, Array], bool]


@dataclass(frozen=True, eq=False)
class Violation:
    """A certificate that is wrong, and the attack that shows it.

    Parameters
    ----------
    centre, attacked : tuple of ndarray
        Features, labels and test input (or the rows alone), as certified and as attacked.
    before, after : tuple of Fraction
        Exact probabilities of the labels.
    """

    centre: Data
    attacked: Data
    before: tuple[Fraction, ...]
    after: tuple[Fraction, ...]


@dataclass(frozen=True, eq=False)
class Exhausted:
    """The result of an exhaustive audit.

    Parameters
    ----------
    tried : str
        The attacks, in words.
    datasets, certified, robust : int
        Data sets in the world; those whose prediction is certified; those whose prediction no attack changes.
    violation : Violation or None
        The first certificate that is wrong.
    """

    tried: str
    datasets: int
    certified: int
    robust: int
    violation: Violation | None

    @property
    def sentence(self) -> str:
        """A sentence that says what was tried and found."""
        end = "no certificate is violated" if self.violation is None else "a certificate IS violated: .violation"
        return (
            f"Each of {self.datasets:,} data sets was certified exactly and attacked in every way within "
            f"{self.tried}: {self.certified:,} are certified, {self.robust:,} cannot be changed, {end}."
        )


def exhaustive(
    dataset: Dataset, smoothing: Smoothing, rule: Rule, threat: Threat, claim: Claim | None = None
) -> Exhausted:
    """Certify every data set of a world exactly, and try every attack on each.

    The world holds every value of every coordinate that carries noise (of whole rows, where rows are drawn at random).
    Probabilities under the noise are sums over all that it can do, in whole numbers, so nothing is estimated.

    Guarantee
    ---------
    Complete for this world, rule and threat: without a ``violation`` there is none. It speaks of no other rule.

    Parameters
    ----------
    dataset : Dataset
        A few rows of a few features with few levels, and one test point: the shape of the world, and the values of what
        carries no noise. Bags by class certify data sets with as many rows of each class as they say.
    smoothing : Smoothing
        Noises that list their outcomes: :meth:`rsbd.noises.Noise.outcomes`.
    rule : callable
        The base classifier, ``rule(x, y, point) -> label`` on what a model sees: features (rows, features), labels
        (rows,), test input (features,).
    threat : Threat
        What the attacker may do. Rows that are drawn at random and carry no noise on features change wholly. If it has
        a trigger with any content, its values are levels of the data set, and every model is asked for its answer to
        every one of them.
    claim : callable, optional
        ``claim(x, y, point)`` says whether that data set's prediction is certified; by default the trade-off of its
        exact probabilities does.

    Raises
    ------
    InputError
        The world is too large, or a noise has no list of outcomes.

    Examples
    --------
    >>> from rsbd.noises import Bagging, Partition, Flip
    >>> tiny = Dataset("tiny", [[0]] * 5, [0, 1, 1, 1, 1], [[1]], [1], ("a", "b"), values=2)
    >>> def majority(x, y, point):
    ...     return int(2 * sum(y) > len(y))
    >>> noise, threat = Smoothing(labels=Flip("9/10")), Threat(rows=1, on_test=False)
    >>> print(exhaustive(tiny, noise, majority, threat).sentence)
    Each of 32 data sets was certified exactly and attacked in every way within
    Threat(rows=1, trigger=0, relabel=True, on_test=False): 12 are certified, 12 cannot be changed,
    no certificate is violated.
    """
    trigger = threat.any_trigger
    law = smoothing.tradeoff(threat, dataset.num_rows, trigger)
    world = World(dataset, smoothing, rule, trigger)
    votes, total = world.smoothed
    label = votes.argmax(axis=0)
    kept, reached = world.evidence
    top = np.take_along_axis(kept, label[None], 0)[0]
    second = np.maximum.reduce([np.where(label == c, -1, reached[c]) for c in range(len(votes))])

    @cache
    def proves(top: int, second: int) -> bool:
        return law.certifies(Fraction(total - top, total), Fraction(second, total))

    if claim is None:
        held = np.frompyfunc(proves, 2, 1)(top, second)
    else:
        held = np.reshape([c and claim(*world.data(at)) for at, c in np.ndenumerate(world.centres)], label.shape)
    certified = world.centres & held.astype(bool)
    supports = set(world.supports(threat))
    lead = np.stack([votes[c] - np.maximum.reduce(np.delete(votes, c, axis=0)) for c in range(len(votes))])
    robust = np.ones(label.shape, bool)
    for support in supports:
        lowest = lead.min(axis=tuple(axis + 1 for axis in support), keepdims=True)
        robust &= np.take_along_axis(np.broadcast_to(lowest, lead.shape), label[None], 0)[0] > 0
    wrong = np.argwhere(certified & ~robust)
    found = None if not len(wrong) else _violation(world, lead, label, supports, tuple(map(int, wrong[0])))
    many, held, lasting = (int(some.sum()) for some in (world.centres, certified, world.centres & robust))
    return Exhausted(repr(threat), many, held, lasting, found)


def _violation(
    world: World, lead: Array, label: Array, supports: set[tuple[int, ...]], state: tuple[int, ...]
) -> Violation:
    (votes, total), own = world.smoothed, lead[label[state]]
    # All data sets that changes of these coordinates make.
    ways = (product(*(range(own.shape[i]) if i in some else (at,) for i, at in enumerate(state))) for some in supports)
    there = min(chain.from_iterable(ways), key=own.__getitem__)
    before, after = (tuple(Fraction(int(row[at]), total) for row in votes) for at in (state, there))
    return Violation(world.data(state), world.data(there), before, after)
