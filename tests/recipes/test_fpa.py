"""Feature partitions: tiny worlds with every trigger written out, alone and beside poisoned rows; and MNIST."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from rsbd.bounds import Bounds
from rsbd.data import Dataset, load
from rsbd.errors import InputError
from rsbd.learners import LDA, Columns, Learner, Models, Problem, Sklearn, randomness
from rsbd.noises import Bagging, Noise, Smoothing
from rsbd.recipes import fpa, fpa_bagging
from rsbd.recipes.fpa import choose_thresholds, rows_beside

needs_mnist = pytest.mark.skipif(not os.environ.get("RSBD_DATA"), reason="RSBD_DATA names no folder with MNIST")


@dataclass(frozen=True)
class Oddly(Models):
    """Labels that depend on everything that the models saw, in no sensible way."""

    seen: int
    most: int

    def predict(self, x: Tensor, noise: Noise | None, generators: Sequence[Generator]) -> Tensor:
        code = (x * torch.arange(2, x.shape[1] + 2)).sum(1).long() * 5 + self.seen
        return torch.where(code % 4 == 3, 1 - self.most, self.most).expand(len(generators), -1)


@dataclass(frozen=True)
class Odd(Learner):
    """Mostly the label of the rows that look like the first one; every bit of every row counts."""

    name = "odd"

    def train(self, problem: Problem, generators: Sequence[Generator]) -> Oddly:
        x, y = problem.noised(generators[0])
        bits = (x * torch.arange(1, x.shape[1] + 1)).sum(1).long() @ torch.arange(3, len(x) + 3)
        return Oddly(int(bits), int(y[0]))


def bits(shape: tuple[int, ...]) -> np.ndarray:
    """Every array of this shape of zeros and ones."""
    return np.array(list(product((0.0, 1.0), repeat=int(np.prod(shape)))), np.float32).reshape(-1, *shape)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "rows", "centres", "settings"),
    [
        ((3,), 2, 4, {"groups": 3}),
        ((1, 3), 2, 4, {}),
        ((4,), 2, 3, {"groups": 4}),
        ((4,), 2, 3, {"groups": 2, "spread": 2}),
        ((2, 1, 3), 2, 1, {"groups": 3}),  # two channels
    ],
    ids=str,
)
def test_no_trigger_on_all_rows_and_the_point_changes_a_certified_label(
    shape: tuple[int, ...], rows: int, centres: int, settings: dict[str, Any]
) -> None:
    """Every content of every set of as many pixels as the radius says, for every test point of the world."""
    rng, points = np.random.default_rng(0), bits(shape)
    channels, pixels = int(np.prod(shape[:-2])), int(np.prod(shape)) // int(np.prod(shape[:-2]))
    flat = points.reshape(len(points), channels, pixels)
    certified = broken_beyond = 0
    for _ in range(centres):
        x, y = rng.integers(0, 2, (rows, *shape)).astype(np.float32), np.arange(rows) % 2
        data = Dataset("tiny", x, y, points, np.zeros(len(points)), ("a", "b"), values=2)
        own = fpa(data, odds=1, learner=Odd(), **settings).certificate
        certified += (own.radius > 0).sum()
        for size in range(1, min(int(own.radius.max()) + 1, pixels) + 1):
            for chosen in combinations(range(pixels), size):
                there, rest = list(chosen), [p for p in range(pixels) if p not in chosen]
                same = (flat[:, None][..., rest] == flat[None][..., rest]).all((2, 3))  # points that differ there alone
                for content in bits((rows, channels, size))[:: 8 if size > own.radius.max() else 1]:  # there, some do
                    attacked = x.reshape(rows, channels, pixels).copy()
                    attacked[..., there] = content
                    found = fpa(data.replace(x=attacked.reshape(x.shape)), odds=1, learner=Odd(), **settings)
                    turned = (same & (found.certificate.label != own.label[:, None])).any(1)
                    assert not turned[own.radius >= size].any()
                    broken_beyond += turned[own.radius < size].any()
    assert certified
    assert broken_beyond


def test_thresholds_leave_out_what_is_unsure_and_useless() -> None:
    unsure, y = np.array([0.1, 0.1, 0.5, 0.5, 0.9, 0.9]), np.array([0, 0, 0, 1, 1, 1])
    below, above = choose_thresholds(unsure, y)
    assert 0.1 < below <= 0.5 <= above < 0.9
    below, above = choose_thresholds(np.full(6, 0.5), y)
    assert below <= 0.5 <= above  # never votes
    rng = np.random.default_rng(0)
    sure, y = rng.random(200), rng.integers(0, 2, 200)
    below, above = choose_thresholds(sure, y)
    assert below <= above


def test_attacked_pixels_of_digits_reach_their_groups_alone() -> None:
    digits = load("digits", classes=(0, 1), rows=80, points=20, side=8)
    clean, rng = fpa(digits), np.random.default_rng(0)
    assert clean.certificate.norm == "pixels"
    assert clean.certificate.slots == ("features", "test")
    pixels = digits.num_features
    for count in (1, 3):
        there = rng.choice(pixels, count, replace=False)
        x, x_test = digits.x.reshape(80, -1).copy(), digits.x_test.reshape(20, -1).copy()
        x[:, there], x_test[:, there] = rng.integers(0, 2, (80, count)), rng.integers(0, 2, (20, count))
        found = fpa(digits.replace(x=x.reshape(digits.x.shape), x_test=x_test.reshape(digits.x_test.shape)))
        assert (found.labels != clean.labels).any(1).sum() <= count
        safe = clean.certificate.radius >= count
        assert safe.any()
        assert (found.certificate.label == clean.certificate.label)[safe].all()
    blank = (digits.x.reshape(80, -1) == digits.x.reshape(80, -1)[0]).all(0)
    assert (clean.labels < 0).all(1).sum() >= blank.sum()


def test_many_classes_and_learners_without_scores() -> None:
    from sklearn.naive_bayes import BernoulliNB

    digits = load("digits", rows=200, points=30)
    assert fpa(digits, groups=8).certificate.accuracy(digits.y_test, 1) > 0.1
    found = fpa(digits, groups=4, odds=1, learner=Sklearn(BernoulliNB()))
    assert (found.labels >= 0).all()
    with pytest.raises(InputError, match="give labels only"):
        fpa(digits, groups=4, learner=Sklearn(BernoulliNB()))


KINDS = np.array(list(product((0, 1), repeat=6)))  # a row of five pixels and its label
TESTS = np.array(list(product((0, 1), repeat=5)))


def test_no_poisoned_row_beside_a_trigger_everywhere_changes_a_certified_label() -> None:
    """Five rows of five pixels, bags of one row: every row, every content of it, every pixel on all the others."""
    rng, law = np.random.default_rng(0), Smoothing(rows=Bagging(1))
    certified = {(rows, pixels): 0 for rows in (0, 1) for pixels in (0, 1)}
    broken = 0
    for _trial in range(40):
        # Each model is any function of a pixel of a row, its label, and the same pixel of the test input.
        rule = np.where(rng.random((5, 2, 2, 2)) < rng.choice([0.06, 0.3]), 1, 0)
        votes = np.stack([rule[g][KINDS[:, None, g], KINDS[:, None, 5], TESTS[None, :, g]] for g in range(5)], -1)
        rows, point = rng.integers(0, len(KINDS), 5), int(rng.integers(len(TESTS)))
        ones = int(votes[rows, point].sum())
        label, miss = int(ones > 12), Fraction(min(ones, 25 - ones), 25)
        evidence = Bounds(np.array([label]), *2 * (np.array([float(miss)]),), 0.0)
        for pixels in (0, 1):
            radius = int(rows_beside(pixels, evidence, law, 5, 5).radius[0])
            for count in (0, 1):
                worst = _worst_share(votes, rows, point, label, count, pixels)
                certified[count, pixels] += radius >= count
                assert radius < count or worst > Fraction(1, 2)
                broken += worst <= Fraction(1, 2)
    assert all(certified.values())
    assert broken


def _worst_share(votes: np.ndarray, rows: np.ndarray, point: int, label: int, count: int, pixels: int) -> Fraction:
    """The least share of the label over all attacks on `count` rows at will, and on `pixels` pixels of everything."""
    least = 25
    for pixel in range(5) if pixels else [None]:
        weight = np.array([16, 8, 4, 2, 1])
        tests = [point] if pixel is None else [point & ~weight[pixel], point | weight[pixel]]
        for test, changed in product(tests, range(5) if count else [None]):
            right = (votes[:, test] == label).sum(1)  # models of one row that give the label, by the row's content
            total = 0
            for i, row in enumerate(rows):
                kinds = [row] if pixel is None else [row & ~(2 * weight[pixel]), row | (2 * weight[pixel])]
                # Bags hold one row, so each row is as bad as it can be by itself.
                total += right.min() if i == changed else right[kinds].min()
            least = min(least, int(total))
    return Fraction(least, 25)


def test_models_of_columns_see_their_pixels_alone() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.random((40, 3, 4, 4)).astype(np.float32), np.arange(40) % 2
    data = Dataset("colours", x, y, x[:10], y[:10], ("a", "b"))
    moved = x.copy()
    moved[:, :, 2, 1] = rng.random((40, 3))  # one pixel, three channels
    learner, smoothing = Columns(LDA(), 8), Smoothing(rows=Bagging(20))
    found, sizes = [], []
    for each in (data, data.replace(x=moved, x_test=moved[:10])):
        streams = randomness.generators(0, range(64))
        models = learner.train(Problem.of(each, smoothing), streams)
        found.append(models.predict(torch.tensor(each.x_test).flatten(1), None, streams))
        sizes = [(len(who), seen.tolist()) for who, seen, _ in models.parts]
    reached = sum(len(seen) == 6 and 2 * 4 + 1 in [s % 16 for s in seen] for _, seen in sizes)
    assert reached == 1
    assert sum(who for who, _ in sizes) == 64
    hit = next(who for who, seen in sizes if 9 in seen)
    assert 0 < (found[0] != found[1]).any(1).sum() <= hit
    assert not any(isinstance(models, type(learner)) for _, _, models in models.parts)


def test_the_recipe_certifies_rows_beside_pixels() -> None:
    digits = load("digits", classes=(0, 1), points=40)
    found = fpa_bagging(digits, groups=16, bag=10, pixels=2, num_models=300)
    alone, all_of_them = (rows_beside(pixels, found.bounds, found.smoothing, 16, digits.num_rows) for pixels in (0, 16))
    assert (alone.radius >= found.certificate.radius).all()
    assert (alone.radius > found.certificate.radius).any()
    assert found.certificate.accuracy(digits.y_test, 1) > 0.3
    assert (found.certificate.slots, alone.slots) == (("rows", "features", "test"), ("rows",))
    assert (all_of_them.radius == -1).all()


@pytest.mark.slow
@needs_mnist
def test_any_nine_and_any_25_pixels_of_mnist() -> None:
    mnist = load("mnist", classes=(1, 7), view="unit")
    certificate = fpa(mnist).certificate
    assert certificate.accuracy(mnist.y_test, 9) > 0.93
    assert certificate.accuracy(mnist.y_test, 25) > 0.81
    assert (certificate.by_class(mnist.y_test, 25) > 0.7).all()


TINY = Dataset("tiny", np.eye(4), [0, 1, 0, 1], np.eye(4), [0, 1, 0, 1], ("a", "b"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fpa(TINY, groups=5), "5 groups of 4 pixels"),
        (lambda: fpa(TINY, groups=0), "parts is 0"),
        (lambda: fpa(TINY, odds=0.5), "odds is 0.5"),
        (lambda: Columns(LDA(), 0), "groups is 0"),
        (lambda: fpa_bagging(TINY, groups=5, num_models=10), "5 groups of 4 pixels"),
        (lambda: fpa_bagging(TINY, groups=2, num_models=10, pixels=1.5), "pixels is 1.5"),
    ],
)
def test_bad_input_is_named(make: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()
