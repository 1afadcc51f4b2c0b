"""One piece of an ensemble: what a worker needs to train some models and count their votes, wherever it runs."""

from __future__ import annotations

import hashlib
import json
import math
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rsbd.data import Dataset
from rsbd.ensemble import devices
from rsbd.errors import InputError
from rsbd.learners import Learner, Problem, determinism, identity, randomness
from rsbd.learners.base import lent, train
from rsbd.noises.smoothing import Smoothing
from rsbd.version import __version__

Span = tuple[int, int]
Counted = tuple[NDArray[np.int64], Span, dict[str, float]]


@dataclass(frozen=True)
class Packed:
    """An array of features, one bit each where they are bits: 13,007 MNIST images travel as 1.3 MB."""

    data: NDArray[Any]
    shape: tuple[int, int]
    bits: bool

    @classmethod
    def of(cls, x: NDArray[np.float32], values: int | None) -> Packed:
        """Pack rows of features, (rows, *shape)."""
        flat = np.ascontiguousarray(x, np.float32).reshape(len(x), math.prod(x.shape[1:]))
        bits = values == 2 and bool(((flat == 0) | (flat == 1)).all())
        return cls(np.packbits(flat.astype(bool)) if bits else flat, (len(flat), flat.shape[1]), bits)

    def tensor(self, device: str) -> Tensor:
        """Unpack to float32, (rows, features)."""
        count = self.shape[0] * self.shape[1]
        data = np.unpackbits(self.data, count=count).astype(np.float32) if self.bits else self.data
        return torch.tensor(data.reshape(self.shape), device=device)


@dataclass(frozen=True, eq=False)
class Task:
    """Everything that determines the votes of every model. Small to send, and safe to repeat.

    Tasks are equal where their manifests are, so that a worker unpacks the data once and not for every block.
    """

    x: Packed
    y: NDArray[np.int64]
    x_test: Packed
    num_classes: int
    values: int | None
    shape: tuple[int, ...]
    smoothing: Smoothing
    learner: Learner
    seed: int
    device: str
    manifest: dict[str, Any]

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        smoothing: Smoothing,
        learner: Learner,
        x_test: NDArray[np.float32],
        seed: int,
        device: str,
    ) -> Task:
        """Pack an experiment."""
        points = Packed.of(x_test, dataset.values)
        if points.shape[1] != dataset.num_features:
            raise InputError(
                f"test points have {points.shape[1]} features", f"give {dataset.num_features}, as the training set has"
            )
        manifest = {
            "dataset": dataset.fingerprint(),
            "points": hashlib.sha256(np.ascontiguousarray(x_test, np.float32).data).hexdigest(),
            "smoothing": identity.settings_text(smoothing),
            "learner": identity.settings_text(learner),
            "seed": int(seed),
            "device": torch.device(device).type,
            "rsbd": __version__,
            "torch": torch.__version__.split("+")[0],
            **identity.unnamed_mark(smoothing, learner),
        }
        sizes = (dataset.num_classes, dataset.values, dataset.shape)
        x = Packed.of(dataset.x, dataset.values)
        return cls(x, dataset.y, points, *sizes, smoothing, learner, seed, device, manifest)

    @property
    def key(self) -> str:
        """The manifest and the device, as a string."""
        return f"{self.device} {json.dumps(self.manifest, sort_keys=True)}"

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Task) and self.key == other.key


@lru_cache(maxsize=2)
def problem(task: Task) -> Problem:
    """Put the training set on the device, once: learners keep what they derive from it."""
    device = devices.pick_device(task.device)
    return _problem(task, task.x.tensor(device), torch.tensor(task.y, device=device))


def _problem(task: Task, x: Tensor, y: Tensor) -> Problem:
    return Problem(x, y, task.num_classes, task.values, task.shape, task.smoothing)


@lru_cache(maxsize=2)
def points(task: Task) -> Tensor:
    """Put the test points on the device."""
    return task.x_test.tensor(task.device)


def block_size(task: Task) -> int:
    """How many models are computed at a time: asked also where blocks are handed out and no such device is."""
    if task.device == "cpu":
        return task.learner.block_size(problem(task))
    x, y = (torch.empty(size, device="meta") for size in (task.x.shape, task.x.shape[:1]))
    return task.learner.block_size(_problem(task, x, y.long()))


def vote(task: Task, span: Span) -> Counted:
    """Train the whole block that holds ``span`` and count the votes of the models in it.

    Returns
    -------
    counts : ndarray
        Shape (points, classes).
    span : tuple of int
        As given.
    seconds : dict
        Time for ``train`` and ``vote``.
    """
    began = time.perf_counter()
    with devices.asked(task.device, task.learner), determinism.reproducible():
        setting, block = problem(task), block_size(task)
        first = span[0] // block * block
        streams = randomness.generators(task.seed, range(first, first + block), task.device)
        models = train(task.learner, setting, streams)
        trained = time.perf_counter()
        labels = models.predict(lent(points(task), models), task.smoothing.test, streams)
        expect_shape(labels, (block, task.x_test.shape[0]))
        counts = count(labels[span[0] - first : span[1] - first], task.num_classes)
    return counts, span, {"train": trained - began, "vote": time.perf_counter() - trained}


def expect_shape(labels: Tensor, shape: tuple[int, int]) -> None:
    """Raise unless there is one label for each model and point: others would be counted for points not their own."""
    if labels.shape != shape:
        raise InputError(
            f"models gave labels of shape {tuple(labels.shape)}", f"give one a model and point, {shape[0]} x {shape[1]}"
        )


def count(labels: Tensor, num_classes: int) -> NDArray[np.int64]:
    """Count labels (models, points) by class: (points, classes).

    Raises
    ------
    InputError
        A label that is no class. Bounds would take the votes that are left for all there are.
    """
    counts = torch.stack([(labels == c).sum(0) for c in range(num_classes)], 1).cpu().numpy()
    if counts.sum() != labels.numel():
        raise InputError(
            f"models gave labels from {int(labels.min())} to {int(labels.max())}",
            f"a vote must be for a class, 0 to {num_classes - 1}",
        )
    return np.asarray(counts, np.int64)
