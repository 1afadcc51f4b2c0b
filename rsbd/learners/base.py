"""Base classes of learners, which train many models at once, each on its own noised copy of the training set."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor

from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.evasion import AnyTrigger, linear
from rsbd.noises import Noise, Smoothing
from rsbd.noises.base import check_drawn
from rsbd.noises.random_bits import plain
from rsbd.types import Shape

_DRAWN = 2**20  # numbers that are noised at a time


@dataclass(frozen=True, eq=False)  # tensors have no truth value, and what is made of a problem is kept with it
class Problem:
    """A training set on its device, and the noise under which models learn from it.

    Parameters
    ----------
    x : Tensor
        Training features, shape (rows, features), float32 in [0, 1] (float64 for learners that know it, on request).
    y : Tensor
        Training labels, shape (rows,), int64.
    num_classes : int
        Number of classes.
    values : int or None
        Number of levels that a feature can take; None when it is continuous.
    shape : tuple of int
        Shape of one input before it was flattened, ``(28, 28)`` for an image.
    smoothing : Smoothing
        Which slots carry which noise.
    """

    x: Tensor
    y: Tensor
    num_classes: int
    values: int | None
    shape: Shape
    smoothing: Smoothing

    @classmethod
    def of(cls, dataset: Dataset, smoothing: Smoothing, device: str = "cpu") -> "Problem":
        """Copy the training rows of a data set to a device; to ``"meta"``, their shapes alone."""
        x = torch.tensor(dataset.x.reshape(dataset.num_rows, -1), device=device)
        y = torch.tensor(dataset.y, device=device)
        return cls(x, y, dataset.num_classes, dataset.values, dataset.shape, smoothing)

    @property
    def num_rows(self) -> int:
        """Number of rows that a model learns from: all, or as many as a bag holds."""
        return len(self.x) if self.smoothing.rows is None else self.smoothing.rows.size

    def noised(self, generator: Generator) -> tuple[Tensor, Tensor]:
        """Draw one noised training set row by row: which rows, then labels, then features.

        Every faster sampler in the package must reproduce this law, or have its trade-off. The tensors are the caller's
        own, who may write on them.
        """
        x, y = self.noised_many([generator])
        return x[0], y[0]

    def noised_many(self, generators: Sequence[Generator]) -> tuple[Tensor, Tensor]:
        """Draw a noised training set for each generator: features (models, rows, features), labels (models, rows)."""
        labels, features = self.smoothing.labels, self.smoothing.features
        if self.smoothing.rows is None:
            x, y = (tensor.expand(len(generators), *tensor.shape) for tensor in (self.x, self.y))
        else:
            bags = self.smoothing.rows.draw(self.y, generators)
            x, y = self.x[bags], self.y[bags]
        y = y.clone() if labels is None else check_drawn(labels, y, labels.sample_many(y, generators), self.num_classes)
        return x.clone() if features is None else check_drawn(features, x, features.sample_many(x, generators)), y


def noised_at_once(problem: Problem, models: int) -> list[range]:
    """Return ranges of models whose noised training sets are drawn at once: more would not fit into a cache."""
    some = max(1, _DRAWN // max(1, problem.num_rows * problem.x.shape[1]))
    return [range(start, min(start + some, models)) for start in range(0, models, some)]


class Models(ABC):
    """A batch of trained models.

    A point's label may depend on the model, on the point under the model's noise, and on nothing else: not on the other
    points that are labelled with it, nor on what was labelled before. All certificates speak of such models.
    """

    @abstractmethod
    def predict(self, x: Tensor, noise: Noise | None, generators: Sequence[Generator]) -> Tensor:
        """Label every point once with every model, each on its own noised copy of the points.

        Parameters
        ----------
        x : Tensor
            Points, shape (points, features).
        noise : Noise or None
            Noise on the test input. Model ``i`` draws it from ``generators[i]``.
        generators : sequence of Generator
            The streams that trained the models, where training left them.

        Returns
        -------
        Tensor
            Labels, shape (models, points), int64.
        """

    def parameters(self) -> Tensor:
        """Return all that training found, one row per model: (models, numbers).

        Models with equal rows make equal predictions.

        Raises
        ------
        InputError
            These models do not expose parameters.
        """
        raise InputError(f"{type(self).__name__} do not expose parameters", "define parameters()")

    def reach(self, x: Tensor, labels: Tensor, triggers: Sequence[AnyTrigger], shape: Shape) -> Iterator[Tensor]:
        """Yield for each trigger the classes that it can make each model answer, and possibly more.

        Guarantee
        ---------
        A class that is missing is the answer of :meth:`predict`, without noise, to no triggered version of the point.

        Parameters
        ----------
        x : Tensor
            Points, shape (points, features). Points with a feature outside [0, 1] reach every class.
        labels : Tensor
            The answers to them, shape (models, points).
        triggers : sequence of AnyTrigger
            What may be written on a point.
        shape : tuple of int
            Shape of a point before it was flattened.

        Yields
        ------
        Tensor
            Bool, shape (models, points, classes). The model's own label is always there; it is alone if it is kept.

        Raises
        ------
        InputError
            It is not known what a trigger can do to these models.
        """
        unknown = f"it is not known which votes of {type(self).__name__} a trigger can move"
        raise InputError(unknown, "use a learner with linear scores, such as Linear() or LDA(), or define reach()")


class ScoringModels(Models):
    """Models that score every class and label a point with the largest score, the first one among equals."""

    @abstractmethod
    def scores(self, x: Tensor, noise: Noise | None, generators: Sequence[Generator]) -> Tensor:
        """Score every class, under the noise that :meth:`predict` would draw.

        Returns
        -------
        Tensor
            Scores, shape (models, classes, points). Their softmax over the classes is the model's confidence; for a
            discriminant or a network trained on cross-entropy, its estimate of the probabilities of the classes.
        """

    def predict(self, x: Tensor, noise: Noise | None, generators: Sequence[Generator]) -> Tensor:
        """Label every point with every model: shape (models, points)."""
        return largest_class(self.scores(x, noise, generators))


def largest_class(scores: Tensor) -> Tensor:
    """Return the class of the largest score, the first one among equals; 0 for a point that has NaN among its scores.

    Scores are (models, classes, points). On a CPU, this takes a third of the time of ``scores.max(1).indices``.
    """
    scores = scores.detach().float() if scores.dtype == torch.bfloat16 else scores.detach()  # numpy lacks bfloat16
    kind = torch.int16 if scores.shape[1] <= 2**14 else torch.int64
    below = torch.as_tensor(plain(scores) < plain(scores.amax(1, True))).to(kind)
    classes = torch.arange(scores.shape[1], dtype=kind, device=scores.device)[:, None]
    return below.mul_(len(classes)).add_(classes).amin(1).long()


class LinearScores(ScoringModels):
    """Models whose scores, without test noise, are linear in the point."""

    @abstractmethod
    def linear(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return weights (models, classes, features) and biases of the scores, and how far rounding moves the scores.

        The last, (models, classes) as the biases are, bounds the difference between :meth:`scores` and exact
        ``weights @ x + biases`` for every ``x`` with features from 0 to 1, in whatever order sums are added. A class
        with a score of minus infinity may have any bias that keeps it below another class.
        """

    def reach(self, x: Tensor, labels: Tensor, triggers: Sequence[AnyTrigger], shape: Shape) -> Iterator[Tensor]:
        """Yield the reached classes by :func:`rsbd.evasion.linear.reached_classes`; see :meth:`Models.reach`."""
        return linear.reached_classes(self.linear(), labels, x, triggers, shape)


