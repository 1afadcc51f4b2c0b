"""Describes an ensemble for workers that may be anywhere, and computes the votes of one block of its models."""

import hashlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rsbd.data import Dataset, round_inputs
from rsbd.ensemble import devices
from rsbd.ensemble.votes import Votes
from rsbd.errors import InputError
from rsbd.evasion import AnyTrigger
from rsbd.learners import Learner, Models, Problem, determinism, identity, randomness
from rsbd.learners.checked import check_repeats, find_reached, predict_labels, train_models
from rsbd.noises import Smoothing
from rsbd.types import Ints, Labels, NDArray, Points
from rsbd.version import code_version

ASKED_TWICE = 8  # models of the user, at the start of a run
Span = tuple[int, int]


@dataclass(frozen=True)
class PackedFeatures:
    """Rows of features, packed into one bit each if all are bits: 13,007 MNIST images travel as 1.3 MB."""

    data: NDArray[Any]
    shape: tuple[int, int]
    bits: bool

    @classmethod
    def of(cls, x: Points, values: int | None) -> "PackedFeatures":
        """Pack rows of features, (rows, *shape)."""
        flat = round_inputs(x).reshape(len(x), math.prod(x.shape[1:]))
        bits = values == 2 and bool(((flat == 0) | (flat == 1)).all())
        return cls(np.packbits(flat.astype(bool)) if bits else flat, (len(flat), flat.shape[1]), bits)

    def unpack(self, device: str) -> Tensor:
        """Return the features as float32, (rows, features)."""
        count = self.shape[0] * self.shape[1]
        data = np.unpackbits(self.data, count=count).astype(np.float32) if self.bits else self.data
        return torch.tensor(data.reshape(self.shape), device=device)


@dataclass(frozen=True)
class Task:
    """Everything that determines the votes of every model. It is small to send and safe to repeat.

    Tasks are equal if their keys and devices are, so that a worker unpacks the data once and not for every block.

    Parameters
    ----------
    x, x_test : PackedFeatures
        Training rows and test points.
    y : ndarray
        Training labels, shape (rows,).
    problem : Problem
        The training set with shapes alone, on the device ``meta``.
    learner : Learner
        The base learner.
    seed : int
        Seed of the whole ensemble.
    device : str
        Where blocks are computed.
    manifest : dict
        The manifest of the votes, see :func:`describe_run`.
    key : str
        The manifest as text.
    triggers : tuple of AnyTrigger
        Triggers on the test input that votes are held against.
    """

    x: PackedFeatures = field(compare=False)
    y: Labels = field(compare=False)
    x_test: PackedFeatures = field(compare=False)
    problem: Problem = field(compare=False)
    learner: Learner = field(compare=False)
    seed: int
    device: str
    manifest: dict[str, Any] = field(compare=False)
    key: str
    triggers: tuple[AnyTrigger, ...] = ()

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        smoothing: Smoothing,
        learner: Learner,
        x_test: Points,
        seed: int,
        device: str,
        triggers: tuple[AnyTrigger, ...] = (),
    ) -> "Task":
        """Pack an ensemble."""
        x, points = (PackedFeatures.of(rows, dataset.values) for rows in (dataset.x, x_test))
        if points.shape[1] != dataset.num_features:
            raise InputError(f"test points have {points.shape[1]} features", f"give {dataset.num_features}, as rows do")
        manifest = describe_run(dataset, smoothing, learner, seed, device) | {"points": hash_points(x_test)}
        if triggers:
            manifest = manifest | {"triggers": [trigger.record() for trigger in triggers], "shape": list(dataset.shape)}
        problem, key = Problem.of(dataset, smoothing, "meta"), json.dumps(manifest, sort_keys=True)
        return cls(x, dataset.y, points, problem, learner, seed, device, manifest, key, triggers)


