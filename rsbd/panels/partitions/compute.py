"""Compute the panel of partitions: deal or draw rows, train, vote, certify, and see which models an attack reaches."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import torch

from rsbd.attacks import BadPatch, Poisoning
from rsbd.certify import Certificate, poisoned_rows, radius
from rsbd.certify.certificate import DistinctPairs
from rsbd.data import Dataset
from rsbd.learners import randomness
from rsbd.noises import Bagging, Partition, Threat
from rsbd.panels.controls import MODELS, CheckedParams, Choice, Slider, setting
from rsbd.panels.engine import Cancel, OnProgress, stop_if
from rsbd.panels.memory import Memo
from rsbd.recipes import bagflip, bagging, dpa
from rsbd.recipes.result import Certified
from rsbd.types import Bools, Floats
from rsbd.words import options_of

_FURTHEST = 60  # the most poisoned rows of a curve
_PATCH = 9  # pixels of the planted trigger if the certificate does not depend on its size
ALPHA = 0.001
# The labels, the average clean accuracy of the models, and the certificates against both kinds of change.
_Votes: TypeAlias = tuple[Any, float, tuple[Certificate, Certificate]]
_DRAWN = ("bagging", "bagflip")


@dataclass(frozen=True)
class PartitionsParams(CheckedParams):
    """Settings of one defence and one attack.

    Attributes
    ----------
    method : {"dpa", "finite", "bagging", "bagflip"}
        How rows are given to models.
    poisoned : int
        Poisoned rows of the attack.
    parts, spread : int
        DPA and Finite Aggregation: a model learns from about one row in ``parts``. Finite Aggregation: a row
        reaches ``spread`` models.
    size, num_models : int
        Bagging and BagFlip: rows in a bag, and number of bags.
    keep : float in [0, 1]
        BagFlip: probability that a pixel or a label keeps its value.
    trigger : int
        BagFlip: pixels of the trigger. The other methods certify any change of a row.
    """

    method: str = setting("dpa", Choice("method", "method", options_of(__file__, "methods")))
    poisoned: int = setting(5, Slider("poisoned", "poisoned rows", 1, 30, 1))
    parts: int = setting(50, Slider("parts", "parts", 5, 100, 1), method=("dpa", "finite"))
    spread: int = setting(3, Slider("spread", "models that share a row", 1, 4, 1), method=("finite",))
    size: int = setting(20, Slider("size", "rows in a bag", 1, 100, 1), method=_DRAWN)
    keep: float = setting(0.95, Slider.of_keep("keep", "keep (pixels and labels)"), method=("bagflip",))
    trigger: int = setting(1, Slider("trigger", "trigger (pixels)", 1, 9, 1), method=("bagflip",))
    num_models: int = setting(1000, MODELS, method=_DRAWN)

    @property
    def drawn(self) -> bool:
        """True if rows are drawn at random, False if they are dealt out."""
        return self.method in _DRAWN

    @property
    def models(self) -> int:
        """The number of models that vote."""
        return self.num_models if self.drawn else self.parts * (self.spread if self.method == "finite" else 1)


@dataclass(frozen=True)
class PartitionsResult:
    """The models that an attack reaches, and the certified accuracies.

    Attributes
    ----------
    holds, lost : bool array, (models,)
        Models that learn from a poisoned row, and models that only lost the row that was poisoned: if rows are dealt
        out by their content, a changed row moves.
    accuracy, alone : float
        Clean accuracy of the vote, and the average clean accuracy of its models.
    changed, second : array, (rows,)
        Certified accuracy against 0, 1, 2, ... poisoned rows, and against the other kind of change that the picture
        names.
    by_class : array, (classes,)
        Certified accuracy against this attack in each class.
    """

    params: PartitionsParams
    dataset: Dataset
    holds: Bools
    lost: Bools
    accuracy: float
    alone: float
    changed: Floats
    second: Floats
    by_class: Floats


@dataclass(frozen=True)
class PartitionsComputation:
    """The panel's ``compute``, with its data set and the votes that are known."""

    dataset: Dataset
    target: int
    seed: int = 0
    memo: Memo = field(default_factory=lambda: Memo(64))  # counts of votes: small

    def __call__(self, params: PartitionsParams, cancel: Cancel, progress: OnProgress) -> PartitionsResult:
        """Train the models that are not trained yet, certify, plant the attack and find the models that it reaches."""
        holds, lost = self.reached(params)
        stop_if(cancel)
        label, right, certificates = self._drawn(params, cancel, progress) if params.drawn else self._dealt(params)
        data = self.dataset
        changed, second = (c.curve(data.y_test, np.arange(_FURTHEST + 1)) for c in certificates)
        accuracy = float(np.mean(label == data.y_test))
        by_class = certificates[0].by_class(data.y_test, params.poisoned)
        return PartitionsResult(params, data, holds, lost, accuracy, right, changed, second, by_class)

    def reached(self, params: PartitionsParams) -> tuple[Bools, Bools]:
        """Plant the attack; return which models hold a poisoned row, and which only lost one."""
        data = self.dataset
        patch = BadPatch(3, pixels=params.trigger if params.method == "bagflip" else _PATCH)
        attack = Poisoning(patch, self.target, params.poisoned / data.num_rows)
        poisoned, mask = attack.apply(data, self.seed)
        if params.drawn:  # a model of an ensemble draws its bag before anything else
            streams = randomness.generators(self.seed, range(params.num_models))
            holds = mask[Bagging(params.size).draw(torch.tensor(data.y), streams).numpy()].any(1)
            return holds, np.zeros_like(holds)
        partition = Partition(params.parts, params.models // params.parts)
        members = (partition.members(rows.x, rows.y) for rows in (poisoned, data))
        holds, held = (np.array([mask[rows].any() for rows in models]) for models in members)
        return holds, held & ~holds

    def _dealt(self, params: PartitionsParams) -> _Votes:
        spread = params.models // params.parts
        key = (params.parts, spread)
        found = self.memo.get(key, lambda: dpa(self.dataset, params.parts, spread=spread, seed=self.seed))
        right = float((found.labels == self.dataset.y_test).mean())
        return found.certificate.label, right, (found.changed, found.certificate)

    def _drawn(self, params: PartitionsParams, cancel: Cancel, progress: OnProgress) -> _Votes:
        def tell(votes: Any) -> None:
            progress(votes.num_models, params.num_models)
            stop_if(cancel)

        flips = {"keep": params.keep} if params.method == "bagflip" else {}
        recipe: Callable[..., Certified] = bagflip if flips else bagging
        settings = {"num_models": params.num_models, "alpha": ALPHA, "seed": self.seed, **flips}
        key = (params.method, params.size, *settings.values())
        found = self.memo.get(key, lambda: recipe(self.dataset, params.size, progress=tell, **settings))
        votes, data = found.votes, self.dataset
        right = float(votes.counts[np.arange(data.num_points), data.y_test].mean() / votes.num_models)
        return votes.label, right, _with_flips(found, params) if flips else _by_bags(found, params)


def _by_bags(found: Certified, params: PartitionsParams) -> tuple[Certificate, Certificate]:
    """Certify against changed rows, and against rows that are only inserted and so leave every clean row in place."""
    evidence, bag = DistinctPairs.of(found.bounds), Bagging(params.size)
    laws = [bag.shift(0, found.num_rows, inserted=r) for r in range(_FURTHEST + 1)]
    held = [evidence.certified(law)[evidence.back] for law in laws]
    return found.certificate, replace(found.certificate, radius=np.cumprod(held, axis=0).sum(0) - 1)


def _with_flips(found: Certified, params: PartitionsParams) -> tuple[Certificate, Certificate]:
    """Certify against a trigger with a false label that is also on the test image, and against rows changed at will."""
    threat, rows = Threat(trigger=params.trigger), found.num_rows
    small = poisoned_rows(found.bounds, found.smoothing, threat, rows, _FURTHEST)
    return small, radius(found.bounds, found.smoothing, max_radius=_FURTHEST, num_rows=rows)
