"""The panel's computation: deal or draw the rows, train, vote, certify, and see which models an attack reaches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from rsbd.attacks import BadPatch
from rsbd.attacks.poisoning import Poisoning
from rsbd.certify import Certificate, poisoned_rows, radius
from rsbd.certify.pairs import Evidence
from rsbd.data import Dataset
from rsbd.learners import randomness
from rsbd.noises import Bagging, Partition
from rsbd.noises.smoothing import Threat
from rsbd.panels.engine import Cancel, Cancelled, Progress
from rsbd.panels.memo import Memo
from rsbd.panels.partitions.params import ALPHA, Found, Params
from rsbd.recipes import bagflip, bagging, dpa
from rsbd.recipes.wang import Certified
from rsbd.types import Bools

FURTHEST = 60  # poisoned rows that the curves go to
PATCH = 9  # pixels of the planted trigger where the certificate does not ask for its size


@dataclass(frozen=True)
class Bench:
    """What stays the same while sliders move, and the votes that are known. Call it as the panel's ``compute``."""

    dataset: Dataset
    target: int
    seed: int = 0
    memo: Memo = field(default_factory=lambda: Memo(64))  # counts of votes: small

    def __call__(self, params: Params, cancel: Cancel, progress: Progress) -> Found:
        """Train what is not trained yet; certify; plant the attack and look whom it reaches."""
        holds, lost = self.reached(params)
        if cancel():
            raise Cancelled
        label, right, certificates = self._drawn(params, cancel, progress) if params.drawn else self._dealt(params)
        data = self.dataset
        changed, second = (c.curve(data.y_test, np.arange(FURTHEST + 1)) for c in certificates)
        accuracy = float(np.mean(label == data.y_test))
        return Found(params, data.name, holds, lost, accuracy, right, changed, second)

    def reached(self, params: Params) -> tuple[Bools, Bools]:
        """Plant the attack in the rows; which models hold a poisoned row, and which only lost one."""
        data = self.dataset
        patch = BadPatch(3, pixels=params.trigger if params.method == "bagflip" else PATCH)
        attack = Poisoning(patch, self.target, params.poisoned / data.num_rows)
        poisoned, mask = attack.apply(data, self.seed)
        if params.drawn:  # the first thing that a model of an ensemble draws is its bag
            streams = randomness.generators(self.seed, range(params.num_models))
            bags = [Bagging(params.size).draw(data.num_rows, stream).numpy() for stream in streams]
            holds = np.array([mask[bag].any() for bag in bags])
            return holds, np.zeros_like(holds)
        partition = Partition(params.parts, params.models // params.parts)
        holds, held = (
            np.array([mask[rows].any() for rows in partition.members(rows_of.x, rows_of.y)])
            for rows_of in (poisoned, data)
        )
        return holds, held & ~holds

    def _dealt(self, params: Params) -> tuple[Any, float, tuple[Certificate, Certificate]]:
        spread = params.models // params.parts
        key = (params.parts, spread)
        found = self.memo.get(key, lambda: dpa(self.dataset, params.parts, spread=spread, seed=self.seed))
        right = float((found.labels == self.dataset.y_test).mean())
        return found.certificate.label, right, (found.changed, found.certificate)

    def _drawn(
        self, params: Params, cancel: Cancel, progress: Progress
    ) -> tuple[Any, float, tuple[Certificate, Certificate]]:
        def tell(votes: Any) -> None:
            progress(votes.num_models, params.num_models)
            if cancel():
                raise Cancelled

        flips = {"keep": params.keep} if params.method == "bagflip" else {}
        recipe: Callable[..., Certified] = bagflip if flips else bagging
        settings = {"num_models": params.num_models, "alpha": ALPHA, "seed": self.seed, **flips}
        key = (params.method, params.size, *settings.values())
        found = self.memo.get(key, lambda: recipe(self.dataset, params.size, progress=tell, **settings))
        votes, data = found.votes, self.dataset
        right = float(votes.counts[np.arange(data.num_points), data.y_test].mean() / votes.num_models)
        return votes.label, right, _with_flips(found, params) if flips else _by_bags(found, params)


def _by_bags(found: Certified, params: Params) -> tuple[Certificate, Certificate]:
    """Rows changed, and rows only inserted: these leave every clean row in its place, and dilute it."""
    evidence, bag = Evidence.of(found.bounds), Bagging(params.size)
    laws = [bag.shift(0, found.num_rows, inserted=r) for r in range(FURTHEST + 1)]
    held = [evidence.certified(law)[evidence.back] for law in laws]
    return found.certificate, replace(found.certificate, radius=np.cumprod(held, axis=0).sum(0) - 1)


def _with_flips(found: Certified, params: Params) -> tuple[Certificate, Certificate]:
    """A trigger of so many pixels with its label and on the test image, and rows changed at will."""
    threat, rows = Threat(trigger=params.trigger), found.num_rows
    small = poisoned_rows(found.bounds, found.smoothing, threat, rows, FURTHEST)
    return small, radius(found.bounds, found.smoothing, max_radius=FURTHEST, num_rows=rows)