def describe_run(dataset: Dataset, smoothing: Smoothing, learner: Learner, seed: int, device: str) -> dict[str, Any]:
    """Return the manifest of votes: everything that determines them, but for the test points."""
    return {
        "dataset": dataset.fingerprint(),
        "smoothing": identity.settings_text(smoothing),
        "learner": identity.settings_text(learner),
        "seed": int(seed),
        "device": torch.device(device).type,
        "rsbd": code_version(),
        "torch": torch.__version__.split("+")[0],
        **identity.unnamed_mark(smoothing, learner),
    }


def hash_points(x: Points) -> str:
    """Return the SHA-256 of test points as float32."""
    return hashlib.sha256(np.ascontiguousarray(x, np.float32).data).hexdigest()


@lru_cache(maxsize=2)
def training_set(task: Task) -> Problem:
    """Put the training set on the device, once for all blocks: learners keep what they derive from it."""
    device = devices.pick_device(task.device)
    return replace(task.problem, x=task.x.unpack(device), y=torch.tensor(task.y, device=device))


@lru_cache(maxsize=2)
def test_points(task: Task) -> Tensor:
    """Put the test points on the device."""
    return task.x_test.unpack(task.device)


def models_per_block(task: Task) -> int:
    """Return how many models are computed at a time; a GPU of the task need not be on this machine."""
    return task.learner.block_size(training_set(task) if task.device == "cpu" else task.problem)


def vote_in_block(task: Task, span: Span) -> Votes:
    """Train the whole block that holds ``span`` and count the votes of the models in the span."""
    began = time.perf_counter()
    with devices.explain_errors(task.device, task.learner), determinism.reproducible():
        problem, size = training_set(task), models_per_block(task)
        first = span[0] // size * size
        models, labels, trained = ask_block(task, range(first, first + size), predict_labels)
        here, classes = slice(span[0] - first, span[1] - first), problem.num_classes
        votes = Votes(count_labels(labels[here], classes), (span,), task.manifest)
        kept, reached = [], []
        for found in find_reached(models, test_points(task), labels, task.triggers, problem.shape, classes):
            kept.append((found & (found.sum(2, keepdim=True) == 1))[here].sum(0))
            reached.append(found[here].sum(0))
        if task.triggers:
            votes = replace(votes, kept=torch.stack(kept).cpu().numpy(), reached=torch.stack(reached).cpu().numpy())
    return replace(votes, seconds={"train": trained - began, "vote": time.perf_counter() - trained})


def ask_block(task: Task, numbers: range, question: Callable[..., Tensor]) -> tuple[Models, Tensor, float]:
    """Return the models with these numbers, what they answer about the test points, and when they were trained.

    Code of the user is asked the same again at the start of a run.
    """
    models, answers, trained = _train_and_ask(task, numbers, question)
    if numbers.start == 0 and task.device == "cpu":
        some = numbers[:ASKED_TWICE]
        known = answers if some == numbers else None
        check_repeats(task.learner, lambda: _train_and_ask(task, some, question)[1], known)
    return models, answers, trained


def _train_and_ask(task: Task, numbers: range, question: Callable[..., Tensor]) -> tuple[Models, Tensor, float]:
    problem, streams = training_set(task), randomness.generators(task.seed, numbers, task.device)
    models = train_models(task.learner, problem, streams)
    trained = time.perf_counter()
    return models, question(models, test_points(task), problem.smoothing.test, streams), trained


def count_labels(labels: Tensor, num_classes: int) -> Ints:
    """Count labels (models, points) by class: (points, classes).

    Raises
    ------
    InputError
        A label that is no class. Bounds would take the remaining votes for all votes.
    """
    whole, points = labels.long().cpu().numpy(), labels.shape[1]
    fractions = labels.is_floating_point() and bool((labels != labels.long()).any())
    if fractions or (whole.size and not 0 <= whole.min() <= whole.max() < num_classes):
        raise InputError(f"models gave labels from {labels.min()} to {labels.max()}", f"use 0 to {num_classes - 1}")
    places = whole + num_classes * np.arange(points)
    return np.bincount(places.ravel(), minlength=num_classes * points).reshape(points, num_classes)
