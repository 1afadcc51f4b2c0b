"""Answers by masks: every patch of tiny images, against base classifiers that depend on all bits in no sensible way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from problems import digits
from sklearn.linear_model import LogisticRegression
from torch import Generator, Tensor

from rsbd import AnyPatch, AnyPixels, Bagging, Smoothing, collect
from rsbd.bounds import kept_votes
from rsbd.certify import radius
from rsbd.data import load
from rsbd.errors import InputError
from rsbd.evasion import AnyTrigger
from rsbd.learners import MLP, Learner, Linear, Models, Problem, Sklearn, TwoMask, randomness
from rsbd.learners.checked import find_reached, predict_labels
from rsbd.learners.two_mask import UnderMasks, hidden_by_masks
from rsbd.noises import Flip, Noise


@dataclass(frozen=True)
class Table(Models):
    """Any label for any image of bits."""

    labels: Tensor  # (models, images)

    def predict(self, x: Tensor, noise: Noise | None, generators: Sequence[Generator]) -> Tensor:
        return self.labels[:, (x.long() * 2 ** torch.arange(x.shape[1])).sum(1)]


@dataclass(frozen=True)
class Hostile(Learner):
    """Mostly the class of the model, and another one for a share of the images that differs between models."""

    classes: int
    name = "hostile"

    def train(self, problem: Problem, generators: Sequence[Generator]) -> Table:
        images = 2 ** problem.x.shape[1]
        drawn = [torch.rand(2, images, generator=generator) for generator in generators]
        share = torch.linspace(0, 0.4, len(generators))
        other = (torch.stack([d[1] for d in drawn]) * self.classes).long()
        usual = torch.arange(len(generators))[:, None] % self.classes
        return Table(torch.where(torch.stack([d[0] for d in drawn]) < share[:, None] ** 2, other, usual))


def every_image(shape: tuple[int, ...]) -> Tensor:
    return torch.tensor(list(product((0.0, 1.0), repeat=int(np.prod(shape)))))


@pytest.mark.parametrize(
    ("shape", "side", "masks", "triggers"),
    [
        ((3, 3), 1, 2, [AnyPatch(1), AnyPixels(1), AnyPatch(1, (2, 0))]),
        ((3, 3), 2, 2, [AnyPatch(2), AnyPatch(1), AnyPatch(2, (1, 0)), AnyPatch(1, (1, 1))]),
        ((1, 8), 1, 3, [AnyPatch(1)]),
        ((2, 2, 2), 1, 2, [AnyPatch(1), AnyPixels(1)]),  # two channels
    ],
    ids=str,
)
@pytest.mark.parametrize("classes", [2, 3])
def test_no_patch_leads_to_a_class_that_is_said_to_be_out_of_reach(
    shape: tuple[int, ...], side: int, masks: int, triggers: list[AnyTrigger], classes: int
) -> None:
    """Every image, every content of every window; how often a vote that stays is said to stay."""
    x, number = every_image(shape), 12
    problem = Problem(x[:4], torch.arange(4) % classes, classes, 2, shape, Smoothing())
    streams = randomness.generators(0, range(number))
    models = TwoMask(Hostile(classes), side, masks).train(problem, streams)
    labels = predict_labels(models, x, None, streams)
    for trigger, reached in zip(triggers, find_reached(models, x, labels, triggers, shape, classes), strict=True):
        truly = torch.zeros_like(reached)
        for window in trigger.groups(shape)[0]:
            for content in every_image((len(window),)):
                changed = x.clone()
                changed[:, torch.tensor(window)] = content
                found = predict_labels(models, changed, None, streams)
                truly |= torch.nn.functional.one_hot(found, classes).bool()
        assert not (truly & ~reached).any()
        kept, stays = reached.sum(2) == 1, truly.sum(2) == 1
        assert kept.any()
        assert not kept.all()
        assert (kept & stays).sum() >= 0.5 * stays.sum(), (trigger, float(kept.float().mean()))


@pytest.mark.parametrize("shape", [(28, 28), (3, 9, 7), (5, 12)])
@pytest.mark.parametrize(("side", "masks"), [(1, 1), (3, 2), (3, 3), (5, 4), (5, 9)])
def test_every_window_lies_within_a_mask(shape: tuple[int, ...], side: int, masks: int) -> None:
    hidden = hidden_by_masks(shape, side, masks)
    groups, _ = AnyPatch(side).groups(shape)
    assert hidden[:, torch.tensor(groups)].all(2).any(0).all()
    assert len(hidden) <= masks**2
    if len(shape) == 3:
        assert torch.equal(hidden.view(len(hidden), 3, -1)[:, 0], hidden.view(len(hidden), 3, -1)[:, 2])


def test_rows_are_learned_under_two_masks_and_their_noise() -> None:
    x = torch.ones(400, 64)
    noise = UnderMasks(None, (8, 8), 2, 2)
    seen = noise.sample(x, Generator().manual_seed(0))
    assert (x == 1).all()
    hidden = hidden_by_masks((8, 8), 2, 2)
    pairs = {tuple((~(a | b)).float().tolist()) for a in hidden for b in hidden}
    assert {tuple(row) for row in seen.tolist()} == pairs
    flipped = UnderMasks(Flip(0), (8, 8), 2, 2).sample(x, Generator().manual_seed(0))
    assert not flipped.any()
    assert noise.shift(1).upper(0.0) == 1  # it promises nothing


@pytest.mark.parametrize(
    "learner", [Linear(), MLP((8,), epochs=20), Sklearn(LogisticRegression(C=0.1), name="first")], ids=repr
)
def test_votes_of_any_learner_are_held_against_patches(learner: Learner) -> None:
    data = load("digits", classes=(0, 1), points=30)
    smoothing, triggers = Smoothing(rows=Bagging(60)), (AnyPatch(1), AnyPatch(3))
    if not isinstance(learner, Linear):
        with pytest.raises(InputError, match="it is not known"):
            collect(data, smoothing, learner, data.x_test, 2, triggers=triggers)
    votes = collect(data, smoothing, TwoMask(learner, 3), data.x_test, 16, triggers=triggers)
    small, large = votes.kept
    assert (small >= large).all()
    assert large[range(30), data.y_test].mean() > 16 * 0.5
    certificate = radius(kept_votes(votes.against(AnyPatch(3)), 0.01), smoothing, num_rows=data.num_rows)
    assert certificate.trigger == AnyPatch(3)
    assert certificate.accuracy(data.y_test) > 0.2


def test_answers_follow_points_that_change_in_place() -> None:
    problem, points, _ = digits(Smoothing(rows=Bagging(20)))
    streams = randomness.generators(0, range(4))
    models = TwoMask(Linear(), 2).train(problem, streams)
    x = points[:20].clone()
    first = models.predict(x, None, streams)
    x[:] = points[20:40]
    assert torch.equal(models.predict(x, None, streams), models.predict(points[20:40], None, streams))
    assert not torch.equal(models.predict(x, None, streams), first)


def problem_of(shape: tuple[int, ...], **slots: Any) -> Problem:
    return Problem(torch.rand(4, int(np.prod(shape))), torch.arange(4) % 2, 2, None, shape, Smoothing(**slots))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TwoMask(Linear(), 0), "side is 0"),
        (lambda: TwoMask(Linear(), 3, masks=1.5), "masks is 1.5"),
        (lambda: TwoMask(Linear(), 2).train(problem_of((9,)), []), "no images"),
        (lambda: TwoMask(Linear(), 5).train(problem_of((4, 4)), []), "5x5"),
        (lambda: TwoMask(Linear(), 2).train(problem_of((4, 4), test=Flip(0.8)), []), "carries .* and masks"),
    ],
)
def test_bad_input_is_named(make: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize("trigger", [AnyPatch(6), AnyPixels(2)])
def test_triggers_that_no_mask_hides_are_refused(trigger: AnyTrigger) -> None:
    problem = problem_of((8, 8))
    streams = randomness.generators(0, range(2))
    models = TwoMask(Linear(), 2, 2).train(problem, streams)
    labels = models.predict(problem.x, None, streams)
    with pytest.raises(InputError, match="not always within a mask"):
        next(models.reach(problem.x, labels, [trigger], (8, 8)))
