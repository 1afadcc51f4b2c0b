"""The recipe pecan: one ensemble for several triggers, bags of several kinds, and attacks that are carried out."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
import pytest
import torch

from rsbd import AnyPatch, AnyPixels, Dataset, Linear, RobustLinear, Smoothing, Threat, bounds, collect, load, radius
from rsbd.errors import InputError
from rsbd.evasion import AnyTrigger
from rsbd.learners import Learner, Models, Problem, randomness
from rsbd.noises import Bagging, ClassBagging, Noise, Partition
from rsbd.recipes import dpa, pecan

NUM = 200


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits", classes=(0, 1), points=30, side=8)


def test_its_steps(digits: Dataset) -> None:
    noise, triggers = Smoothing(rows=Bagging(6)), [AnyPatch(1), AnyPatch(2)]
    found = pecan(digits, triggers, 6, num_models=NUM, seed=2, points="all")
    votes = collect(digits, noise, RobustLinear(), digits.x_test, NUM, seed=2, triggers=triggers)
    known = [bounds.kept_votes(votes.against(trigger), 0.001, points="all") for trigger in triggers]
    assert np.array_equal(found.bounds.miss, known[0].miss)
    assert np.array_equal(found.certificate.radius, radius(known[0], noise, num_rows=digits.num_rows).radius)
    assert (found.certificate.trigger, found.certificate.points) == (AnyPatch(1), "all")
    table = found.map(digits.y_test, [0, 2, 8])
    assert table.shape == (3, 2)
    assert table[1, 0] == found.certificate.accuracy(digits.y_test, 2) > 0.5
    assert (table[:, 0] >= table[:, 1]).all()
    held = found.certify(Threat(2, AnyPatch(2))) & (votes.label == digits.y_test)
    assert held.mean() == table[1, 1]
    assert (found.certify(Threat(2, AnyPatch(1))) >= found.certify(Threat(2, AnyPatch(2)))).all()
    assert (found.certify(Threat(2, on_test=False)) >= found.certify(Threat(2, AnyPatch(1)))).all()
    with pytest.raises(InputError, match="puts any 3x3 patch anywhere on the test input"):
        found.certify(Threat(2, AnyPatch(3)))


def test_windows_prove_more_on_large_patches(digits: Dataset) -> None:
    """The attacker must choose one window for all models, and pays for it."""
    triggers = [AnyPatch(2), AnyPatch(2, (0, 0))]
    everywhere = pecan(digits, triggers, 6, learner=Linear(), num_models=NUM)
    each = pecan(digits, triggers, 6, learner=Linear(), num_models=NUM, by_window=True)
    assert (each.bounds.miss <= everywhere.bounds.miss).all()
    assert each.map(digits.y_test, [0])[0, 0] > everywhere.map(digits.y_test, [0])[0, 0]
    corner = [found.held[AnyPatch(2, (0, 0))].miss for found in (everywhere, each)]
    assert np.array_equal(*corner)
    assert (corner[0] <= each.bounds.miss).all()


def test_bags_by_class_and_tables(digits: Dataset) -> None:
    by_class = pecan(digits, AnyPatch(1), ClassBagging.of(digits, 3), num_models=NUM)
    unless_given = pecan(digits, AnyPatch(1), num_models=2)
    assert unless_given.smoothing == Smoothing(rows=ClassBagging.of(digits))
    assert by_class.certificate.accuracy(digits.y_test, 3) > 0.5
    table = load("breast_cancer", points=30)
    found = pecan(table, [AnyPixels(1), AnyPixels(3)], num_models=NUM, bag=10)
    shares = found.map(table.y_test, [0, 3])
    assert (shares[:, 0] >= shares[:, 1]).all()
    with pytest.raises(InputError, match="no images: use AnyPixels"):
        pecan(table, AnyPatch(1))


def test_many_classes_bound_the_runner_up() -> None:
    digits = load("digits", points=20, side=8)
    found = pecan(digits, AnyPatch(1), bag=40, learner=Linear(), num_models=NUM)
    assert (found.bounds.runner_up <= found.bounds.miss).all()
    assert (found.bounds.runner_up < found.bounds.miss).any()


def test_without_a_trigger_there_is_another_recipe(digits: Dataset) -> None:
    with pytest.raises(InputError, match="no trigger"):
        pecan(digits, [])


@dataclass(frozen=True)
class Oddly(Models):
    """One label for most points; what a trigger can do is found by trying."""

    usual: int
    code: int

    def predict(self, x: torch.Tensor, noise: Noise | None, generators: Sequence[torch.Generator]) -> torch.Tensor:
        seen = (x * 2 ** torch.arange(x.shape[1])).sum(1).long()
        return torch.where(seen == self.code, 1 - self.usual, self.usual)[None]

    def reach(
        self, x: torch.Tensor, labels: torch.Tensor, triggers: Sequence[AnyTrigger], shape: tuple[int, ...]
    ) -> Iterator[torch.Tensor]:
        for _trigger in triggers:
            reached = torch.nn.functional.one_hot(labels, 2).bool()
            for pixel, content in product(range(x.shape[1]), (0.0, 1.0)):  # of any pixel
                changed = x.index_fill(1, torch.tensor([pixel]), content)
                reached |= torch.nn.functional.one_hot(self.predict(changed, None, []), 2).bool()
            yield reached


@dataclass(frozen=True)
class Odd(Learner):
    """The label of the first row, but for one image that depends on every bit of the part."""

    name = "odd"

    def train(self, problem: Problem, generators: Sequence[torch.Generator]) -> Oddly:
        bits = torch.cat([problem.x, problem.y[:, None]], dim=1).flatten().long()
        return Oddly(int(problem.y[0]), int((bits * torch.arange(1, len(bits) + 1)).sum() * 5 % 13))


def test_no_row_changed_in_place_and_no_trigger_change_a_certified_vote_of_parts() -> None:
    """Every change of any one of six rows of three pixels, with every content of every pixel of the point."""
    partition, trigger = Partition(3, deal="position"), AnyPixels(1)
    kinds = list(product((0.0, 1.0), repeat=3))
    points = np.array(kinds, np.float32)
    near = (points[:, None] != points).sum(2) <= 1
    members, rng = partition.members(points[:6], np.zeros(6)), np.random.default_rng(0)
    certified = broken = 0
    for _ in range(3):
        x, y = rng.integers(0, 2, (6, 3)).astype(np.float32), np.zeros(6, np.int64)
        y[[part[0] for part in members]] = 1  # all parts hold two classes, and the first row says which is usual
        data = Dataset("tiny", x, y, points, np.zeros(8), ("a", "b"), values=2)
        own = pecan(data, trigger, parts=partition, learner=Odd()).certificate
        turned = np.zeros((2, 8), dtype=bool)
        for row, pixels, label in [(0, tuple(x[0]), y[0]), *product(range(6), kinds, (0, 1))]:
            new_x, new_y = x.copy(), y.copy()
            new_x[row], new_y[row] = pixels, label
            changed = int((new_x != x).any() or (new_y != y).any())
            said = dpa(data.replace(x=new_x, y=new_y), 3, deal="position", learner=Odd()).labels
            now = np.stack([(said == c).sum(0) for c in (0, 1)]).argmax(0)
            turned[changed] |= (near & (now != own.label[:, None])).any(1)
        assert not turned[0][own.radius >= 0].any()
        assert not turned[1][own.radius >= 1].any()
        certified += (own.radius >= 1).sum()
        broken += turned[0][own.radius < 0].sum()
    assert certified
    assert broken


def test_parts_hold_their_votes_against_triggers(digits: Dataset) -> None:
    triggers = [AnyPatch(1), AnyPatch(2)]
    found = pecan(digits, triggers, parts=30)
    plain = Partition(30).radius(found.labels, 2)[1]
    small, large = (found.held[trigger] for trigger in triggers)
    assert found.certificate is small
    assert (plain >= small.radius).all()
    assert (small.radius >= large.radius).all()
    assert (small.norm, small.trigger, small.alpha) == ("rows in or out", AnyPatch(1), 0)
    assert np.array_equal(found.changed.radius, small.radius // 2)
    assert found.map(digits.y_test, [0, 4])[1, 0] == small.accuracy(digits.y_test, 4) > 0.5
    in_place = pecan(digits, triggers, parts=Partition(30, deal="position"))
    assert in_place.certificate.norm == "rows in place"
    assert np.array_equal(in_place.changed.radius, in_place.certificate.radius)
    anywhere, each = (pecan(digits, AnyPatch(3), parts=12, learner=Linear(), by_window=w) for w in (False, True))
    assert (each.certificate.radius >= anywhere.certificate.radius).all()
    assert (each.certificate.radius > anywhere.certificate.radius).any()
    with pytest.raises(InputError, match="bag is 6 and parts 30"):
        pecan(digits, triggers, 6, parts=30)


def test_parts_are_asked_together_as_each_by_itself(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    few = digits.replace(x_test=digits.x_test[:20], y_test=digits.y_test[:20])
    together = pecan(few, [AnyPatch(2), AnyPixels(2)], parts=12)
    monkeypatch.setattr(sys.modules["rsbd.recipes.pecan"], "is_own", lambda models: False)
    alone = pecan(few, [AnyPatch(2), AnyPixels(2)], parts=12)
    assert (together.certificate.radius >= 0).any()
    for trigger, one in together.held.items():
        assert np.array_equal(one.radius, alone.held[trigger].radius)


@pytest.mark.slow
def test_an_attack_that_is_carried_out_turns_no_certified_prediction(digits: Dataset) -> None:
    """Rows become copies of the attacked point with the other label, and the point carries each trigger in turn."""
    rows, noise, trigger = 8, Smoothing(rows=Bagging(6)), AnyPatch(2)
    found = pecan(digits, trigger, 6, num_models=1000)
    held = found.certify(Threat(rows, trigger)) & (found.bounds.label == digits.y_test)
    assert held.sum() >= 3
    for point in np.flatnonzero(held)[:3]:
        x, y = digits.x.copy(), digits.y.copy()
        x[:rows], y[:rows] = digits.x_test[point], 1 - digits.y_test[point]
        poisoned = digits.replace(x=x, y=y)
        streams = randomness.generators(1, range(500), "cpu")
        models = RobustLinear().train(Problem.of(poisoned, noise), streams)
        predict = partial(models.predict, noise=None, generators=streams)
        groups, _ = trigger.groups(digits.shape)
        for fill in (0.0, 1.0):
            attacked = torch.tensor(digits.x_test[point]).flatten().repeat(len(groups), 1)
            attacked[torch.arange(len(groups))[:, None], torch.tensor(groups)] = fill
            right = (predict(attacked) == int(digits.y_test[point])).float().mean(0)
            assert float(right.min()) > 0.5
