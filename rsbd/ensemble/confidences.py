"""Confidences of an ensemble: what every model thinks of each class, where a vote tells only its favourite."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from rsbd.data import Dataset
from rsbd.ensemble import blocks, checks, devices, workers
from rsbd.ensemble.one_model import scoring
from rsbd.learners import Learner, determinism, randomness
from rsbd.learners.base import lent, train
from rsbd.noises.smoothing import Smoothing


def confidences(
    dataset: Dataset,
    smoothing: Smoothing,
    learner: Learner,
    x_test: NDArray[np.float32],
    models: range,
    seed: int = 0,
    device: str = "auto",
) -> Iterator[NDArray[np.float32]]:
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
        Which models; disjoint ranges are independent. Ranges that start at multiples of the learner's block size
        waste no training.

    Raises
    ------
    InputError
        Settings that cannot work, or models that give labels without scores.
    """
    checks.settings(dataset, smoothing, max(1, randomness.consecutive(models).stop), seed)
    checks.points(smoothing.test, x_test)
    task = blocks.Task.of(dataset, smoothing, learner, x_test, seed, devices.pick_device(device))
    block = blocks.block_size(task)
    starts = range(models.start // block * block, models.stop, block)
    with workers.threads(device) as pool:
        for start, soft in zip(starts, workers.in_order(pool, partial(_block, task, block), starts), strict=True):
            yield soft[max(0, models.start - start) : models.stop - start]


def _block(task: blocks.Task, block: int, start: int) -> NDArray[np.float32]:
    with devices.asked(task.device, task.learner), determinism.reproducible():
        streams = randomness.generators(task.seed, range(start, start + block), task.device)
        models = scoring(train(task.learner, blocks.problem(task), streams))
        scores = models.scores(lent(blocks.points(task), models), task.smoothing.test, streams)
    return np.asarray(scores.softmax(1).mT.cpu().numpy())
