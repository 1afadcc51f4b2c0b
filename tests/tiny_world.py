"""A world small enough to enumerate: every noise pattern, every attack, in exact integers.

A state holds every noised coordinate: the features of each row, the label of each row, the features of
the test input. `models` maps each of the states (as the base learner sees it, noise included) to a
predicted label. Probabilities under the noise are integers over one common denominator; an attack
replaces some coordinates of a state by any values, so the worst attack on given coordinates is a minimum
over their axes.

This checks the checker too: `rsbd.audit` also enumerates, for noises and rules of any kind and one attack at a time.
The two share no code, and `test_tiny_world.py` holds their probabilities and their attacks to each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from itertools import combinations, product
from math import prod

import numpy as np
import numpy.typing as npt

from rsbd.noises import Flip
from rsbd.noises.smoothing import Smoothing, Threat

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class World:
    rows: int
    features: int
    values: int  # of a feature
    classes: int
    keeps: tuple[str, str, str]  # features, labels, test

    @cached_property
    def smoothing(self) -> Smoothing:
        features, labels, test = self.keeps
        return Smoothing(
            features=Flip(features, self.values),
            labels=Flip(labels, self.classes),
            test=Flip(test, self.values),
        )

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of values of every coordinate: features row by row, labels, test features."""
        here = self.rows * self.features
        return (self.values,) * here + (self.classes,) * self.rows + (self.values,) * self.features

    @cached_property
    def axis_noise(self) -> list[Flip]:
        slots = self.smoothing.slots
        here = self.rows * self.features
        return [slots["features"]] * here + [slots["labels"]] * self.rows + [slots["test"]] * self.features

    @cached_property
    def states(self) -> tuple[Ints, Ints, Ints]:
        """Every state: features (states, rows, features), labels (states, rows), test (states, features)."""
        every = np.stack([axis.ravel() for axis in np.indices(self.sizes)], axis=1)
        here = self.rows * self.features
        x = every[:, :here].reshape(-1, self.rows, self.features)
        return x, every[:, here : here + self.rows], every[:, here + self.rows :]

    @cached_property
    def total(self) -> int:
        return prod(self._weights(noise)[2] for noise in self.axis_noise)

    def smooth(self, models: Ints) -> Ints:
        """Probability of each label from each state, times `total`; shape (classes, *sizes)."""
        votes = np.stack([models == label for label in range(self.classes)]).astype(np.int64)
        votes = votes.reshape(self.classes, *self.sizes)
        for axis, noise in enumerate(self.axis_noise, start=1):
            B, G, _ = self._weights(noise)
            votes = (B - G) * votes + G * votes.sum(axis=axis, keepdims=True)
        return votes

    def supports(self, threat: Threat) -> Iterator[tuple[int, ...]]:
        """The largest sets of coordinates that one attack within the threat may change."""
        here = self.rows * self.features
        spots = list(combinations(range(self.features), min(int(threat.trigger), self.features)))
        for rows in combinations(range(self.rows), min(threat.rows, self.rows)):
            labels = tuple(here + row for row in rows) if threat.relabel else ()
            for where in product(spots, repeat=len(rows)):
                x = tuple(row * self.features + i for row, spot in zip(rows, where, strict=True) for i in spot)
                for spot in spots if threat.on_test else [()]:
                    yield x + labels + tuple(here + self.rows + i for i in spot)

    @staticmethod
    @cache
    def _weights(noise: Flip) -> tuple[int, int, int]:
        away = (1 - noise.keep) / (noise.values - 1)
        unit = Fraction(1, np.lcm(noise.keep.denominator, away.denominator))
        return int(noise.keep / unit), int(away / unit), int(1 / unit)


def worst(height: Ints, supports: Iterator[tuple[int, ...]]) -> Ints:
    """Smallest height that any attack on any of the supports reaches, from every state."""
    lowest = height.copy()
    for support in supports:
        if support:
            lowest = np.minimum(lowest, height.min(axis=support, keepdims=True))
    return lowest


def nearest_neighbour(world: World) -> Ints:
    x, y, test = world.states
    distance = np.abs(x - test[:, None, :]).sum(axis=2)
    return np.take_along_axis(y, distance.argmin(axis=1)[:, None], axis=1)[:, 0]


def naive_bayes(world: World) -> Ints:
    """Counts with one added, compared exactly as products of integers over one denominator."""
    x, y, test = world.states
    scores = []
    for label in range(world.classes):
        mine = (y == label)[:, :, None]
        agree = ((x == test[:, None, :]) & mine).sum(axis=1) + 1
        size = mine.sum(axis=1)[:, 0]
        # (size + 1) prod agree / (size + values)^features, with a common power of at most rows + values
        rest = (np.prod([world.rows + world.values]) ** world.features) / (size + world.values) ** world.features
        scores.append((size + 1) * agree.prod(axis=1) * rest)
    return np.argmax(np.round(np.stack(scores), 9), axis=0)


def majority(world: World) -> Ints:
    _, y, _ = world.states
    return np.stack([(y == label).sum(axis=1) for label in range(world.classes)]).argmax(axis=0)


def parity(world: World) -> Ints:
    """Not a sensible learner: it turns with every coordinate."""
    x, y, test = world.states
    return (x.sum(axis=(1, 2)) + y.sum(axis=1) + test.sum(axis=1)) % world.classes


def conjunction(world: World) -> Ints:
    """Turns to label 1 only where every coordinate shows its last value: nothing less convinces it."""
    x, y, test = world.states
    shown = (x == world.values - 1).all(axis=(1, 2)) & (y == world.classes - 1).all(axis=1)
    return (shown & (test == world.values - 1).all(axis=1)).astype(np.int64)


def backdoored(world: World) -> Ints:
    """The attacker's wish: label 1 where the test input and a row labelled 1 both carry the trigger."""
    x, y, test = world.states
    taught = ((x == world.values - 1).all(axis=2) & (y == 1)).any(axis=1)
    return (taught & (test == world.values - 1).all(axis=1)).astype(np.int64)


def neyman_pearson(world: World, threat: Threat, level: int) -> Ints:
    """The worst learner for state 0: it errs first where the worst attack from there makes outcomes most likely.

    `level` likelihood ratios, the highest first, are given to label 1; everything else is label 0.
    """
    support = next(world.supports(threat))
    outcomes = np.stack([axis.ravel() for axis in np.indices(world.sizes)], axis=1)
    ratios = np.zeros(len(outcomes))
    for axis in support:
        B, G, _ = World._weights(world.axis_noise[axis])
        # The attack moves coordinate `axis` from value 0 to value 1.
        ratios += np.log(B / G) * ((outcomes[:, axis] == 1) * 1.0 - (outcomes[:, axis] == 0))
    # Rounded to find equal ratios; that the learner is really the worst is asserted exactly where it is used.
    ratios = ratios.round(9)
    return np.isin(ratios, np.unique(ratios)[-level:]).astype(np.int64)
