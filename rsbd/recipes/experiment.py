"""Run the paper's main experiment: plant a backdoor, measure it, smooth the pipeline, and collect the votes."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from rsbd import bounds, ensemble
from rsbd.attacks import Poisoning
from rsbd.bounds import Bounds
from rsbd.data import Dataset
from rsbd.ensemble import Votes, checks, devices
from rsbd.errors import InputError, check_among, check_kind
from rsbd.evasion import AnyTrigger
from rsbd.learners import Learner, Linear
from rsbd.learners.undefended import unwrap
from rsbd.noises import Smoothing
from rsbd.recipes.planted import PlantedAttack, Rates, SuccessBounds, plant_attack
from rsbd.types import Ints

_Grow = Callable[..., Iterator[Votes]]


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
    watched : bool
        Whether somebody watches the certificates while votes arrive and may stop when they look good. Then the final
        bounds are anytime-valid too.
    triggers : tuple of AnyTrigger
        What may be on the test input, the planted attack's own kind first. Then only votes count that none of these
        triggers can move, and the bounds are about the first one; see :func:`rsbd.recipes.defences.with_bags`.
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
    watched: bool = False
    triggers: tuple[AnyTrigger, ...] = ()

    def __post_init__(self) -> None:
        check_among("centre", self.centre, ("clean", "poisoned"))
        bounds.over_points(self.alpha, 1, self.points)
        checks.check_settings(self.dataset, self.smoothing, self.num_models, self.seed, self.learner)
        checks.check_triggers(self.dataset, self.smoothing, self.triggers)
        check_kind("poisoning", self.poisoning, Poisoning)
        self.dataset.label(self.poisoning.target)
        if self.smoothing.features is None and self.smoothing.rows is None:
            raise InputError("training features carry no noise, and nor do rows", "give Smoothing(features=...)")
        if self.smoothing.rows is None:
            _ = self.smoothing.trigger_norm  # raises if features and test input measure a trigger in different norms
        devices.resolve_device(self.device)

    @property
    def target_name(self) -> str:
        """Name of the class that the attacker wants."""
        return self.dataset.classes[self.dataset.label(self.poisoning.target)]

    @property
    def undefended(self) -> Learner:
        """The learner of somebody who does not think of an attack: bags have a learner that is made for them."""
        return Linear() if self.triggers else unwrap(self.learner)

    def stream(
        self,
        folder: Path | None = None,
        executor: Executor | None = None,
        attack: PlantedAttack | None = None,
        grow: _Grow = ensemble.stream,
    ) -> "Iterator[Outcome]":
        """Run the experiment and yield what is known after every block of models; the last outcome is final.

        The ensembles on the poisoned and on the clean rows grow side by side, so that every outcome speaks of about as
        many models of each. Closing the iterator stops the work.

        Parameters
        ----------
        folder : Path, optional
            Where votes are kept as they arrive; an interrupted run continues from there.
        executor : Executor, optional
            Computes the votes in place of this machine's cores.
        attack : PlantedAttack, optional
            The attack of this experiment if it has been planted before.
        grow : callable
            Yields the votes of one ensemble; called like :func:`rsbd.ensemble.stream`, which it may ask for the models
            whose votes are not known yet.

        Raises
        ------
        InputError
            The attack does not fit the data, or the device is missing: before any model is trained.
        """
        if executor is None:
            devices.pick_device(self.device)
        if attack is None:
            attack = plant_attack(self.dataset, self.poisoning, self.learner, self.seed, self.undefended)
        if self.triggers and not (attack.points.min(initial=0) >= 0 and attack.points.max(initial=0) <= 1):
            raise InputError("some triggered inputs leave [0, 1], where no vote is safe", "take another trigger")
        data, target = self.dataset, self.dataset.label(self.poisoning.target)
        asked = [(attack.dataset, attack.points), (data, data.x_test)][: 2 if self.centre == "clean" else 1]
        # Without an executor each ensemble has threads of its own. In one queue, the second ensemble would wait until
        # the first is nearly complete, and nothing could be said of both before.
        run = {"device": self.device, "executor": executor, "store": folder}
        held = [(), self.triggers][-len(asked) :]  # the ensemble on which the certificate is centred is the last
        streams = [
            grow(rows, self.smoothing, self.learner, points, self.num_models, self.seed, **run, triggers=some)
            for (rows, points), some in zip(asked, held, strict=True)
        ]
        for votes in ensemble.stream_together(streams, self.num_models):
            rates = Rates.of(votes[0].label, data.y_test, target)
            # The clean test points come before the triggered ones.
            centre = votes[-1].first_points(data.num_points)
            spent = {k: sum(v.seconds.get(k, 0.0) for v in votes) for k in ("train", "vote")}
            voted = tuple(v.num_models for v in votes)
            triggered = votes[0].counts[data.num_points :][data.y_test != target]
            yield Outcome(self, attack, rates, centre, voted, {"undefended": attack.seconds, **spent}, triggered)

    def run(self, folder: Path | None = None) -> "Outcome":
        """Run the experiment to its end."""
        *_, last = self.stream(folder)
        return last


@dataclass(frozen=True)
class Outcome:
    """The results of an experiment, so far or at its end.

    Parameters
    ----------
    experiment : Experiment
        The settings.
    attack : PlantedAttack
        The poisoned rows, and what they do to classifiers without a defence.
    smoothed : Rates
        The rates of the ensemble trained on the poisoned rows.
    votes : Votes
        Votes on the clean test points, by the ensemble on which the certificate is centred.
    voted : tuple of int
        How many models of each ensemble have voted.
    seconds : dict
        Time for ``train`` and ``vote``, summed over workers, and ``undefended``.
    triggered : ndarray
        Votes of the ensemble trained on the poisoned rows, on the triggered test points that are not of the target
        class, (points, classes).
    """

    experiment: Experiment
    attack: PlantedAttack
    smoothed: Rates
    votes: Votes
    voted: tuple[int, ...]
    seconds: dict[str, float]
    triggered: Ints = field(default_factory=lambda: np.zeros((0, 2), np.int64))

    @property
    def rates(self) -> dict[str, Rates]:
        """The rates by classifier: undefended, the defence's learner without noise, and smoothed."""
        found = self.attack.undefended, self.attack.without_noise, self.smoothed
        return dict(zip(("undefended", "without noise", "smoothed"), found, strict=True))

    @property
    def final(self) -> bool:
        """True if all models have voted."""
        return min(self.voted) >= self.experiment.num_models

    @cached_property
    def bounds(self) -> Bounds:
        """Bounds from ``votes``: simultaneous Clopper-Pearson once all models have voted, anytime-valid before.

        Clopper-Pearson holds for one look at a number of models that is fixed in advance. Before that, the votes are of
        the first models, and not of the fastest. If votes are held against triggers, the bounds are about the first
        trigger.
        """
        return self.bounds_against(next(iter(self.experiment.triggers), None))

    def bounds_against(self, trigger: AnyTrigger | None) -> Bounds:
        """Return the bounds against a trigger of the experiment on the test input, or without one there."""
        e = self.experiment
        if trigger is None:
            return self._bound(self.votes.counts, e.alpha, runner_up=bool(e.triggers), points=e.points)
        return bounds.kept_votes(self.votes.against(trigger), e.alpha, True, e.points, watched=not self._one_look)

    @cached_property
    def success_bounds(self) -> SuccessBounds:
        """Bounds on the smoothed attack success rate, which hold with probability ``1 - alpha`` over the noise."""
        e = self.experiment
        bound = self._bound(self.triggered, e.alpha, runner_up=True, points="all")
        return SuccessBounds.of(bound, e.dataset.label(e.poisoning.target))

    @property
    def _bound(self) -> Callable[..., Bounds]:
        return bounds.simultaneous if self._one_look else bounds.anytime

    @property
    def _one_look(self) -> bool:
        return self.final and not self.experiment.watched
