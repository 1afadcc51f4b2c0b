"""What only a CUDA GPU can show: every learner trains and votes there under every noise, and a seed gives it again."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from rsbd import AnyPatch, AnyPixels, Smoothing, collect
from rsbd.data import Dataset
from rsbd.ensemble.one_model import FixedModel, stream_confidences
from rsbd.learners import CNN, LDA, MLP, HashedTestNoise, Linear, Module, ResNet, RobustLinear
from rsbd.noises import Bagging, Flip, Gaussian, Uniform

# The environment may name another device, such as cpu: slow, but the tests themselves can then be tried anywhere.
DEVICE = os.environ.get("RSBD_TEST_DEVICE", "cuda")
pytestmark = pytest.mark.skipif(DEVICE == "cuda" and not torch.cuda.is_available(), reason="needs a CUDA GPU")

LABELS = Flip(0.9, 3)
SETTINGS = {
    "lengths": (None, Smoothing(features=Gaussian(0.5), test=Gaussian(0.7))),
    "bits": (2, Smoothing(None, Flip(0.8), LABELS, Flip(0.8))),
    "levels and bags": (5, Smoothing(Bagging(150), Flip(0.8, 5), LABELS, Flip(0.8, 5))),
    "small bags": (None, Smoothing(Bagging(20), Uniform(1), LABELS)),
}


def own() -> nn.Module:
    layers = nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
    return nn.Sequential(*layers, nn.Linear(196, 3))


def learners():
    yield from (Linear(), LDA())
    for precision in ("float32", "bfloat16"):
        kept = {"epochs": 2, "batch": 32, "precision": precision}
        yield from (MLP((8, 6), **kept), CNN((3, 4), 8, kernel=3, **kept), ResNet(width=4, **kept))
        yield Module(own, **kept)


def images(values: int | None) -> Dataset:
    numbers = np.random.default_rng(0)
    x, y = numbers.random((200, 16, 16)), numbers.integers(0, 3, 200)
    x[np.arange(200), y] = 1  # something to learn
    x = x if values is None else np.round(x * (values - 1)) / (values - 1)
    return Dataset("images", x, y, x[:20], y[:20], ("a", "b", "c"), values)


@pytest.mark.parametrize("learner", [Linear(), LDA(), RobustLinear()], ids=lambda learner: type(learner).__name__)
def test_votes_are_held_against_triggers(learner):
    data, triggers = images(None), [AnyPatch(2), AnyPatch(3, (1, 1)), AnyPixels(2)]
    there, here = (
        collect(data, Smoothing(Bagging(20)), learner, data.x_test, 64, device=device, triggers=triggers)
        for device in (DEVICE, "cpu")
    )
    assert (there.kept <= there.counts).all()
    assert 0 < there.kept.sum() < there.counts.sum() * len(triggers)
    assert abs(there.kept.sum() / here.kept.sum() - 1) < 0.1  # a GPU draws other bags


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("learner", list(learners()), ids=lambda learner: type(learner).__name__)
def test_every_learner_works_and_repeats_itself_under_every_noise(learner, setting):
    values, smoothing = SETTINGS[setting]
    data = images(values)
    first, again = (collect(data, smoothing, learner, data.x_test, 40, device=DEVICE).counts for _ in range(2))
    assert (first == again).all()
    assert (first.sum(axis=1) == 40).all()
    if smoothing.test is not None:
        scores = np.concatenate(
            list(stream_confidences(data, smoothing, learner, data.x_test, range(4), device=DEVICE))
        )
        assert np.isfinite(scores).all()
        hashed = HashedTestNoise(learner, smoothing.test)
        collect(data, replace(smoothing, test=None), hashed, data.x_test, 8, device=DEVICE)
        model = FixedModel.train(data, smoothing.test, learner, device=DEVICE)
        assert (model.votes(data.x_test, range(8)).counts.sum(axis=1) == 8).all()
