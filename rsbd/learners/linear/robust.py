"""Trains linear models on few rows whose votes a trigger hardly moves: ridge under a belief, with clipped weights."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor

from rsbd.errors import InputError
from rsbd.evasion.linear import forward_error
from rsbd.learners.base import Learner, Problem, ScoringModels
from rsbd.learners.linear.belief import Handwriting
from rsbd.learners.linear.linear import LinearModels
from rsbd.noises import Noise
from rsbd.noises.base import Channel

_HANDWRITING, _NOTHING = Handwriting(), Handwriting(turn=0, slant=0, shift=0, scale=0, blur=0)


@dataclass(frozen=True)
class RobustLinear(Learner):
    """Learn from few rows with evenly spread weights, so that no small trigger moves a vote.

    A model of a small bag lives on what it believes beforehand. Ridge regression is fitted to rows that are averaged
    over all that the belief takes for alike, and its weights are averaged in the same way. Then the largest weights are
    clipped: a patch can move a score by the weights under it at most, and the many others outvote them. The boundary
    lies half way between the class means of the rows, blurred as the belief says.

    Parameters
    ----------
    belief : Handwriting or None
        How images of a class differ, fixed before any data are seen. None: nothing is known, as of photographs. Inputs
        that are not images have none.
    ridge : float
        Penalty on the weights, in units of the mean square of a row.
    clip : float
        Share of the weights of a class that keep their size; all others get the largest size among these.

    Raises
    ------
    InputError
        ``ridge`` is not above 0 or ``clip`` is not in (0, 1].

    Notes
    -----
    A vote that no trigger can move is exact for linear models, see :func:`rsbd.kept`; this learner changes how many
    votes there are of this kind, and never what they prove. The defaults were chosen on held-out training rows of MNIST
    1 against 7 and of digits 0 against 1: a certificate holds for any settings that were fixed before looking at the
    data that it certifies.

    References
    ----------
    After the defences of PECAN: Zhang, Albarghouthi, D'Antoni, "PECAN: A Deterministic Certified Defense Against
    Backdoor Attacks", 2023, with linear models for which the certificate of a vote is exact.

    Examples
    --------
    >>> from rsbd.data import load
    >>> from rsbd.noises import Bagging, Smoothing
    >>> from rsbd import collect
    >>> digits = load("digits", classes=(0, 1), points=50)
    >>> votes = collect(digits, Smoothing(rows=Bagging(6)), RobustLinear(), digits.x_test, num_models=100)
    >>> bool((votes.counts.argmax(1) == digits.y_test).mean() > 0.9)
    True
    """

    in_double: ClassVar[bool] = True
    belief: Handwriting | None = _HANDWRITING
    ridge: float = 1.0
    clip: float = 0.3

    def __post_init__(self) -> None:
        if not 0 < self.ridge < math.inf:
            raise InputError(f"ridge is {self.ridge!r}", "give a number above 0")
        if not 0 < self.clip <= 1:
            raise InputError(f"clip is {self.clip!r}, but it is a share", "give a number above 0, at most 1")

    def train(self, problem: Problem, generators: Sequence[Generator]) -> "RobustModels":
        """Train one model per generator."""
        noise = problem.smoothing.features
        channel = Channel() if noise is None else noise.channel()
        scale = channel.scale if abs(channel.scale) > 1e-9 else math.inf  # noise that hides everything: weights 0
        x, y = problem.noised_many(generators)
        x = x.sub_(channel.offset).div_(scale)
        members = torch.nn.functional.one_hot(y, problem.num_classes).to(x)

        sizes = members.sum(1)
        present = (sizes > 0).to(x)
        share = present / present.sum(1, keepdim=True)
        means = (members / sizes.clamp(min=1)[:, None]).mT @ x
        centre = share[:, None] @ means  # half way between the classes: (models, 1, features)
        belief, shape = self.belief or _NOTHING, problem.shape
        weights = _fit_ridge(belief.average(x - centre, shape), members - share[:, None], self.ridge)
        weights = belief.average(weights, shape, back=True)
        keep = math.ceil(self.clip * weights.shape[-1])
        size = weights.abs()
        largest = size.kthvalue(keep, dim=-1, keepdim=True).values
        largest = torch.where(largest > 0, largest, size.amax(-1, keepdim=True))  # clip nothing to 0
        weights = weights.clamp(-largest, largest).float()
        halfway = belief.blurred(centre, shape).expand_as(weights).float()
        # A class without rows scores less than any other one.
        handicap = (1 - present.float()) * (1 + 4 * weights.abs().sum((1, 2)))[:, None]
        return RobustModels(weights, halfway, handicap)

    def block_size(self, problem: Problem) -> int:
        """Return as many models as keep their rows and the matrices to invert within about 100 MB."""
        rows, features = problem.num_rows, problem.x.shape[1]
        return max(1, min(256, 2**24 // (rows * features + min(rows, features) ** 2)))


def _fit_ridge(x: Tensor, targets: Tensor, ridge: float) -> Tensor:
    """Return the weights (models, classes, features) of ridge regression of targets (models, rows, classes) on rows."""
    penalty = (ridge + 1e-5) * x.square().sum(-1).mean(-1) + 1e-20  # not 0, even if all rows are equal
    few = x.shape[1] <= x.shape[2]
    gram = x @ x.mT if few else x.mT @ x
    gram.diagonal(dim1=1, dim2=2).add_(penalty[:, None])
    inverse = torch.linalg.cholesky(gram)
    if few:
        return torch.cholesky_solve(targets, inverse).mT @ x
    return torch.cholesky_solve(x.mT @ targets, inverse).mT


@dataclass(frozen=True)
class RobustModels(LinearModels):
    """Trained weights and points half way, and a number for each class that is taken from its score.

    Parameters
    ----------
    handicap : Tensor
        Shape (models, classes): 0, or above every score for a class without rows.
    """

    predict = ScoringModels.predict  # by the scores, and not by those of linear models
    handicap: Tensor

    def scores(self, x: Tensor, noise: Noise | None, generators: Sequence[Generator]) -> Tensor:
        """Score ``weights . (x - halfway)`` per class, less the handicap."""
        return super().scores(x, noise, generators) - self.handicap[..., None]

    def linear(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return weights, biases and rounding errors; taking the handicap away rounds once more."""
        weights, bias, error = super().linear()
        return weights, bias - self.handicap, error + forward_error(bias.abs() + self.handicap, 4)

    def parameters(self) -> Tensor:
        """Return weights, points half way and handicaps, (models, numbers)."""
        return torch.cat([super().parameters(), self.handicap], dim=1)
