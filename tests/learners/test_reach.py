"""What triggers can do to models: claimed before, and then tried with the models' own arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
import torch
from problems import digits
from torch import Tensor

from rsbd import AnyPatch, AnyPixels, Bagging, Smoothing
from rsbd.errors import InputError
from rsbd.evasion import AnyTrigger
from rsbd.learners import LDA, MLP, Learner, Linear, RobustLinear, randomness
from rsbd.learners.base import LinearScores, Models
from rsbd.learners.checked import find_reached

LEARNERS = [Linear(), Linear(shrinkage=0), LDA(), RobustLinear(), RobustLinear(belief=None)]
TRIGGERS: list[AnyTrigger] = [AnyPatch(1), AnyPatch(2), AnyPatch(3, (2, 4)), AnyPixels(1), AnyPixels(3)]


def trained(learner: Learner, bag: int = 20, models: int = 8, classes: int = 10) -> tuple[Models, Tensor]:
    """Return models of bags of digits, some of which lack a class, and test points."""
    problem, points, labels = digits(Smoothing(rows=Bagging(bag)))
    few = problem.y < classes
    problem = replace(problem, x=problem.x[few], y=problem.y[few], num_classes=classes)
    streams = randomness.generators(0, range(models), "cpu")
    return learner.train(problem, streams), points[labels < classes][:40]


@pytest.mark.parametrize("learner", LEARNERS, ids=repr)
@pytest.mark.parametrize("bag", [3, 30])
def test_scores_are_linear_up_to_the_stated_error(learner: Learner, bag: int) -> None:
    models, points = trained(learner, bag)
    assert isinstance(models, LinearScores)
    weights, bias, error = models.linear()
    x = torch.cat([points, torch.rand(20, 64), torch.randint(0, 2, (20, 64)).float(), torch.ones(1, 64)])
    streams = randomness.generators(0, range(8), "cpu")
    exact = weights.double() @ x.double().T + bias.double()[..., None]
    found = models.scores(x, None, streams).double()
    out = found == -torch.inf
    assert ((found - exact).abs() <= error[..., None])[~out].all()
    assert (exact < exact.max(1, keepdim=True).values - 1)[out].all()
    assert (error <= 1e-4 * (weights.abs().sum(-1) + bias.abs() + 1)).all()


def versions(point: Tensor, trigger: AnyTrigger, weights: Tensor, label: int) -> Tensor:
    """Return triggered versions of a point: the worst for each rival at each place, and some with random contents."""
    groups, changes = trigger.groups((8, 8))
    found = [point]
    for rival in range(len(weights)):
        d = weights[label] - weights[rival]
        best = (d < 0).float()  # the content that helps the rival most
        loss = (d * point - d * best)[torch.tensor(groups)].sum(1)
        chosen = torch.tensor(groups[loss.topk(changes).indices].reshape(1, -1) if changes > 1 else groups)
        for cells in chosen:
            for content in (best, torch.rand(64)):
                found.append(point.clone())
                found[-1][cells] = content[cells]
    return torch.stack(found)


@pytest.mark.parametrize("learner", LEARNERS, ids=repr)
@pytest.mark.parametrize("classes", [2, 4])
def test_no_trigger_reaches_a_class_that_is_said_to_be_out_of_reach(learner: Learner, classes: int) -> None:
    models, points = trained(learner, bag=8, models=4, classes=classes)
    assert isinstance(models, LinearScores)
    streams = randomness.generators(0, range(4), "cpu")
    labels = models.predict(points, None, streams)
    weights, shares = models.linear()[0], []
    for trigger, reached in zip(TRIGGERS, find_reached(models, points, labels, TRIGGERS, (8, 8), classes), strict=True):
        there = torch.zeros_like(reached)
        for model in range(4):
            for i in range(0, len(points), 10):
                attacked = versions(points[i], trigger, weights[model], int(labels[model, i]))
                answers = models.predict(attacked, None, streams)[model]
                there[model, i] = torch.nn.functional.one_hot(answers, classes).bool().any(0)
        assert not (there & ~reached).any()
        tried = reached[:, ::10]
        shares.append(float((there[:, ::10] & tried).sum() / tried.sum()))
    assert min(shares) > (0.999 if classes == 2 else 0.8)  # with two classes nothing is counted that is not found


def test_models_that_do_not_know_say_so() -> None:
    models, points = trained(MLP(epochs=1), models=1)
    with pytest.raises(InputError, match=r"which votes of .* a trigger can move: use a learner with linear scores"):
        list(find_reached(models, points, torch.zeros(1, len(points), dtype=torch.int64), TRIGGERS, (8, 8), 10))


@dataclass(frozen=True)
class Claims(Models):
    """Models of a user, who claims something about them."""

    claimed: tuple[Tensor, ...]

    def predict(self, x, noise, generators):
        return torch.zeros(len(generators), len(x), dtype=torch.int64)

    def reach(self, x, labels, triggers, shape):
        yield from self.claimed


@pytest.mark.parametrize(
    ("claimed", "message"),
    [
        ([torch.ones(2, 3, 4)], "shape"),
        ([torch.zeros(2, 3, 5, dtype=torch.bool)], "own labels"),
        ([], "0 triggers"),
        ([torch.ones(2, 3, 5, dtype=torch.bool)] * 2, "2 triggers"),
    ],
)
def test_claims_of_the_wrong_form_are_refused(claimed: list[Tensor], message: str) -> None:
    x, labels = torch.zeros(3, 64), torch.zeros(2, 3, dtype=torch.int64)
    with pytest.raises(InputError, match=message):
        list(find_reached(Claims(tuple(claimed)), x, labels, [AnyPatch(1)], (8, 8), 5))
