"""Memories of a panel: results, votes, attacks and experiments that are costly are not computed again."""

import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

from rsbd import ensemble
from rsbd.data import Dataset
from rsbd.ensemble import Votes
from rsbd.ensemble.blocks import hash_points
from rsbd.evasion import AnyPatch
from rsbd.learners import Learner
from rsbd.noises import Smoothing
from rsbd.panels.engine import Cancel, OnProgress, Previews, show_previews
from rsbd.recipes.experiment import Experiment, Outcome
from rsbd.recipes.planted import plant_attack

_T = TypeVar("_T")
_P = TypeVar("_P")
_R = TypeVar("_R")


class Memo:
    """Keep the last ``size`` results by key, and forget the one that was used longest ago. Safe under threads.

    Examples
    --------
    >>> memo = Memo(2)
    >>> memo.get("a", lambda: 1), memo.get("a", lambda: 2)
    (1, 1)
    >>> memo.get("b", lambda: 3), memo.get("c", lambda: 4), memo.get("a", lambda: 5)
    (3, 4, 5)
    """

    def __init__(self, size: int = 128) -> None:
        self._size = size
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._kept

    def get(self, key: Hashable, make: Callable[[], _T]) -> _T:
        """Return the result under ``key``, or make and keep it; errors are not kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                kept: _T = self._kept[key]
                return kept
        made = make()  # without the lock: it may take seconds
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return made


class VoteMemory(Memo):
    """The votes of past ensembles, so that only models that have not voted are trained."""

    def stream(self, *run: Any, name: Hashable = None, **options: Any) -> Iterator[Votes]:
        """Yield votes as :func:`rsbd.ensemble.stream` does, and keep the votes of a finished ensemble.

        ``name`` tells code of the user apart that has the same settings.
        """
        dataset, smoothing, learner, x_test, num_models, seed = run
        held = repr(options.get("triggers", ()))
        key = (name, dataset.fingerprint(), repr(smoothing), repr(learner), hash_points(x_test), seed, held)
        known: dict[int, Votes] = self.get(key, dict)
        if num_models in known:
            yield known[num_models]
            return
        # The votes of code without a name cannot be resumed: its models are trained again.
        fewer = [n for n, votes in known.items() if n < num_models and "unnamed" not in votes.manifest]
        resume = known[max(fewer)] if fewer else None
        for votes in ensemble.stream(dataset, smoothing, learner, x_test, num_models, seed, resume=resume, **options):
            if votes.num_models == num_models:
                known[num_models] = votes
            yield votes


@dataclass(frozen=True)
class EnsembleComputation(ABC, Generic[_P, _R]):
    """The ``compute`` of a panel of one ensemble, with its data set and the votes that are known."""

    dataset: Dataset
    learner: Learner
    seed: int = 0
    memory: VoteMemory = field(default_factory=VoteMemory)
    triggers: tuple[AnyPatch, ...] = ()

    @abstractmethod
    def smoothing(self, params: _P) -> Smoothing:
        """Return the noise that the sliders describe."""

    @abstractmethod
    def result(self, params: _P, smoothing: Smoothing, votes: Votes) -> _R:
        """Certify the votes at hand."""

    def models(self, params: Any) -> int:
        """Return the number of models that vote."""
        return int(params.num_models)

    def name(self, params: _P) -> Hashable:
        """Return what tells noise of the user apart that has the same settings."""

    def stream(self, params: _P) -> Iterator[Votes]:
        """Yield the votes of the ensemble as models vote."""
        run = (self.dataset, self.smoothing(params), self.learner, self.dataset.x_test, self.models(params), self.seed)
        return self.memory.stream(*run, name=self.name(params), triggers=self.triggers)

    def __call__(self, params: _P, cancel: Cancel, progress: OnProgress) -> Previews[_R]:
        """Yield previews while models vote; return the final result."""
        found = partial(self.result, params, self.smoothing(params))
        steps = ((some, (some.num_models,)) for some in self.stream(params))
        return show_previews(steps, self.models(params), cancel, progress, found)


@dataclass(frozen=True)
class ExperimentComputation(ABC, Generic[_P, _R]):
    """The ``compute`` of a panel of one experiment, with its data set, and the attacks and votes that are known.

    A new alpha trains nothing. A new attack trains the ensemble on the poisoned rows again, new noise both ensembles.
    More models are added to the models that have voted. ``learner`` trains the classifiers without a defence.
    """

    dataset: Dataset
    target: int
    learner: Learner
    seed: int = 0
    memory: VoteMemory = field(default_factory=VoteMemory)
    attacks: Memo = field(default_factory=lambda: Memo(2))  # whole data sets: on MNIST 40 MB each

    @abstractmethod
    def experiment(self, params: _P) -> Experiment:
        """Return the experiment that the sliders describe."""

    @abstractmethod
    def result(self, params: _P, outcome: Outcome) -> _R:
        """Certify the votes at hand."""

    def __call__(self, params: _P, cancel: Cancel, progress: OnProgress) -> Previews[_R]:
        """Yield previews under anytime-valid bounds; return the final result."""
        e = self.experiment(params)
        key = (e.dataset.fingerprint(), repr(e.poisoning), repr(self.learner), e.seed)
        attack = self.attacks.get(key, lambda: plant_attack(e.dataset, e.poisoning, self.learner, e.seed))
        steps = ((outcome, outcome.voted) for outcome in e.stream(attack=attack, grow=self.memory.stream))
        return show_previews(steps, e.num_models, cancel, progress, partial(self.result, params))
