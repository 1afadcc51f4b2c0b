"""Audit by enumeration: certify every data set of a tiny world, and try every attack that the threat allows."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement, product
from math import comb, prod

import numpy as np

from rsbd.audit.world import MOST_DATASETS, Array, Data, Rule, World, triggered
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.evasion import AnyTrigger
from rsbd.noises import Bagging, Partition, Smoothing, Threat

# Returns True if the prediction is certified: features (rows, features), labels (rows,), test input (features,).
Claim = Callable[[Array, Array, Array], bool]
_Certified = tuple[Array, int, tuple[Fraction, ...]]  # label of each point, certified rows, shares of the labels


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

    def certifies(state: int) -> bool:
        if claim is not None:
            return claim(*world.data(tuple(int(i) for i in np.unravel_index(state, world.sizes))))
        return proves(top.flat[state], second.flat[state])

    centres = world.centres
    certified = np.array([centres.flat[state] and certifies(state) for state in range(label.size)]).reshape(label.shape)
    supports = set(world.supports(threat))
    lead = np.stack([_lead(votes, c) for c in range(len(votes))])
    robust = np.ones(label.shape, bool)
    for support in supports:
        lowest = lead.min(axis=tuple(axis + 1 for axis in support), keepdims=True)
        robust &= np.take_along_axis(np.broadcast_to(lowest, lead.shape), label[None], 0)[0] > 0
    wrong = np.argwhere(certified & ~robust)
    found = None if not len(wrong) else _violation(world, lead, label, supports, tuple(map(int, wrong[0])))
    many, held, lasting = (int(some.sum()) for some in (centres, certified, centres & robust))
    return Exhausted(repr(threat), many, held, lasting, found)


def _lead(votes: Array, label: int) -> Array:
    """Return by how much a label leads the best other label."""
    others = [votes[c] for c in range(len(votes)) if c != label]
    return np.asarray(votes[label] - np.maximum.reduce(others))


def _violation(
    world: World, lead: Array, label: Array, supports: set[tuple[int, ...]], state: tuple[int, ...]
) -> Violation:
    (votes, total), own = world.smoothed, lead[label[state]]

    def within(support: tuple[int, ...]) -> tuple[slice, ...]:
        """Return the data sets that changes of these coordinates make."""
        return tuple(slice(None) if i in support else slice(at, at + 1) for i, at in enumerate(state))

    cut = within(min(supports, key=lambda support: own[within(support)].min()))
    inside = np.unravel_index(int(own[cut].argmin()), own[cut].shape)
    there = tuple(int(i + (c.start or 0)) for i, c in zip(inside, cut, strict=True))
    before, after = (tuple(Fraction(int(row[at]), total) for row in votes) for at in (state, there))
    return Violation(world.data(state), world.data(there), before, after)


def exhaustive_rows(
    dataset: Dataset, method: Bagging | Partition, rule: Rule, most: int = 3, trigger: AnyTrigger | None = None
) -> Exhausted:
    """Certify every training set of a world exactly, and compare it with every other one within its radius.

    The world holds every multiset of rows: of the size of ``dataset`` to be certified, and of up to ``most`` more or
    fewer to be reached. For :class:`~rsbd.noises.Bagging` a changed, inserted or removed row counts once; for
    :class:`~rsbd.noises.Partition` (DPA, and Finite Aggregation) an inserted or removed one.

    Guarantee
    ---------
    Complete for this world and rule, up to ``most`` rows.

    Parameters
    ----------
    dataset : Dataset
        A few rows of a few features with few levels, and one test point.
    method : Bagging or Partition
        How rows are given to models.
    rule : callable
        The base classifier, ``rule(x, y, point) -> label``. It may be given no rows at all, and abstain with -1 as a
        model of a part.
    most : int
        Radii are audited up to this number.
    trigger : AnyTrigger, optional
        What the attacker may write on the test point besides, with levels of the data set as values.

    Raises
    ------
    InputError
        The world is too large.

    Examples
    --------
    >>> tiny = Dataset("tiny", [[0], [0.5], [1], [1]], [0, 0, 1, 1], [[1]], [1], ("a", "b"), values=3)
    >>> def nearest(x, y, point):
    ...     return y[np.abs(x - point).sum(axis=1).argmin()] if len(y) else 0
    >>> print(exhaustive_rows(tiny, Bagging(1), nearest, most=1).sentence)
    Each of 126 data sets was certified exactly and attacked in every way within up to 1 changed, inserted or
    removed rows: 30 are certified, 60 cannot be changed, no certificate is violated.
    """
    if isinstance(method, Partition) and method.deal == "position":
        raise InputError(f"{method!r} has an order of rows, and multisets have none", 'give deal="content"')
    if dataset.values is None:
        raise InputError(
            f"{dataset.name} is continuous", "its rows cannot be written out, so give a binary or gray view"
        )
    levels = [j / (dataset.values - 1) for j in range(dataset.values)]
    labels, clean = range(dataset.num_classes), dataset.x_test[0].ravel()
    points = [clean] if trigger is None else triggered(dataset, trigger, clean.tolist())
    kinds = list(product(product(levels, repeat=dataset.num_features), labels))
    x, y = np.array([k[0] for k in kinds], np.float32), np.array([k[1] for k in kinds], np.int64)
    n = dataset.num_rows
    sets = [*_multisets(len(kinds), n, most)]
    if len(sets) * comb(len(kinds) + n - 1, n) > 100 * MOST_DATASETS:
        raise InputError(f"{len(sets):,} training sets are too many to compare", "take fewer rows or levels")

    def content(multiset: Array) -> tuple[Array, Array]:
        rows = np.repeat(np.arange(len(kinds)), multiset)
        return x[rows], y[rows]

    def ask(x: Array, y: Array) -> tuple[int, ...]:
        return tuple(int(rule(x, y, point)) for point in points)

    @cache
    def vote(rows: tuple[int, ...]) -> tuple[int, ...]:
        return ask(x[list(rows)], y[list(rows)])

    def shares_of(said: Counter[tuple[int, ...]]) -> tuple[Array, tuple[Fraction, ...]]:
        """Return the label of each point, and the shares of the labels of the first."""
        votes = np.array([[sum(k for s, k in said.items() if s[p] == c) for c in labels] for p in range(len(points))])
        return votes.argmax(1), tuple(Fraction(int(v), said.total()) for v in votes[0])

    def bagged(multiset: Array) -> _Certified:
        assert isinstance(method, Bagging)  # noqa: S101
        size, said = int(multiset.sum()), Counter[tuple[int, ...]]()
        held = [(kind, int(times)) for kind, times in enumerate(multiset) if times]
        for bag in product(held, repeat=method.size):
            said[vote(tuple(kind for kind, _ in bag))] += prod(times for _, times in bag)
        found, shares = shares_of(said)
        top, total = int(found[0]), said.total()
        kept = Fraction(sum(k for s, k in said.items() if set(s) == {top}), total)
        second = max(Fraction(sum(k for s, k in said.items() if c in s), total) for c in labels if c != top)
        held_up = [r for r in range(min(most, size) + 1) if method.shift(r, size).certifies(1 - kept, second)]
        return found, max(held_up, default=-1), shares

    def dealt(multiset: Array) -> _Certified:
        assert isinstance(method, Partition)  # noqa: S101
        rows_x, rows_y = content(multiset)
        said = [ask(rows_x[rows], rows_y[rows]) for rows in method.members(rows_x, rows_y)]
        reached = np.array([[[c in one for c in labels]] for one in said])
        own = np.array([one[:1] for one in said], np.int64)
        _, radius = method.radius(own, len(labels), *([] if trigger is None else [reached]))
        found, shares = shares_of(Counter(said))
        return found, min(int(radius[0]), most), shares

    table = np.array(sets)
    certify = bagged if isinstance(method, Bagging) else dealt
    found = [certify(row) for row in table]
    label = np.array([f[0] for f in found])  # (training sets, points)
    certified = robust = 0
    violation: Violation | None = None
    for i in np.flatnonzero(table.sum(axis=1) == n):
        apart = table - table[i]
        gained, lost = apart.clip(min=0).sum(axis=1), (-apart).clip(min=0).sum(axis=1)
        away = np.maximum(gained, lost) if isinstance(method, Bagging) else gained + lost
        turned = (label != label[i, 0]).any(1)
        certified += found[i][1] >= most
        robust += not turned[away <= most].any()
        wrong = np.flatnonzero(turned & (away <= found[i][1]))
        if len(wrong) and violation is None:
            there = points[int((label[wrong[0]] != label[i, 0]).argmax())]
            pair: list[Data] = [(*content(table[i]), clean), (*content(table[wrong[0]]), there)]
            violation = Violation(pair[0], pair[1], found[i][2], found[wrong[0]][2])
    edits = "changed, inserted or removed" if isinstance(method, Bagging) else "inserted or removed"
    centres = int((table.sum(axis=1) == n).sum())
    edits += " rows" if trigger is None else f" rows and {trigger}"
    return Exhausted(f"up to {most} {edits}", centres, int(certified), int(robust), violation)


def _multisets(kinds: int, size: int, most: int) -> Iterator[Array]:
    """Yield how often each kind of row occurs, for every multiset of ``size`` rows, give or take ``most``."""
    for total in range(max(1, size - most), size + most + 1):
        for rows in combinations_with_replacement(range(kinds), total):
            yield np.bincount(rows, minlength=kinds)
