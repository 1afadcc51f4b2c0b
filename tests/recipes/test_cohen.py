"""Smoothing at test time: one model, noisy copies, selection and estimation apart."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import norm

from rsbd.bounds import clopper_pearson
from rsbd.certify import ABSTAIN, radius
from rsbd.data import Dataset, load
from rsbd.ensemble.one_model import FixedModel
from rsbd.errors import InputError
from rsbd.learners import LDA, MLP, Learner, Linear, Models, Problem, RobustLinear, ScoringModels
from rsbd.noises import Flip, Gaussian, Noise
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.recipes import cohen

VECTORS = os.environ.get("RSBD_VECTORS")
SLOPE = torch.tensor([0.6, -0.8])  # of length 1, so that the score is the distance to the boundary


@dataclass(frozen=True)
class HalfPlane(Learner):
    """Class 1 where `SLOPE @ x > 0`, whatever the training set."""

    def train(self, problem: Problem, generators: Sequence[torch.Generator]) -> Models:
        assert len(generators) == 1
        assert problem.smoothing == Smoothing(test=Gaussian(0.5))
        return Plane()


@dataclass(frozen=True)
class Plane(ScoringModels):
    def scores(self, x: torch.Tensor, noise: Noise | None, generators: Sequence[torch.Generator]) -> torch.Tensor:
        assert noise is not None
        score = noise.sample_many(x.expand(len(generators), *x.shape), generators) @ SLOPE
        return torch.stack([torch.zeros_like(score), 1000 * score], dim=1)


def plane(points: int = 400) -> Dataset:
    x = np.random.default_rng(1).normal(0.0, 0.7, (points, 2)).astype(np.float32)
    y = (x @ SLOPE.numpy() > 0).astype(int)
    return Dataset("plane", x[:10], y[:10], x, y, ("below", "above"))


@pytest.mark.skipif(not VECTORS, reason="RSBD_VECTORS names no folder with reference values")
def test_published_values() -> None:
    for case in json.loads((Path(str(VECTORS)) / "papers.json").read_text())["cohen_clopper_pearson"]["cases"]:
        votes = [[case["nA"], case["n"] - case["nA"]]]
        bounds = clopper_pearson(votes, case["alpha"], selection=[[1, 0]])
        found = radius(bounds, Smoothing(test=Gaussian(case["sigma"])))
        assert 1 - bounds.miss[0] == pytest.approx(case["pABar"], abs=1e-9)
        assert 1 - bounds.miss[0] <= case["pABar"] + 1e-16  # on the sound side of the published value
        assert (found.label[0] == ABSTAIN) == case["abstain"]
        assert max(found.radius[0], 0.0) == pytest.approx(case["radius"], abs=1e-9)


@pytest.mark.parametrize("scale", [1, 1 / 3], ids=["points on the grid", "points between"])
@pytest.mark.parametrize("learner", [LDA(), Linear(), RobustLinear()], ids=lambda learner: type(learner).__name__)
@pytest.mark.parametrize("noise", [Gaussian(0.5), Flip(0.9)], ids=["Gaussian", "flips"])
def test_copies_that_a_model_sees_at_once_are_as_each_by_itself(noise: Noise, learner: Learner, scale: float) -> None:
    data = load("digits", classes=(0, 1, 2), rows=60, points=20)
    points, few = data.x_test * np.float32(scale if isinstance(noise, Gaussian) else 1), range(5, 26)
    model = FixedModel.train(data, noise, learner)
    together = np.concatenate(list(model.confidences(points, few)))
    alone = [next(model.confidences(points, range(i, i + 1)))[0] for i in few]
    assert np.array_equal(together, alone)
    counts = sum(model.votes(points, range(i, i + 1)).counts for i in few)
    assert np.array_equal(model.votes(points, few).counts, counts)


@pytest.mark.slow
def test_certified_radius_is_below_the_distance_to_the_boundary() -> None:
    """For a half-plane the smoothed classifier is the half-plane: the distance is the exact radius."""
    data = plane()
    distance = np.abs(data.x_test @ SLOPE.numpy())
    found = cohen(data, 0.5, learner=HalfPlane(), num_copies=2000, alpha=0.01, points="all").certificate
    assert (found.radius <= distance).all()
    assert (found.label[found.radius >= 0] == data.y_test[found.radius >= 0]).all()
    near = (distance > 0.1) & (distance < 0.8)  # bounded away from 1, where 2,000 votes say less
    assert (distance - np.maximum(found.radius, 0))[near].max() < 0.15
    assert (found.label[distance < 0.005] == ABSTAIN).all()
    each, together = (
        cohen(data, 0.5, learner=HalfPlane(), num_copies=300, alpha=0.01, points=points).certificate
        for points in ("each", "all")
    )
    assert (each.radius >= together.radius).all()
    assert (each.radius > together.radius).mean() > 0.8
    assert (each.points, together.points) == ("each", "all")


def test_votes_of_copies_have_the_exact_law_and_are_not_used_twice() -> None:
    data = plane(50)
    model = FixedModel.train(data, Gaussian(0.5), HalfPlane())
    first, second, third = (model.votes(data.x_test, range(*ends)) for ends in ((0, 130), (130, 500), (500, 2000)))
    few = model.votes(data.x_test, range(500))
    assert (first.merge(second).counts == few.counts).all()
    whole = few.merge(third)
    assert (whole.models, whole.num_models) == (((0, 2000),), 2000)
    chance = norm.cdf(data.x_test @ SLOPE.numpy() / 0.5)
    off = (whole.counts[:, 1] - 2000 * chance) / np.sqrt(2000 * chance * (1 - chance) + 1)
    assert np.abs(off).max() < 5
    with pytest.raises(InputError, match="voted in both"):
        whole.merge(first)


def test_the_label_is_picked_by_votes_that_do_not_bound_it() -> None:
    data = load("digits", side=8, view="unit", classes=(3, 8), points=60)
    found = cohen(data, 0.5, num_copies=200, num_selection=7, seed=3)
    model = FixedModel.train(data, Gaussian(0.5), LDA(), seed=3)
    assert (found.bounds.label == model.votes(data.x_test, range(7)).label).all()
    assert (found.votes.counts == model.votes(data.x_test, range(7, 207)).counts).all()
    assert found.votes.models == ((7, 207),)
    assert found.certificate.accuracy(data.y_test) > 0.5


@pytest.mark.parametrize("learner", [LDA(), Linear(), MLP(epochs=2)])
@pytest.mark.parametrize("noise", [Gaussian(0.3), Flip(0.9)])
def test_confidences_agree_with_labels(learner: Learner, noise: Noise) -> None:
    data = load("digits", side=8, classes=(0, 1, 7), rows=150, points=40)
    model = FixedModel.train(data, noise, learner)
    (soft,) = model.confidences(data.x_test, range(5, 35))
    assert soft.shape == (30, 40, 3)
    assert soft.sum(2) == pytest.approx(1, abs=1e-5)
    counts = np.stack([(soft.argmax(2) == c).sum(0) for c in range(3)], axis=1)
    assert np.abs(counts - model.votes(data.x_test, range(5, 35)).counts).sum() <= 2  # ties of rounded softmax


def test_nothing_is_said_about_poisoned_training_data() -> None:
    found = cohen(plane(20), 0.5, learner=HalfPlane(), num_copies=50)
    assert found.certify(Threat(trigger=0.01)).any()
    with pytest.raises(InputError, match="training features"):
        found.certify(Threat(rows=1, trigger=0.01))


def test_confidence_needs_scores() -> None:
    class Labels(Models):
        def predict(self, x: torch.Tensor, noise: object, generators: Sequence[torch.Generator]) -> torch.Tensor:
            return torch.zeros(len(generators), len(x), dtype=torch.int64)

    model = FixedModel(Labels(), LDA(), Gaussian(0.5), 2, 0, "cpu", {})
    assert model.votes(np.zeros((3, 2), np.float32), range(4)).counts.tolist() == [[4, 0]] * 3
    with pytest.raises(InputError, match="give labels only"):
        next(model.confidences(np.zeros((3, 2), np.float32), range(4)))
