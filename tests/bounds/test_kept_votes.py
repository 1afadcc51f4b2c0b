"""Bounds from votes that no trigger can move fail no oftener than they say: all outcomes of few votes, enumerated."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import factorial, prod

import numpy as np
import pytest

from rsbd import AnyPatch, Bounds
from rsbd.bounds import binomial, kept_votes, simultaneous
from rsbd.evasion import Evidence
from rsbd.types import Floats, Ints

Kind = tuple[int, tuple[frozenset[int], ...]]
"""What one model does at a point: its label, and the classes in reach for each window."""


def kinds(classes: int, windows: int) -> list[Kind]:
    found = []
    for label in range(classes):
        sets = [
            frozenset({label, *(c for c, on in zip(range(classes), bits, strict=True) if on)})
            for bits in product((0, 1), repeat=classes)
            if not bits[label]
        ]
        found += [(label, reach) for reach in product(sets, repeat=windows)]
    return found


@dataclass(frozen=True)
class Law:
    """Models of several kinds, drawn with known probabilities."""

    kinds: list[Kind]
    chance: Floats
    classes: int

    @property
    def windows(self) -> int:
        return len(self.kinds[0][1])

    @property
    def table(self) -> tuple[Ints, Ints, Ints]:
        """Return what each kind adds: counts (kinds, classes), kept and reached (kinds, windows, classes)."""
        counts = np.array([[label == c for c in range(self.classes)] for label, _ in self.kinds], int)
        reached = np.array([[[c in r for c in range(self.classes)] for r in reach] for _, reach in self.kinds], int)
        return counts, counts[:, None] * (reached.sum(2, keepdims=True) == 1), reached

    def evidence(self, drawn: Ints) -> Evidence:
        """Return the evidence of many points at once, each with numbers of models of each kind: (points, kinds)."""
        counts, kept, reached = self.table
        return Evidence(
            AnyPatch(1),
            drawn @ counts,
            np.einsum("pk,kwc->wpc", drawn, kept),
            np.einsum("pk,kwc->wpc", drawn, reached),
        )

    def failures(self, bounds: Bounds) -> tuple[Floats, Floats]:
        """Return where the miss, and where the runner-up, is below the truth for the label that the votes picked."""
        _, kept, reached = self.table
        miss = 1 - np.einsum("k,kwc->wc", self.chance, kept).min(0)
        second = np.einsum("k,kwc->wc", self.chance, reached).max(0)
        others = np.array([np.delete(second, c).max() for c in range(self.classes)])
        low = bounds.miss < miss[bounds.label] - 1e-12
        return low, low | (bounds.runner_up < others[bounds.label] - 1e-12)


def draws(models: int, kinds: int) -> Ints:
    """Return all numbers of models of each kind: (outcomes, kinds)."""
    if kinds == 1:
        return np.array([[models]])
    parts = [np.c_[np.full(len(rest), k), rest] for k in range(models + 1) for rest in [draws(models - k, kinds - 1)]]
    return np.concatenate(parts)


@pytest.mark.parametrize(
    ("classes", "windows", "models", "runner_up"),
    [(2, 1, 6, False), (2, 2, 4, False), (3, 1, 4, False), (3, 1, 4, True)],
)
def test_bounds_fail_no_oftener_than_alpha(classes: int, windows: int, models: int, runner_up: bool) -> None:
    rng, every, worst = np.random.default_rng(0), kinds(classes, windows), 0.0
    outcomes = draws(models, len(every))
    ways = np.array([factorial(models) / prod(map(factorial, row)) for row in outcomes.tolist()])
    for alpha, power in product((0.05, 0.3), (0.5, 2, 6)):
        for _ in range(4):
            chance = rng.random(len(every)) ** power
            law = Law(every, chance / chance.sum(), classes)
            probability = ways * np.prod(law.chance**outcomes, axis=1)
            assert probability.sum() == pytest.approx(1)
            bounds = kept_votes(law.evidence(outcomes), alpha, runner_up)
            assert bounds.trigger == AnyPatch(1)
            share = probability @ law.failures(bounds)[1] / alpha
            assert share <= 1
            worst = max(worst, share)
    assert worst > 0.1


def test_bounds_that_are_watched_fail_no_oftener_than_alpha() -> None:
    rng, every, alpha, models = np.random.default_rng(1), kinds(2, 1), 0.3, 7
    paths = np.array(list(product(range(4), repeat=models)))
    for _ in range(6):
        chance = rng.random(4) ** 2
        law = Law(every, chance / chance.sum(), 2)
        probability, failed = np.prod(law.chance[paths], axis=1), np.zeros(len(paths), bool)
        for n in range(1, models + 1):
            drawn = np.stack([(paths[:, :n] == k).sum(1) for k in range(4)], 1)
            bounds = kept_votes(law.evidence(drawn), alpha, watched=True)
            failed |= law.failures(bounds)[0].astype(bool)
        assert probability @ failed <= alpha


def test_the_level_is_shared_as_it_is_written() -> None:
    counts = np.array([[800, 150, 50], [400, 350, 250]])
    kept, reached = counts[None] - [[[60, 20, 5]] * 2, [[80, 10, 0]] * 2], counts[None] + [[[9] * 3] * 2, [[7] * 3] * 2]
    evidence, total = Evidence(AnyPatch(3), counts, kept, reached), np.array([1000, 1000])
    plain = kept_votes(evidence, 0.01)
    expected = binomial.clopper_pearson_upper(np.array([280, 680]), total, 0.01 / 3)  # the worse of two windows
    np.testing.assert_array_equal(plain.miss, expected)
    np.testing.assert_array_equal(plain.runner_up, expected)
    many = kept_votes(evidence, 0.01, runner_up=True, points="all")
    expected = binomial.clopper_pearson_upper(np.array([159, 359]), total, 0.01 / 2 / 5)
    np.testing.assert_allclose(many.runner_up, expected, rtol=1e-12)
    assert (many.points, many.label.tolist()) == ("all", [0, 0])
    same = Evidence(AnyPatch(3), counts, counts[None], counts[None])
    np.testing.assert_array_equal(kept_votes(same, 0.01).miss, simultaneous(counts, 0.01).miss)
