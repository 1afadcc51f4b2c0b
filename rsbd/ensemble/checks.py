"""Checks of an ensemble's settings and test points, made before any model is trained."""

from collections.abc import Sequence

import numpy as np
import torch

from rsbd.data import MISSING, Dataset, on_levels
from rsbd.errors import InputError, check_kind, check_whole, is_whole
from rsbd.evasion import AnyTrigger, read_triggers
from rsbd.learners.base import Learner, Problem, noised_points
from rsbd.learners.checked import is_own
from rsbd.noises import Bagging, ClassBagging, Flip, Noise, Smoothing
from rsbd.types import Points

MAX_MODELS = 10_000_000
_MAX_BAG = 10  # times the training set: such a bag holds every row, and hides none


def check_settings(dataset: Dataset, smoothing: Smoothing, num_models: int, seed: int, *learners: Learner) -> None:
    """Raise unless an ensemble with these settings can be trained and certified."""
    for name, thing, kind in (("dataset", dataset, Dataset), ("smoothing", smoothing, Smoothing)):
        check_kind(name, thing, kind)
    for learner in learners:
        check_kind("learner", learner, Learner)
    if not (is_whole(num_models, 1) and num_models <= MAX_MODELS):
        raise InputError(f"{num_models!r} models", f"give a whole number from 1 to {MAX_MODELS:,}")
    check_whole("the seed", seed)
    bag, most = smoothing.rows, _MAX_BAG * dataset.num_rows
    if isinstance(bag, Bagging) and bag.size > most:
        raise InputError(f"a bag of {bag.size} of {dataset.num_rows} rows hides none", f"give at most {most}")
    if isinstance(bag, ClassBagging):
        bag.shift(0, dataset.num_rows)
    for slot, noise in smoothing.slots.items():
        name, number = dataset.name, dataset.num_classes if slot == "labels" else dataset.values
        if isinstance(noise, Flip) and number is None:
            raise InputError(f"{slot} carry {noise}, but {name} is continuous", "round it to levels, or use Gaussian")
        if isinstance(noise, Flip) and noise.values != number:
            has = f"{name} has {number} classes" if slot == "labels" else f"a feature of {name} takes {number} values"
            raise InputError(f"{slot} carry {noise}, but {has}", f"use Flip('{noise.keep}', values={number})")
    if not all(map(is_own, smoothing.slots.values())):  # try it now: it must not fail after hours of training
        problem, generator = Problem.of(dataset, smoothing), torch.Generator().manual_seed(0)
        problem.noised(generator)
        noised_points(problem.x[:3], smoothing.test, generator)


def check_triggers(
    dataset: Dataset, smoothing: Smoothing, triggers: AnyTrigger | Sequence[AnyTrigger]
) -> tuple[AnyTrigger, ...]:
    """Return the triggers as a tuple, or raise for those that votes of this ensemble cannot be held against."""
    found = read_triggers(triggers)
    for trigger in found:
        trigger.check(dataset.shape)
    if len(set(found)) < len(found):
        raise InputError("a trigger is given twice", "give each once")
    if found and smoothing.test is not None:
        raise InputError(f"no vote is certain under {smoothing.test} on the test input", "use Smoothing(test=None)")
    return found


def check_points(noise: Noise | None, x: Points) -> None:
    """Raise for test points that their noise is not defined on: a certificate for them would be wrong."""
    if not np.isfinite(x).all():
        raise InputError("some test points are not finite", MISSING)
    if isinstance(noise, Flip) and not on_levels(x, noise.values):
        raise InputError(f"test points are off the {noise.values} levels of {noise}", "round them to j / (values - 1)")
