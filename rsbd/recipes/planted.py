"""Plant an attack, measure what it does to classifiers (clean accuracy, success), and describe it as a threat."""

import time
from dataclasses import dataclass

import numpy as np

from rsbd.attacks import BadPatch, Features, Pixels, Poisoning, Trigger, attack_success_rate, clean_accuracy, stamp
from rsbd.bounds import Bounds
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.evasion import AnyPatch, AnyPixels, AnyTrigger
from rsbd.learners import Learner, Linear
from rsbd.learners.undefended import predict_undefended, predict_without_noise, unwrap
from rsbd.types import ArrayLike, Bools, Ints, Points


@dataclass(frozen=True)
class Rates:
    """Clean accuracy and attack success rate of a classifier.

    Parameters
    ----------
    clean_accuracy : float
        Share of the clean test points that it labels correctly.
    attack_success_rate : float
        Share of the triggered test points of other classes that it labels as the target; NaN without such points.
    """

    clean_accuracy: float
    attack_success_rate: float

    @classmethod
    def of(cls, labels: Ints, y_test: ArrayLike, target: int) -> "Rates":
        """Return the rates of the labels of the clean test points, followed by those of the triggered ones."""
        y = np.asarray(y_test)
        clean, triggered = np.split(labels, 2)
        success = attack_success_rate(triggered, y, target) if (y != target).any() else float("nan")
        return cls(clean_accuracy(clean, y), success)


@dataclass(frozen=True)
class SuccessBounds:
    """Bounds on the attack success rate of a smoothed classifier, whose labels are known from votes alone.

    Parameters
    ----------
    lowest, highest : float
        The rate if no abstained point is labelled as the target, and if all are; NaN if there is no point.
    abstained : int
        Number of points whose label the votes do not decide.
    """

    lowest: float
    highest: float
    abstained: int

    @classmethod
    def of(cls, bounds: Bounds, target: int) -> "SuccessBounds":
        """Count the points that are certainly labelled as the target, and those that certainly are not.

        Guarantee
        ---------
        With probability `1 - bounds.alpha` over the noise, the rate of the smoothed classifier on these points lies
        between `lowest` and `highest`, provided that the bounds hold for `"all"` points at once.

        Parameters
        ----------
        bounds : Bounds
            Of the triggered test points that are not of the target class.
        target : int
            Label that the attacker wants.

        Examples
        --------
        >>> from rsbd.bounds import simultaneous
        >>> SuccessBounds.of(simultaneous([[990, 10], [510, 490], [3, 997]], 0.001, points="all"), target=0)
        SuccessBounds(lowest=0.3333333333333333, highest=0.6666666666666666, abstained=1)
        """
        points = len(bounds.label)
        if not points:
            return cls(float("nan"), float("nan"), 0)
        decided = bounds.miss + bounds.runner_up < 1  # then the top class is the most probable one
        hits = int((decided & (bounds.label == target)).sum())
        abstained = int((~decided).sum())
        return cls(hits / points, (hits + abstained) / points, abstained)


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
    same = plain is learner and not learner.needs_noise
    hijacked = own if same else predict_undefended(poisoned, plain, points, seed)
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
        all_of_it = f"{type(trigger).__name__} changes every pixel of the test input, so no vote withstands it"
        raise InputError(all_of_it, "use noise, or another trigger")
    return AnyPixels(count)


def trigger_size(trigger: float | AnyTrigger) -> float:
    """Return the side of a patch, the number of pixels, or the size itself."""
    if isinstance(trigger, AnyTrigger):
        return trigger.side if isinstance(trigger, AnyPatch) else trigger.count  # type: ignore[attr-defined]
    return trigger
