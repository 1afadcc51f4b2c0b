"""Confidences of models in place of votes, and one model that is trained once and asked many times."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from rsbd.data import Dataset, round_inputs
from rsbd.ensemble import blocks, checks, devices, workers
from rsbd.ensemble.votes import Votes
from rsbd.learners import Learner, Models, Problem, determinism, randomness
from rsbd.learners.base import LinearScores
from rsbd.learners.checked import check_repeats, is_own, predict_confidences, predict_labels, train_models
from rsbd.noises import Noise, Smoothing
from rsbd.types import Points, read_points

_CHUNK = 64  # noisy copies handed to a worker at a time
_TOGETHER = 16  # noisy copies that a linear model labels at once


@dataclass(frozen=True)
class FixedModel:
    """A model that was trained once, and the noise through which it sees its inputs.

    The training set carries no noise, so certificates are about changes of the test input, and never about poisoning.

    Parameters
    ----------
    models : Models
        The trained model, a batch of one.
    learner : Learner
        The learner that trained it.
    noise : Noise
        Noise on the test input.
    num_classes : int
        Number of classes.
    seed : int
        Copy ``i`` of the points draws its noise from the stream ``(seed, i + 1)``; the model was trained with stream 0.
    device : str
        Where the model is.
    manifest : dict
        Everything that determines the votes, but for the points.
    """

    models: Models
    learner: Learner
    noise: Noise
    num_classes: int
    seed: int
    device: str
    manifest: dict[str, Any]

    @classmethod
    def train(cls, dataset: Dataset, noise: Noise, learner: Learner, seed: int = 0, device: str = "auto") -> Self:
        """Train one model on rows without noise; the learner is told the noise of the test input."""
        smoothing = Smoothing(test=noise)
        checks.check_settings(dataset, smoothing, 1, seed, learner)
        device = devices.pick_device(device)
        with devices.explain_errors(device, learner), determinism.reproducible():
            problem = Problem.of(dataset, smoothing, device)
            models = train_models(learner, problem, randomness.generators(seed, range(1), device))
        manifest = blocks.describe_run(dataset, smoothing, learner, seed, device) | {"trained": "once, without noise"}
        return cls(models, learner, noise, dataset.num_classes, seed, device, manifest)

    def votes(self, x_test: Points, copies: range) -> Votes:
        """Count the labels of the given noisy copies of each point.

        Guarantee
        ---------
        For each point, votes of different copies are independent draws. (Copy ``i`` of all points may share its noise.)

        Parameters
        ----------
        x_test : ndarray
            Points, shape (points, *shape).
        copies : range
            The numbers of the copies; disjoint ranges are independent.
        """
        x_test = read_points(x_test, "x_test")  # a copy: the caller may change theirs meanwhile
        counts = np.zeros((len(x_test), self.num_classes), np.int64)
        for chunk in self._ask(predict_labels, x_test, copies):
            counts += blocks.count_labels(chunk, self.num_classes)
        manifest = self.manifest | {"points": blocks.hash_points(x_test)}
        return Votes(counts, ((copies.start, copies.stop),), manifest)

    def confidences(self, x_test: Points, copies: range) -> Iterator[Points]:
        """Stream the model's confidence in each class (softmax of its scores): arrays (copies, points, classes).

        Raises
        ------
        InputError
            The model gives labels without scores.
        """
        return (chunk.numpy() for chunk in self._ask(predict_confidences, x_test, copies))

    def _ask(self, question: Callable[..., Tensor], x_test: Points, copies: range) -> Iterator[Tensor]:
        checks.check_points(self.noise, x_test)
        x = torch.tensor(round_inputs(x_test), device=self.device).flatten(1)
        # Linear scores of noised points are exact sums, the same for any number of models, so some are asked together.
        size = _TOGETHER if isinstance(self.models, LinearScores) and is_own(self.models) else 1

        def answer(start: int, number: int = _CHUNK) -> Tensor:
            some = range(start + 1, min(start + number, copies.stop) + 1)
            with devices.explain_errors(self.device, self.learner), determinism.reproducible():
                streams = randomness.generators(self.seed, some, self.device)
                parts = [streams[i : i + size] for i in range(0, len(streams), size)]
                return torch.cat([question(_repeat(self.models, len(own)), x, self.noise, own) for own in parts]).cpu()

        if self.device == "cpu" and len(copies):
            check_repeats(self.learner, lambda: answer(copies.start, 8))
        starts = range(randomness.check_consecutive(copies).start, copies.stop, _CHUNK)
        with workers.thread_pool(self.device) as pool:
            yield from workers.map_in_order(pool, answer, starts)


def _repeat(models: Any, times: int) -> Any:
    """Return a batch of one model as a batch of ``times`` equal models."""
    again = {n: part.expand(times, *part.shape[1:]) for n, part in vars(models).items() if isinstance(part, Tensor)}
    return replace(models, **again) if times > 1 else models


def stream_confidences(
    dataset: Dataset,
    smoothing: Smoothing,
    learner: Learner,
    x_test: Points,
    models: range,
    seed: int = 0,
    device: str = "auto",
) -> Iterator[Points]:
    """Train models, each on its own noised training set, and yield their confidences: arrays (models, points, classes).

    Guarantee
    ---------
    For each point, confidences of different models are independent draws. Model ``i`` is the one of
    :func:`rsbd.ensemble.collect`.

    Parameters
    ----------
    dataset, smoothing, learner, x_test, seed, device
        As in :func:`rsbd.ensemble.collect`.
    models : range
        The numbers of the models; disjoint ranges are independent. Ranges that start at multiples of the learner's
        block size waste no training.

    Raises
    ------
    InputError
        Settings that cannot work, or models that give labels without scores.
    """
    checks.check_settings(dataset, smoothing, max(1, randomness.check_consecutive(models).stop), seed, learner)
    checks.check_points(smoothing.test, x_test)
    task = blocks.Task.of(dataset, smoothing, learner, x_test, seed, devices.pick_device(device))
    size = blocks.models_per_block(task)
    starts = range(models.start // size * size, models.stop, size)

    def answer(start: int) -> Points:
        with devices.explain_errors(task.device, task.learner), determinism.reproducible():
            _, found, _ = blocks.ask_block(task, range(start, start + size), predict_confidences)
            return np.asarray(found.cpu().numpy())

    with workers.thread_pool(device) as pool:
        for start, block in zip(starts, workers.map_in_order(pool, answer, starts), strict=True):
            yield block[max(0, models.start - start) : models.stop - start]
