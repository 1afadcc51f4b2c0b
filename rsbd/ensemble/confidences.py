"""Trains an ensemble and yields each model's confidence in every class, where a vote names one class alone."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from rsbd.data import Dataset
from rsbd.ensemble import blocks, checks, devices, workers
from rsbd.learners import Learner, determinism, randomness
from rsbd.learners.checked import check_repeats, predict_confidences
from rsbd.noises import Smoothing
from rsbd.types import Points


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
    with workers.thread_pool(device) as pool:
        found = workers.map_in_order(pool, partial(_block_confidences, task, size), starts)
        for start, block in zip(starts, found, strict=True):
            yield block[max(0, models.start - start) : models.stop - start]


def _block_confidences(task: blocks.Task, size: int, start: int) -> Points:
    ask = partial(blocks.train_and_ask, task, question=predict_confidences)
    with devices.explain_errors(task.device, task.learner), determinism.reproducible():
        found = ask(range(start, start + size))
        if start == 0 and task.device == "cpu":
            some = min(size, blocks.ASKED_TWICE)
            check_repeats(task.learner, partial(ask, range(some)), found if some == size else None)
    return np.asarray(found.cpu().numpy())