class Learner(ABC):
    """A base learner. Subclasses are frozen dataclasses of their settings.

    A learner that is not of this package needs a ``name`` (a field or an attribute of its class) to store votes: its
    settings do not determine what its code does.
    """

    # True if the learner is made for noised data only, so that another one replaces it where nobody defends.
    needs_noise: ClassVar[bool] = False
    # True if code runs inside that is not of this package.
    users_code: ClassVar[bool] = False
    # True if the learner trains in float64 when given float64 rows. Parameters then agree closely on machines that
    # round differently.
    in_double: ClassVar[bool] = False

    @abstractmethod
    def train(self, problem: Problem, generators: Sequence[Generator]) -> Models:
        """Train one model per generator. Model ``i`` may use no randomness but that of ``generators[i]``."""

    def block_size(self, problem: Problem) -> int:
        """Return how many models are trained at a time.

        Ensembles are always computed in whole blocks that start at multiples of this number. Matrix products of
        the same shape round the same way, so a model's votes do not depend on which part of the ensemble was
        asked for. For training on a GPU, the problem's tensors are on ``meta``: they have shapes, but no numbers.
        Learners that wrap another one have its block size.
        """
        inner = getattr(self, "learner", None)
        return inner.block_size(problem) if isinstance(inner, Learner) else 64


def noised_points(x: Tensor, noise: Noise | None, generator: Generator, finely: bool = False) -> Tensor:
    """Return the points under one model's noise, drawn for each point by itself, in a tensor of the caller's own.

    This is for models whose inside is not known. One that looks at all of its points at once, such as one that scales
    them to mean 0, would subtract a noise that they share, and be certified against changes that turn it around. With
    a noise of its own for each point, what such a model sees of the other points is independent of the noise on this
    one. The vote for this point is then the vote of a randomised classifier of the noised training set and the noised
    point alone, models stay independent of each other, and the certificate of the point holds while the other points
    stay as they are. With ``finely``, it is the noise of which others share one draw.

    Drawing costs about 7 ns for each feature of each point: 6 ms a model for 1,000 images of MNIST.
    """
    if noise is None:
        return x.clone()
    return check_drawn(noise, x, (noise.sample_finely if finely else noise.sample)(x, generator))
