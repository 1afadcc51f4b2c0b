"""Compute the attack panel: train one classifier for each number of poisoned images of the curve, once."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np

from rsbd.attacks import BadPatch, Blend, Pixels, Poisoning, Trigger, stamp
from rsbd.data import Dataset
from rsbd.learners import Linear
from rsbd.learners.undefended import predict_undefended, undefended_weights
from rsbd.panels.controls import POISONED, CheckedParams, Choice, Slider, Toggle, setting
from rsbd.panels.engine import Cancel, OnProgress, Previews, show_previews
from rsbd.panels.memory import Memo
from rsbd.recipes.planted import Rates, plant_attack
from rsbd.types import AnyFloats, Bools
from rsbd.words import options_of

HIGHEST_RATE = 0.1  # of poisoned images
RATES = (0.0, 0.002, 0.004, 0.007, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, HIGHEST_RATE)
_SHOWN = 4  # images of each kind


@dataclass(frozen=True)
class AttackParams(CheckedParams):
    """One attack.

    Attributes
    ----------
    kind : {"patch", "scattered", "blend"}
        A patch in the corner, single pixels all over the image, or a faint pattern over the whole image.
    pixels : int
        Number of pixels of a patch or of scattered pixels.
    strength : float
        Brightness added to each pixel of the trigger, in pixel units (0 black, 1 white); for the pattern, the root
        mean square of its pixels.
    poisoned : int
        Poisoned training images.
    target : int
        The class that the attacker wants.
    relabel : bool
        True (dirty label): images of other classes are stamped and relabelled. False (clean label): images of the
        target class are stamped and keep their label.
    """

    kind: str = setting("patch", Choice("kind", "trigger", options_of(__file__, "kinds")))
    pixels: int = setting(9, Slider("pixels", "size (pixels)", 1, 25, 1), kind=("patch", "scattered"))
    strength: float = setting(1.0, Slider("strength", "strength (of white)", 0.01, 1.0, 0.01))
    poisoned: int = setting(20, POISONED)
    target: int = setting(0, Choice("target", "target label", ()))
    relabel: bool = setting(True, Toggle("relabel", "relabel the poisoned images as the target (dirty label)"))


class JudgedImages(NamedTuple):
    """Images, the label under each, its true label, and if it is marked as changed by the attacker."""

    images: AnyFloats
    labels: tuple[str, ...]
    true: tuple[str, ...]
    marked: tuple[bool, ...]


@dataclass(frozen=True)
class AttackResult:
    """The images of the attack, and its effect by the number of poisoned images.

    Attributes
    ----------
    dataset : Dataset
        The images as collected.
    rows, eligible : int
        Poisoned training images, and the training images that this attack could poison.
    samples : tuple of JudgedImages
        Training images as collected and as poisoned, and test images with the trigger.
    curve : dict of Rates
        By the number of poisoned images, ascending; the number that is set is among them.
    weights : (array, array)
        Of the target class, learned from the clean and from the poisoned images; the largest has size 1.
    total : int
        Points of the whole curve.
    """

    params: AttackParams
    dataset: Dataset
    rows: int
    eligible: int
    samples: tuple[JudgedImages, ...]
    curve: dict[int, Rates]
    weights: tuple[AnyFloats, AnyFloats]
    total: int

    @property
    def now(self) -> Rates:
        """The rates at the number of poisoned images that is set."""
        return self.curve[self.params.poisoned]

    @property
    def before(self) -> Rates:
        """The rates without any poisoned image."""
        return self.curve[0]

    @property
    def target(self) -> str:
        """Name of the target class."""
        return self.dataset.classes[self.params.target]


@dataclass(frozen=True)
class AttackComputation:
    """The panel's ``compute``, with its images and the rates that are known."""

    dataset: Dataset
    seed: int = 0
    memo: Memo = field(default_factory=lambda: Memo(4096))  # pairs of numbers
    poisoned: Memo = field(default_factory=lambda: Memo(2))  # data sets, whose classifiers are trained once

    def __call__(self, params: AttackParams, cancel: Cancel, progress: OnProgress) -> Previews[AttackResult]:
        """Train at the number that is set and without attack, then at the other numbers of the curve."""
        trigger = trigger_of(params, self.dataset.shape, self.seed)
        numbers = {round(rate * self.dataset.num_rows) for rate in RATES} | {params.poisoned}
        ordered = sorted(numbers, key=lambda number: (number not in (params.poisoned, 0), number))

        def steps() -> Iterator[tuple[dict[int, Rates], tuple[int, ...]]]:
            curve: dict[int, Rates] = {}
            for number in ordered:
                key = (trigger, params.target, params.relabel, number)
                curve[number] = self.memo.get(key, partial(self._measure, params, trigger, number))
                # The picture compares with no poisoned image.
                yield curve, (len(curve) if params.poisoned in curve else 0,)

        found = partial(self._result, params, trigger, len(ordered))
        return show_previews(steps(), len(ordered), cancel, progress, found)

    def _eligible(self, params: AttackParams) -> int:
        """Count the training images that this attack could poison."""
        own = self.dataset.y == params.target
        return int(np.sum(~own if params.relabel else own))

    def _poisoning(self, params: AttackParams, trigger: Trigger, number: int) -> Poisoning:
        """Return the attack with a number of poisoned images, or with the largest that is possible."""
        rate = min(number, self._eligible(params)) / self.dataset.num_rows
        return Poisoning(trigger, params.target, rate, relabel=params.relabel)

    def _measure(self, params: AttackParams, trigger: Trigger, number: int) -> Rates:
        return plant_attack(self.dataset, self._poisoning(params, trigger, number), Linear(), self.seed).undefended

    def _result(self, params: AttackParams, trigger: Trigger, total: int, curve: dict[int, Rates]) -> AttackResult:
        """Add images and weights to the curve."""
        apply = partial(self._poisoning(params, trigger, params.poisoned).apply, self.dataset, self.seed)
        poisoned, mask = self.poisoned.get((trigger, params.target, params.relabel, params.poisoned), apply)
        both = np.stack([undefended_weights(data)[params.target] for data in (self.dataset, poisoned)])
        before, after = both / max(float(np.abs(both).max()), 1e-12)
        samples = self._samples(params, trigger, poisoned, mask)
        known = dict(sorted(curve.items()))
        eligible = self._eligible(params)
        return AttackResult(params, self.dataset, int(mask.sum()), eligible, samples, known, (before, after), total)

    def _samples(
        self, params: AttackParams, trigger: Trigger, poisoned: Dataset, mask: Bools
    ) -> tuple[JudgedImages, ...]:
        """Return the images that are poisoned first, and test images of different classes with the trigger."""
        data, names = self.dataset, np.array(self.dataset.classes)
        # A larger number poisons these and more.
        _, first = self._poisoning(params, trigger, _SHOWN).apply(data, self.seed)
        rows, others = np.flatnonzero(first), data.y_test != params.target
        _, distinct = np.unique(data.y_test[others], return_index=True)
        points = np.flatnonzero(others)[np.resize(distinct, _SHOWN)]
        shown = stamp(trigger, data, data.x_test[points])
        called = predict_undefended(poisoned, Linear(), shown, self.seed)
        groups = (
            (data.x[rows], data.y[rows], data.y[rows], np.zeros(len(rows), bool)),
            (poisoned.x[rows], poisoned.y[rows], data.y[rows], mask[rows]),
            (shown, called, data.y_test[points], called == params.target),
        )
        return tuple(
            JudgedImages(x, tuple(names[y].tolist()), tuple(names[true].tolist()), tuple(marked.tolist()))
            for x, y, true, marked in groups
        )


def trigger_of(params: AttackParams, shape: tuple[int, ...], seed: int = 0) -> Trigger:
    """Return the trigger that the controls describe.

    Examples
    --------
    >>> trigger_of(AttackParams(pixels=4), (8, 8)).budget((8, 8), "L2")
    2.0
    """
    height, width = shape[-2:]
    if params.kind == "blend":
        return Blend(shape, params.strength * math.sqrt(math.prod(shape)), seed)
    if params.kind == "patch":
        patch = BadPatch(math.ceil(math.sqrt(params.pixels)), pixels=params.pixels)
        places = np.argwhere(patch(np.zeros((height, width), np.float32)))
    else:  # sorted uniforms: more pixels include the same ones
        order = np.argsort(np.random.default_rng(seed).random(height * width), kind="stable")
        places = np.column_stack(np.divmod(order[: params.pixels], width))
    channels = math.prod(shape[:-2])
    delta = params.strength * math.sqrt(params.pixels * channels)
    return Pixels(tuple((int(row), int(column)) for row, column in places), delta, channels)
