"""Enumeration of training sets as multisets of rows: every one is certified and compared with all within its radius."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement, product
from math import comb, prod

import numpy as np

from rsbd.audit import Exhausted, Violation
from rsbd.audit.world import MOST_DATASETS, Array, Data, Rule, triggered
from rsbd.data import Dataset
from rsbd.evasion import AnyTrigger
from rsbd.noises import Bagging, Partition

# Label of each point, certified rows (of sets of the world's own size), and shares of the labels.
_Certified = tuple[Array, int, tuple[Fraction, ...]]


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

    Examples
    --------
    >>> tiny = Dataset("tiny", [[0], [0.5], [1], [1]], [0, 0, 1, 1], [[1]], [1], ("a", "b"), values=3)
    >>> def nearest(x, y, point):
    ...     return y[np.abs(x - point).sum(axis=1).argmin()] if len(y) else 0
    >>> print(exhaustive_rows(tiny, Bagging(1), nearest, most=1).sentence)
    Each of 126 data sets was certified exactly and attacked in every way within up to 1 changed, inserted or
    removed rows: 30 are certified, 60 cannot be changed, no certificate is violated.
    """
    assert not (isinstance(method, Partition) and method.deal == "position"), "multisets have no order of rows"
    assert dataset.values is not None
    levels = [j / (dataset.values - 1) for j in range(dataset.values)]
    labels, clean = range(dataset.num_classes), dataset.x_test[0].ravel()
    points = [clean] if trigger is None else triggered(dataset, trigger, clean.tolist())
    kinds = list(product(product(levels, repeat=dataset.num_features), labels))
    x, y = np.array([k[0] for k in kinds], np.float32), np.array([k[1] for k in kinds], np.int64)
    n = dataset.num_rows
    sets = [*_multisets(len(kinds), n, most)]
    assert len(sets) * comb(len(kinds) + n - 1, n) <= 100 * MOST_DATASETS

    def content(multiset: Array) -> tuple[Array, Array]:
        rows = np.repeat(np.arange(len(kinds)), multiset)
        return x[rows], y[rows]

    @cache
    def vote(rows: tuple[int, ...]) -> tuple[int, ...]:
        some = list(rows)
        return tuple(int(rule(x[some], y[some], point)) for point in points)

    def shares_of(said: Counter[tuple[int, ...]]) -> tuple[Array, tuple[Fraction, ...]]:
        """Return the label of each point, and the shares of the labels of the first."""
        votes = np.array([[sum(k for s, k in said.items() if s[p] == c) for c in labels] for p in range(len(points))])
        return votes.argmax(1), tuple(Fraction(int(v), said.total()) for v in votes[0])

    laws = [method.shift(r, n) for r in range(min(most, n) + 1)] if isinstance(method, Bagging) else []

    @cache
    def held_up(miss: Fraction, second: Fraction) -> int:
        return max((r for r, law in enumerate(laws) if law.certifies(miss, second)), default=-1)

    def bagged(multiset: Array) -> _Certified:
        said = Counter[tuple[int, ...]]()
        held = [(kind, int(times)) for kind, times in enumerate(multiset) if times]
        for bag in product(held, repeat=method.size):
            said[vote(tuple(kind for kind, _ in bag))] += prod(times for _, times in bag)
        found, shares = shares_of(said)
        if multiset.sum() != n:
            return found, -1, shares
        top, total = int(found[0]), said.total()
        kept = Fraction(sum(k for s, k in said.items() if set(s) == {top}), total)
        second = max(Fraction(sum(k for s, k in said.items() if c in s), total) for c in labels if c != top)
        return found, held_up(1 - kept, second), shares

    def dealt(multiset: Array) -> _Certified:
        assert isinstance(method, Partition)
        rows = np.repeat(np.arange(len(kinds)), multiset)
        said = [vote(tuple(rows[part].tolist())) for part in method.members(x[rows], y[rows])]
        found, shares = shares_of(Counter(said))
        if multiset.sum() != n:
            return found, -1, shares
        reached = np.array([[[c in one for c in labels]] for one in said])
        own = np.array([one[:1] for one in said], np.int64)
        _, radius = method.radius(own, len(labels), *([] if trigger is None else [reached]))
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
