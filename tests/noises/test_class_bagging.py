"""Bags by class: the law of the draws, and the trade-off against every attack on tiny training sets (about 2 s)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest
import torch
from scipy import stats

from rsbd.bounds import simultaneous
from rsbd.certify import radius
from rsbd.data import load
from rsbd.ensemble import collect
from rsbd.errors import InputError
from rsbd.learners import LDA, MLP, Linear, RobustLinear, randomness
from rsbd.noises import ClassBagging, Flip, Smoothing

Row = tuple[object, int]  # what it holds, and its label
EVENTS = [Fraction(k, 20) for k in range(20)]  # probabilities, in order


def law_of_bags(bags: ClassBagging, rows: list[Row]) -> Counter[tuple[Row, ...]]:
    """Return the probability of every bag, written out."""
    found: Counter[tuple[Row, ...]] = Counter()
    for bag, chance in bags.outcomes([label for _, label in rows]):
        found[tuple(rows[i] for i in bag)] += chance  # type: ignore[assignment]
    return found


def attacks(rows: list[Row], edits: int, classes: int) -> Iterator[list[Row]]:
    """Yield every training set after some changes, insertions and removals; what is new was never seen before."""
    for removed in range(edits + 1):
        for inserted in range(edits - removed + 1):
            changed = edits - removed - inserted
            for gone in combinations(range(len(rows)), removed):
                left = [row for i, row in enumerate(rows) if i not in gone]
                for spots in combinations(range(len(left)), min(changed, len(left))):
                    for labels in product(range(classes), repeat=len(spots) + inserted):
                        made = list(left)
                        for k, (spot, label) in enumerate(zip(spots, labels, strict=False)):
                            made[spot] = (f"new {k}", label)
                        made += [(f"more {k}", label) for k, label in enumerate(labels[len(spots) :])]
                        if made:
                            yield made


def largest(before: Counter[tuple[Row, ...]], after: Counter[tuple[Row, ...]]) -> list[Fraction]:
    """Return the largest probabilities after the attack of events that had those of EVENTS, by Neyman and Pearson."""
    at, total = Fraction(0), sum((after[bag] for bag in after if bag not in before), Fraction(0))
    found: list[Fraction] = []
    for ratio, chance in sorted(((after[bag] / chance, chance) for bag, chance in before.items()), reverse=True):
        found += [total + (p - at) * ratio for p in EVENTS[len(found) :] if p < at + chance]
        at, total = at + chance, total + ratio * chance
    return found


@pytest.mark.parametrize(
    ("sizes", "each", "edits"),
    [
        ((2, 2), 1, 1),
        ((2, 3), 1, 1),
        ((3, 3), 1, 2),
        ((2, 4), 2, 1),
        ((3, 3), 2, 1),
        ((2, 2, 3), 1, 1),
        pytest.param((3, 3), 2, 2, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_no_attack_on_a_tiny_training_set_does_more_than_the_trade_off_says(sizes, each, edits):
    bags, rows = ClassBagging(each, sizes), [(i, c) for c, size in enumerate(sizes) for i in range(size)]
    rows = [((c, i), c) for i, c in rows]
    before, law = law_of_bags(bags, rows), bags.shift(edits, len(rows))
    most = [Fraction(0)] * len(EVENTS)
    for attacked in attacks(rows, edits, len(sizes)):
        after = law_of_bags(bags, attacked)
        most = [max(pair) for pair in zip(most, largest(before, after), strict=True)]
    assert all(found <= law.upper(p) for found, p in zip(most, EVENTS, strict=True))
    if len(set(sizes)) == 1:  # then the bound is reached
        assert all(found == law.upper(p) for found, p in zip(most, EVENTS, strict=True))


def test_changed_rows_are_counted_exactly():
    bags = ClassBagging(2, (100, 120))
    assert bags.shift(0).upper(Fraction(1, 3)) == Fraction(1, 3)
    one = bags.shift(10)
    assert one.certifies(Fraction(9, 10) ** 2 - Fraction(1, 2) - Fraction(1, 100))
    assert not one.certifies(Fraction(9, 10) ** 2 - Fraction(1, 2))
    for gone in (100, 120, 220):  # a class may be lost
        assert bags.shift(gone).upper(Fraction(0)) == 1
    uppers = [float(bags.shift(m).upper(Fraction(1, 10))) for m in range(0, 101, 10)]
    assert uppers == sorted(uppers)


def test_a_bag_draws_every_row_of_a_class_alike():
    labels, stream = torch.tensor([0, 1, 1, 0, 1]), randomness.generators(0, range(1))[0]
    bag = ClassBagging(50_000, (2, 3)).draw(labels, [stream])[0].numpy()
    assert (labels[bag[:50_000]] == 0).all()
    assert (labels[bag[50_000:]] == 1).all()
    counts = np.bincount(bag, minlength=5)
    assert stats.chisquare(counts[[0, 3]]).pvalue > 1e-4
    assert stats.chisquare(counts[[1, 2, 4]]).pvalue > 1e-4
    empty = ClassBagging(4, (2, 3)).draw(torch.ones(5), [stream])[0]
    assert empty.shape == (8,)
    assert sorted(ClassBagging(1, (1, 1)).outcomes([1, 1])) == [
        ((i, j), Fraction(1, 4)) for i in (0, 1) for j in (0, 1)
    ]


@pytest.mark.parametrize(
    "learner", [Linear(), RobustLinear(), LDA(), MLP(hidden=(8,))], ids=lambda found: type(found).__name__
)
def test_every_learner_learns_from_bags_by_class(learner):
    digits = load("digits", side=8, classes=(0, 1), rows=150, points=30)
    smoothing = Smoothing(rows=ClassBagging.of(digits, 10), features=Flip(0.95))
    votes = collect(digits, smoothing, learner, digits.x_test, 64)
    assert np.mean(votes.label == digits.y_test) > 0.9
    found = radius(simultaneous(votes.counts, 0.001), smoothing, num_rows=digits.num_rows)
    assert found.accuracy(digits.y_test, 1) > 0.5


def test_what_cannot_work_is_refused():
    for each, sizes in ((0, (2, 2)), (1.5, (2, 2)), (True, (2, 2)), (1, (2,)), (1, (2, 0))):
        with pytest.raises(InputError):
            ClassBagging(each, sizes)
    for size, num_rows in ((1, 5), (-1, 4), (5, 4), (0.5, 4)):
        with pytest.raises(InputError):
            ClassBagging(1, (2, 2)).shift(size, num_rows)
    digits = load("digits", side=8, classes=(0, 1), rows=100, points=3)
    with pytest.raises(InputError, match="99"):
        collect(digits, Smoothing(rows=ClassBagging(1, (50, 49))), Linear(), digits.x_test, 2)
