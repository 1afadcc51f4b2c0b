"""Plant an attack, measure what it does to classifiers without a defence, and describe it as a threat."""

import time
from dataclasses import dataclass

import numpy as np

from rsbd.attacks import BadPatch, Features, Pixels, Poisoning, Trigger, stamp
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.evasion import AnyPatch, AnyPixels, AnyTrigger
from rsbd.learners import Learner, Linear
from rsbd.learners.undefended import predict_undefended, predict_without_noise, unwrap
from rsbd.recipes.rates import Rates
from rsbd.types import Bools, Points


@dataclass(frozen=True, eq=False)
class PlantedAttack:
    """A poisoned training set, and what it does to classifiers without a defence.

    Parameters
    ----------
    dataset : Dataset
        The poisoned training rows with the clean test points.
    mask : ndarray
        Which training rows are poisoned, bool (rows,).
    points : ndarray
        The clean test points, followed by the same points with the trigger, (2 points, *shape).
    undefended : Rates
        The rates of an undefended classifier trained on the poisoned rows.
    without_noise : Rates
        The rates of the defence's own learner, trained once on the poisoned rows without noise. What the noise and the
        vote achieve is the difference from these rates.
    seconds : float
        Time that poisoning, training and measuring took.
    """

    dataset: Dataset
    mask: Bools
    points: Points
    undefended: Rates
    without_noise: Rates
    seconds: float


def plant_attack(
    dataset: Dataset,
    poisoning: Poisoning,
    learner: Learner | None = None,
    seed: int = 0,
    undefended: Learner | None = None,
) -> PlantedAttack:
    """Poison the training rows, train classifiers without a defence on them, and measure these.

    Parameters
    ----------
    dataset : Dataset
        Clean training rows and test points.
    poisoning : Poisoning
        The attack on the training rows; its trigger is put on the test points too.
    learner : Learner, optional
        The defence's base learner, :class:`~rsbd.learners.linear.linear.Linear` unless given. It trains both
        classifiers, unless :func:`~rsbd.learners.undefended.predict_undefended` replaces it in one of them.
    seed : int
        Seed of the choice of rows, and of learners that start at random.
    undefended : Learner, optional
        Trains the undefended classifier in place of ``learner``.

    Raises
    ------
    InputError
        The attack does not fit the data.

    Examples
    --------
    >>> from rsbd.attacks import BadPatch
    >>> from rsbd.data import load
    >>> planted = plant_attack(load("digits", classes=(0, 1)), Poisoning(BadPatch(3), target=0, rate=0.05))
    >>> planted.mask.sum(), planted.undefended.attack_success_rate > 0.9
    (np.int64(10), True)
    >>> planted.without_noise.attack_success_rate < 0.1  # class means ignore this trigger without any noise
    True
    """
    began = time.perf_counter()
    poisoned, mask = poisoning.apply(dataset, seed)
    points = np.concatenate([dataset.x_test, stamp(poisoning.trigger, dataset, dataset.x_test)])
    learner, target = unwrap(learner or Linear()), dataset.label(poisoning.target)
    own, plain = predict_without_noise(poisoned, learner, points, seed), undefended or learner
    hijacked = (
        own if plain is learner and not learner.needs_noise else predict_undefended(poisoned, plain, points, seed)
    )
    before, bare = (Rates.of(labels, dataset.y_test, target) for labels in (hijacked, own))
    return PlantedAttack(poisoned, mask, points, before, bare, time.perf_counter() - began)


def any_trigger(trigger: Trigger, shape: tuple[int, ...]) -> AnyTrigger:
    """Return the triggers of which a planted one is an example: with any content, and anywhere on the input.

    Raises
    ------
    InputError
        The trigger changes every pixel, or does not fit the shape.

    Examples
    --------
    >>> from rsbd.attacks import Blend
    >>> print(any_trigger(BadPatch(3), (28, 28)), "and", any_trigger(Pixels.four((3, 32, 32)), (3, 32, 32)))
    any 3x3 patch anywhere and any 4 pixels
    >>> any_trigger(Blend((28, 28)), (28, 28))
    Traceback (most recent call last):
    rsbd.errors.InputError: Blend changes every pixel of the test input, so no vote withstands it: ...
    """
    changed = trigger.changed(shape)
    if isinstance(trigger, BadPatch):
        return AnyPatch(trigger.size)
    # Of a trigger that is not known, each changed value may be in a pixel of its own.
    count = len(trigger.positions) if isinstance(trigger, (Features, Pixels)) else changed
    if count >= np.prod(shape[-2:]):
        raise InputError(
            f"{type(trigger).__name__} changes every pixel of the test input, so no vote withstands it",
            "use noise, or another trigger",
        )
    return AnyPixels(count)


def trigger_size(trigger: float | AnyTrigger) -> float:
    """Return the side of a patch, the number of pixels, or the size itself."""
    if isinstance(trigger, AnyTrigger):
        return trigger.side if isinstance(trigger, AnyPatch) else trigger.count  # type: ignore[attr-defined]
    return trigger
