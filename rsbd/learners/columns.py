"""Shows each model one group of the pixels, drawn at random."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import torch
from torch import Generator, Tensor

from rsbd.errors import InputError, check_whole
from rsbd.learners.base import Learner, Models, Problem
from rsbd.learners.checked import of_the_user, predict_labels, train_models
from rsbd.noises import Noise, Partition
from rsbd.noises.bagging import draw_words


@dataclass(frozen=True)
class Columns(Learner):
    """Any learner, for models that each see one of ``groups`` disjoint groups of the pixels.

    A model draws its group before anything else, every group with the same probability. If some pixels change in any
    rows and in the test input, a model whose group holds none of them notices nothing.

    Parameters
    ----------
    learner : Learner
        The learner. It is shown features without the shape of an image.
    groups : int
        Number of groups, which are dealt out in a fixed order. All channels of a pixel are in one group.

    Raises
    ------
    InputError
        ``groups`` is not a whole number of at least 1; in training: there are more groups than pixels.
    """

    learner: Learner
    groups: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "groups", check_whole("groups", self.groups, 1))

    def train(self, problem: Problem, generators: Sequence[Generator]) -> "ColumnModels":
        """Train one model per generator, group by group."""
        channels = prod(problem.shape[:-2])
        pixels = problem.x.shape[1] // channels
        if self.groups > pixels:
            raise InputError(f"{self.groups} groups of {pixels} pixels", "give at most one group for each pixel")
        shares = Partition(self.groups, deal="position").shares(pixels)
        drawn = [int(draw_words(1, generator)) % self.groups for generator in generators]
        parts = []
        for group in sorted(set(drawn)):
            who = [i for i, own in enumerate(drawn) if own == group]
            seen = torch.cat([torch.from_numpy(shares[group]) + c * pixels for c in range(channels)])
            part = replace(problem, x=problem.x[:, seen.to(problem.x.device)], shape=(len(seen),))
            parts.append((who, seen, train_models(self.learner, part, [generators[i] for i in who])))
        return ColumnModels(parts)


@dataclass(frozen=True)
class ColumnModels(Models):
    """Trained models: for each group their numbers, the features that they see, and the models."""

    parts: Sequence[tuple[list[int], Tensor, Models]]

    @property
    def users_code(self) -> bool:  # type: ignore[override]
        """True if code runs inside that is not of this package."""
        return any(of_the_user(models) for *_, models in self.parts)

    def predict(self, x: Tensor, noise: Noise | None, generators: Sequence[Generator]) -> Tensor:
        """Label every point with every model: shape (models, points)."""
        labels = torch.empty(len(generators), len(x), dtype=torch.int64, device=x.device)
        for who, seen, models in self.parts:
            own = x[:, seen.to(x.device)]
            labels[who] = predict_labels(models, own, noise, [generators[i] for i in who])
        return labels
