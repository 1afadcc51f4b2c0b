"""Duels of classes: certificates against every change of a row and every trigger in tiny worlds, and their steps."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from functools import cache
from itertools import combinations, product

import numpy as np
import pytest

from rsbd import AnyPatch, AnyPixels, bounds, load, radius
from rsbd.bounds import Bounds
from rsbd.certify import ABSTAIN
from rsbd.errors import InputError
from rsbd.noises import ClassBagging, Smoothing
from rsbd.recipes import duels
from rsbd.recipes.duels import join_duels

Row = tuple[tuple[int, int], int]  # two bits, and a label
CONTENTS = [(0, 0), (0, 1), (1, 0), (1, 1)]


@cache
def won_by(first: tuple[int, int], second: tuple[int, int], points: tuple[tuple[int, int], ...]) -> int | None:
    """Return which of two contents is nearer to all of the points (the first one of two as near); None if neither."""
    far, near = (
        [sum(a != b for a, b in zip(point, content, strict=True)) for point in points] for content in (first, second)
    )
    nearer = {int(n < f) for n, f in zip(near, far, strict=True)}
    return nearer.pop() if len(nearer) == 1 else None


def wins(rows: list[Row], pair: tuple[int, int], points: list[tuple[int, int]]) -> tuple[Fraction, Fraction]:
    """Return for the classes of a pair how probable it is that a bag of one row of each keeps it at all the points."""
    counts = [Counter(content for content, label in rows if label == c) for c in pair]
    found = Counter[int | None]()
    for (first, n), (second, m) in product(*(count.items() for count in counts)):
        found[won_by(first, second, tuple(points))] += n * m
    return Fraction(found[0], found.total()), Fraction(found[1], found.total())


def answer(rows: list[Row], point: tuple[int, int]) -> int:
    """Return the class that wins all duels."""
    won = dict.fromkeys(range(3), 0)
    for pair in combinations(range(3), 2):
        for c, chance in zip(pair, wins(rows, pair, [point]), strict=True):
            won[c] += chance > Fraction(1, 2)
    return next((c for c, number in won.items() if number == 2), ABSTAIN)


def proved(rows: list[Row], points: list[tuple[int, int]]) -> tuple[int, int]:
    """Return label and radius as the recipe finds them, from exact probabilities in place of votes."""
    sizes = [sum(label == c for _, label in rows) for c in range(3)]
    held = {}
    for pair in combinations(range(3), 2):
        plain, kept = wins(rows, pair, points[:1]), wins(rows, pair, points)
        label = int(plain[1] > plain[0])
        miss = np.nextafter([float(1 - kept[label])], 1)
        smoothing = Smoothing(rows=ClassBagging(1, (sizes[pair[0]], sizes[pair[1]])))
        held[pair] = radius(
            Bounds(np.array([label]), miss, miss, 0.001), smoothing, num_rows=sizes[pair[0]] + sizes[pair[1]]
        )
    label, least = join_duels(held, 3)
    return int(label[0]), int(least[0])


def test_no_row_and_no_trigger_changes_a_certified_label_of_a_tiny_world():
    rng, certified, tight = np.random.default_rng(0), 0, 0
    for _ in range(10):
        home = rng.permutation(4)[:3]  # where most rows of a class lie
        rows: list[Row] = [
            (CONTENTS[home[c] if rng.random() < 0.85 else rng.integers(4)], c) for c in range(3) for _ in range(5)
        ]
        changed = [
            [*rows[:i], (content, label), *rows[i + 1 :]]
            for i in range(len(rows)) for content in CONTENTS for label in range(3)
        ]  # fmt: skip
        for point in CONTENTS:
            for triggered in ([point], [point, (0, point[1]), (1, point[1])]):  # nothing, or the first bit
                label, most = proved(rows, triggered)
                if label == ABSTAIN:
                    continue
                assert all(answer(rows, there) == label for there in triggered)
                if most >= 1:
                    certified += 1
                    assert all(answer(attacked, there) == label for attacked in changed for there in triggered)
                else:
                    tight += any(answer(attacked, there) != label for attacked in changed for there in triggered)
    assert certified > 15
    assert tight > 1


def test_a_class_must_win_all_its_duels():
    def found(label: int, size: int):
        return radius(
            bounds.simultaneous([[1000, 0] if label == 0 else [0, 1000]], 0.001),
            Smoothing(rows=ClassBagging(size, (50, 50))),
            num_rows=100,
        )

    held = {(0, 1): found(0, 1), (0, 2): found(0, 2), (1, 2): found(1, 1)}
    label, least = join_duels(held, 3)
    assert (label[0], least[0]) == (0, min(held[pair].radius[0] for pair in ((0, 1), (0, 2))))
    label, least = join_duels({**held, (0, 2): found(1, 1), (1, 2): found(0, 1)}, 3)  # round in a circle
    assert (label[0], least[0]) == (ABSTAIN, -1)


def test_its_steps():
    digits = load("digits", classes=(0, 1, 2), points=30, side=8)
    triggers = [AnyPatch(1), AnyPixels(2)]
    found = duels(digits, triggers, each=3, num_models=100, seed=1, points="all")
    assert list(found.votes) == [(0, 1), (0, 2), (1, 2)]
    assert list(found.held) == [None, *triggers]
    assert found.certificate is found.held[AnyPatch(1)]
    table = found.map(digits.y_test, [0, 2, 8])
    assert table.shape == (3, 3)
    assert (np.diff(table, axis=0) <= 0).all()
    assert (table[:, 0] >= table[:, 1]).all()
    assert table[1, 1] > 0.4
    assert np.mean(found.label == digits.y_test) > 0.8
    for each in found.held.values():
        assert ((each.label == found.label) | (each.label == ABSTAIN)).all()
    alone = duels(digits, each=3, num_models=100, seed=1, points="all")
    assert np.array_equal(alone.certificate.radius, found.held[None].radius)
    two = load("digits", classes=(0, 1), points=20, side=8)  # one duel has the whole alpha
    votes = duels(two, each=3, num_models=100).votes[0, 1]
    expected = radius(
        bounds.simultaneous(votes.counts, 0.001), Smoothing(rows=ClassBagging.of(two, 3)), num_rows=two.num_rows
    )
    assert np.array_equal(duels(two, each=3, num_models=100).certificate.radius, expected.radius)
    with pytest.raises(InputError, match="alpha"):
        duels(digits, alpha=1.5)
