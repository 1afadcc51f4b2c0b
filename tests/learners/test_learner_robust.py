"""Linear models for few rows: their algebra, what they answer with a class missing, and every noise (about 2 s)."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from rsbd.data import load
from rsbd.ensemble import collect
from rsbd.errors import InputError
from rsbd.evasion import AnyPatch
from rsbd.learners import Handwriting, Problem, RobustLinear, randomness
from rsbd.learners.linear.robust import _fit_ridge
from rsbd.noises import Bagging, Flip, Gaussian
from rsbd.noises.smoothing import Smoothing

SHAPE = (6, 6)


def few_rows(rows: int = 8, classes: int = 2, seed: int = 0) -> Problem:
    draw = torch.Generator().manual_seed(seed)
    x, y = torch.rand(rows, 36, generator=draw).round(), torch.arange(rows) % classes
    return Problem(x, y, classes, 2, SHAPE, Smoothing())


def train(problem: Problem, **settings: object):
    return RobustLinear(**settings).train(problem, randomness.generators(0, range(1)))


@pytest.mark.parametrize("rows", [5, 50], ids=["fewer rows than features", "more"])
def test_ridge_solves_its_normal_equations(rows):
    x, targets = torch.randn(2, rows, 12, dtype=torch.float64), torch.randn(2, rows, 3, dtype=torch.float64)
    weights = _fit_ridge(x, targets, 0.5)
    penalty = (0.5 + 1e-5) * x.square().sum(-1).mean(-1)
    normal = x.mT @ x + penalty[:, None, None] * torch.eye(12)
    assert torch.allclose(normal @ weights.mT, x.mT @ targets)


def test_a_class_without_rows_is_never_answered():
    problem, points = few_rows(classes=3), torch.rand(200, 36)
    for label in range(3):
        only = Problem(problem.x[:4], torch.full((4,), label), 3, 2, SHAPE, Smoothing())
        assert (train(only).predict(points, None, randomness.generators(0, range(1))) == label).all()
    two = Problem(problem.x, problem.y % 2 * 2, 3, 2, SHAPE, Smoothing())  # labels 0 and 2
    found = train(two).predict(points, None, randomness.generators(0, range(1)))
    assert set(found.unique().tolist()) == {0, 2}
    one = Problem(problem.x[:1], problem.y[:1], 3, 2, SHAPE, Smoothing())
    assert (train(one).predict(points, None, randomness.generators(0, range(1))) == problem.y[0]).all()


def test_black_and_white_are_treated_alike():
    problem = few_rows()
    negative = Problem(1 - problem.x, problem.y, 2, 2, SHAPE, Smoothing())
    points, streams = torch.rand(100, 36), randomness.generators(0, range(1))
    assert torch.allclose(
        train(problem).scores(points, None, streams), train(negative).scores(1 - points, None, streams), atol=1e-5
    )


def test_no_weight_exceeds_the_clip():
    weights = train(few_rows(), clip=0.25).weights.abs()
    assert ((weights == weights.amax(-1, keepdim=True)).sum(-1) >= 27).all()  # 3 of 4 of the 36
    with torch.no_grad():
        assert torch.unique(train(few_rows(), clip=1.0).weights.abs()[0, 0]).numel() == 36


def test_a_belief_is_the_same_for_any_data_and_keeps_gray_images_gray():
    belief, gray = Handwriting(), torch.full((2, 72), 0.3)
    for image in (belief.average(gray, (2, 6, 6)), belief.blurred(gray, (2, 6, 6))):
        assert torch.allclose(image, gray)
    x, w = torch.rand(72, dtype=torch.float64), torch.rand(72, dtype=torch.float64)
    moved = (belief.average(x, (2, 6, 6)) * w).sum(), (x * belief.average(w, (2, 6, 6), back=True)).sum()
    assert torch.allclose(*moved)
    assert torch.equal(belief.average(x, (72,)), x)  # a table has no places
    nothing = Handwriting(turn=0, slant=0, shift=0, scale=0, blur=0)
    assert torch.allclose(nothing.average(x, (2, 6, 6)), x)
    assert torch.equal(nothing.blurred(x, (2, 6, 6)), x)


def test_a_kept_vote_is_kept_by_every_patch_of_end_values():
    problem, streams = few_rows(classes=3), randomness.generators(0, range(1))
    points = torch.rand(40, 36, generator=torch.Generator().manual_seed(1))
    models = train(Problem(problem.x, problem.y % 2 * 2, 3, 2, SHAPE, Smoothing()))  # a class is missing
    labels = models.predict(points, None, streams)
    reached = next(models.reach(points, labels, [AnyPatch(2)], SHAPE))
    met = torch.zeros_like(reached)
    for row, column, *content in product(range(5), range(5), *[(0.0, 1.0)] * 4):
        there = points.view(-1, *SHAPE).clone()
        there[:, row : row + 2, column : column + 2] = torch.tensor(content).view(2, 2)
        met |= torch.nn.functional.one_hot(models.predict(there.flatten(1), None, streams), 3).bool()
    assert torch.equal(reached, met)
    assert 0 < (reached.sum(-1) == 1).sum() < 40


@pytest.mark.parametrize(
    "smoothing",
    [
        Smoothing(rows=Bagging(12), labels=Flip(0.9), features=Flip(0.9), test=Flip(0.9)),
        Smoothing(rows=Bagging(12), features=Gaussian(0.3), test=Gaussian(0.3)),
        Smoothing(labels=Flip(0.9)),  # all rows, more than features
        Smoothing(features=Flip(0.05)),  # inverts
    ],
    ids=["flips", "Gaussian", "all rows", "inverting"],
)
def test_it_learns_under_every_noise(smoothing):
    digits = load("digits", classes=(0, 1), rows=100, points=30)
    votes = collect(digits, smoothing, RobustLinear(), digits.x_test, 20)
    assert np.mean(votes.label == digits.y_test) > 0.9


def test_votes_do_not_depend_on_what_was_asked_for():
    data = load("breast_cancer", view="unit", rows=60, points=20)  # a table
    bags, learner = Smoothing(rows=Bagging(8)), RobustLinear()
    first = collect(data, bags, learner, data.x_test, 30)
    whole = collect(data, bags, learner, data.x_test, 300)
    assert np.array_equal(collect(data, bags, learner, data.x_test, 300, resume=first).counts, whole.counts)
    assert np.mean(whole.label == data.y_test) > 0.8


@pytest.mark.parametrize(
    "settings", [{"ridge": 0}, {"ridge": float("inf")}, {"clip": 0}, {"clip": 1.5}, {"clip": float("nan")}], ids=str
)
def test_settings_that_cannot_work_are_refused(settings):
    with pytest.raises(InputError):
        RobustLinear(**settings)


@pytest.mark.parametrize("name", ["turn", "slant", "shift", "scale", "blur"])
def test_a_belief_that_cannot_be_held_is_refused(name):
    for number in (-1, float("nan"), float("inf")):
        with pytest.raises(InputError, match=name):
            Handwriting(**{name: number})
