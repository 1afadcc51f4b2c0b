"""The paper's main experiment: plant a backdoor, watch it work, smooth, certify."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rsbd import bounds, ensemble
from rsbd.attacks.poisoning import Poisoning, attack_success_rate, clean_accuracy, stamp
from rsbd.bounds import Bounds
from rsbd.certify.stopping import Decided
from rsbd.data import Dataset
from rsbd.ensemble import checks, devices, workers
from rsbd.ensemble.votes import Votes
from rsbd.errors import InputError
from rsbd.learners import Learner
from rsbd.learners.linear.linear import Linear
from rsbd.learners.undefended import predict_undefended
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.types import Labels, Points


@dataclass(frozen=True)
class Experiment:
    """One attack on one data set, and one defence.

    Parameters
    ----------
    dataset : Dataset
        Clean training rows and test points.
    poisoning : Poisoning
        What the attacker does to the training rows; the same trigger is put on the test points.
    smoothing : Smoothing
        The defender's noise.
    learner : Learner
        The base learner.
    num_models, alpha, seed, device
        Size of the ensemble, failure probability, seed, and where it is computed.
    centre : str
        ``"clean"``: certificates say that no attack within the threat changes the prediction. ``"poisoned"``: that
        it is the same for every training set within the threat of the poisoned one, the clean one among them if
        the attack was that small.
    points : str
        What ``alpha`` speaks of: ``"each"`` point by itself, or ``"all"`` of them at once (Bonferroni).
    until : Threat or float, optional
        Train no more models once every point is decided against this threat or radius, at ``num_models`` in any case.
        The certificates then rest on anytime-valid bounds, which allow for having looked: somewhat smaller radii.
    """

    dataset: Dataset
    poisoning: Poisoning
    smoothing: Smoothing
    learner: Learner = field(default_factory=Linear)
    num_models: int = 1000
    alpha: float = 0.001
    seed: int = 0
    device: str = "auto"
    centre: str = "clean"
    points: str = "each"
    until: Threat | float | None = None

    def __post_init__(self) -> None:
        if self.centre not in ("clean", "poisoned"):
            raise InputError(f"centre is {self.centre!r}", "choose clean or poisoned")
        bounds.over_points(self.alpha, 1, self.points)
        self.decided(Votes(np.array([[1, 0]]), ((0, 1),), {}))
        checks.settings(self.dataset, self.smoothing, self.num_models, self.seed)
        devices.named(self.device)

    def decided(self, votes: Votes) -> bool:
        """Whether votes on the test points settle all that :attr:`until` asks for."""
        return self.until is not None and votes.of_the_first and self._rule(votes)

    @cached_property
    def _rule(self) -> Decided:
        assert self.until is not None  # noqa: S101  (asked by `decided` alone)
        return Decided(self.smoothing, self.until, self.alpha, points=self.points, num_rows=self.dataset.num_rows)


@dataclass(frozen=True)
class Rates:
    """Shares of the clean test points that a classifier gets right, and of the triggered ones sent to the target."""

    clean_accuracy: float
    attack_success_rate: float


@dataclass(frozen=True)
class Outcome:
    """What an experiment found, so far or in the end.

    Parameters
    ----------
    experiment : Experiment
        What was asked.
    mask : ndarray
        Which training rows are poisoned, bool (rows,).
    unpoisoned : float
        Clean accuracy of the undefended classifier had nobody attacked.
    undefended, smoothed : Rates
        Of the classifiers trained on the poisoned rows.
    votes : Votes
        On the clean test points, by the ensemble on which the certificate is centred.
    final : bool
        Whether all models have voted, or enough of them to decide every point.
    seconds : dict
        Time for ``train`` and ``vote``, summed over workers, and ``undefended``.
    """

    experiment: Experiment
    mask: NDArray[np.bool_]
    unpoisoned: float
    undefended: Rates
    smoothed: Rates
    votes: Votes
    final: bool
    seconds: dict[str, float]

    @cached_property
    def bounds(self) -> Bounds:
        """From ``votes``: simultaneous Clopper-Pearson for a number fixed in advance, else anytime-valid."""
        bound = bounds.simultaneous if self.final and self.experiment.until is None else bounds.anytime
        return bound(self.votes.counts, self.experiment.alpha, points=self.experiment.points)


def stream(experiment: Experiment, folder: Path | None = None, executor: Executor | None = None) -> Iterator[Outcome]:
    """Run an experiment and yield what is known after every block of models; the last outcome is final.

    Both ensembles, on the poisoned and on the clean rows, grow side by side, so that every outcome speaks of equally
    many models of each. With a ``folder`` the votes are kept there as they come, and an interrupted run goes on. An
    ``executor`` computes them elsewhere.

    Raises
    ------
    InputError
        The attack does not fit the data, or the device is not there: at once, before anything is computed.
    """
    data = experiment.dataset
    if executor is None:
        devices.pick_device(experiment.device)
    poisoned, mask = experiment.poisoning.apply(data, experiment.seed)
    both = np.concatenate([data.x_test, stamp(experiment.poisoning.trigger, data, data.x_test)])
    return _stream(experiment, poisoned, mask, both, folder, executor)


def _stream(
    e: Experiment,
    poisoned: Dataset,
    mask: NDArray[np.bool_],
    both: Points,
    folder: Path | None,
    executor: Executor | None,
) -> Iterator[Outcome]:
    data, target = e.dataset, e.dataset.label(e.poisoning.target)
    began = time.perf_counter()
    at_first = predict_undefended(data, e.learner, data.x_test, e.seed)
    attacked = predict_undefended(poisoned, e.learner, both, e.seed)
    plain = time.perf_counter() - began

    def rates(labels: Labels) -> Rates:
        clean, stamped = np.split(labels, 2)
        success = attack_success_rate(stamped, data.y_test, target)
        return Rates(clean_accuracy(clean, data.y_test), success)

    unpoisoned, undefended = clean_accuracy(at_first, data.y_test), rates(attacked)
    with nullcontext(executor) if executor else workers.threads(e.device) as pool:
        grow = partial(
            ensemble.stream,
            smoothing=e.smoothing,
            learner=e.learner,
            num_models=e.num_models,
            seed=e.seed,
            device=e.device,
            executor=pool,
            store=folder,
        )
        enough = None if e.until is None else lambda votes: e.decided(_first(votes, data.num_points))
        streams = [grow(poisoned, x_test=both, until=None if e.centre == "clean" else enough)]
        if e.centre == "clean":
            streams.append(grow(data, x_test=data.x_test, until=enough))
        for votes, *clean in ensemble.together(streams, e.num_models):
            centre = _first(clean[0] if clean else votes, data.num_points)
            spent = {k: sum(v.seconds.get(k, 0.0) for v in (votes, *clean)) for k in ("train", "vote")}
            final = min(v.num_models for v in (votes, *clean)) >= e.num_models or e.decided(centre)
            found = (unpoisoned, undefended, rates(votes.label))
            yield Outcome(e, mask, *found, centre, final, {"undefended": plain, **spent})
            if final:
                return


def _first(votes: Votes, points: int) -> Votes:
    """Votes on the clean test points, which come before the triggered ones."""
    return replace(votes, counts=votes.counts[:points])


def run(experiment: Experiment, folder: Path | None = None) -> Outcome:
    """Run an experiment to its end."""
    *_, last = stream(experiment, folder)
    return last
