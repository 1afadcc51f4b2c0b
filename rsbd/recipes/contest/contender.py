"""A method in a comparison: the noises to choose from, and what it proves with one of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np

from rsbd import ensemble
from rsbd.bounds import Bounds
from rsbd.certify import Certificate, certify
from rsbd.data import Dataset
from rsbd.ensemble import Votes
from rsbd.errors import InputError
from rsbd.evasion import AnyTrigger
from rsbd.learners import Learner
from rsbd.noises import ClassBagging, Partition, Smoothing, Threat
from rsbd.recipes.contest.threats import Attack, Defence, as_measured, pixels_of, refusal, trigger_on_test
from rsbd.types import Bools, Labels


@dataclass(frozen=True)
class ProvedLabels:
    """Labels of the points, and what is proved about them.

    Parameters
    ----------
    label : int array, shape (points,)
        Label of each point.
    certified : callable
        Returns which labels no attack within a threat changes; the trigger of the threat counts pixels, or is a patch.
    bounds : Bounds, optional
        The bounds from which that follows, of a method with noise.
    """

    label: Labels
    certified: Callable[[Threat], Bools]
    bounds: Bounds | None = None


def noise_proof(bounds: Bounds, smoothing: Smoothing, num_rows: int, channels: int = 1) -> ProvedLabels:
    """Return the proof of a method with noise: bounds, and the trade-off of the noise."""

    def certified(threat: Threat) -> Bools:
        asked = as_measured(threat, smoothing, channels, kept=bounds.trigger is not None)
        if threat.rows and threat.on_test:
            # The trigger alone may overturn every point; the trade-off of the rows can take long to compute.
            alone = certify(bounds, smoothing, replace(asked, rows=0), num_rows)
            if not alone.any():
                return alone
        return certify(bounds, smoothing, asked, num_rows)

    return ProvedLabels(bounds.label, certified, bounds)


def partition_proof(label: Labels, found: Certificate, deal: str) -> ProvedLabels:
    """Return the proof of a method that partitions the rows, from how many may be inserted or removed, or change.

    The attacker changes rows in place, so a row that is dealt by position counts once. One that is dealt by content
    counts as removed and inserted, unless only its label changes.
    """

    def certified(threat: Threat) -> Bools:
        moved = threat.trigger_on("features") > 0
        each = 2 if moved and deal == "content" else int(moved or threat.relabel)
        return np.asarray(found.radius >= threat.rows * each)

    return ProvedLabels(label, certified)


def pixel_proof(found: Certificate) -> ProvedLabels:
    """Return the proof of a method that partitions the pixels, from how many may change in any row and on the input."""

    def certified(threat: Threat) -> Bools:  # each row may have its trigger on other pixels
        changed = threat.rows * pixels_of(threat, "features") + threat.on_test * pixels_of(threat, "test")
        return np.asarray(found.radius >= changed)

    return ProvedLabels(found.label, certified)


def kept_proof(plain: ProvedLabels, held: Mapping[AnyTrigger, ProvedLabels]) -> ProvedLabels:
    """Return the proof of a method whose votes were held against triggers: from one proof for each, and one without."""

    def certified(threat: Threat) -> Bools:
        wanted = trigger_on_test(threat)
        if wanted is None:
            return plain.certified(threat)
        covering = [trigger for trigger in held if trigger.covers(wanted)]
        if not covering:
            raise InputError(f"no vote was held against {wanted}", "give the comparison this trigger")
        return held[wanted if wanted in covering else covering[0]].certified(threat)

    return ProvedLabels(plain.label, certified)


@dataclass(frozen=True)
class Trial:
    """One defence on one data set, with all the settings that its bounds depend on.

    Parameters
    ----------
    data : Dataset
        Training rows and the points to certify.
    defence : Smoothing or Partition
        The noise, of the kind that the method makes.
    num_models, alpha, points, seed
        As in the recipes.
    learner : Learner, optional
        Replaces the learner of the method.
    times : int
        How often each vote counts: more than once in the search for the noise, which proves nothing.
    options : mapping
        Passed to :func:`rsbd.ensemble.collect`.
    num_rows : int, optional
        Number of training rows that the attacker can reach, if it is not that of ``data``.
    known : dict
        Votes collected before: two methods that differ only in their bound share them.
    triggers : tuple of AnyTrigger
        What may be on the test input: what votes are held against.
    """

    data: Dataset
    defence: Any
    num_models: int
    alpha: float
    points: str
    seed: int
    learner: Learner | None = None
    times: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)
    num_rows: int | None = None
    known: dict[Any, Votes] = field(default_factory=dict, repr=False)
    triggers: tuple[AnyTrigger, ...] = ()

    def collect(self, learner: Learner, triggers: tuple[AnyTrigger, ...] = ()) -> Votes:
        """Return the votes, held against triggers, each as often as it counts."""
        key = (repr(learner), repr(self.defence), self.data.values, self.num_models, self.seed, triggers)
        if key not in self.known:
            rows, smoothing = self.defence.rows, self.defence
            if isinstance(rows, ClassBagging):  # as many rows of each class, of the rows at hand
                smoothing = replace(smoothing, rows=ClassBagging.of(self.data, rows.each))
            run = (self.data, smoothing, learner, self.data.x_test, self.num_models, self.seed)
            self.known[key] = ensemble.collect(*run, triggers=triggers, **self.options)
        return self.known[key].times(self.times)

    def proof(self, bounds: Bounds) -> ProvedLabels:
        """Return what these bounds prove with the noise."""
        return noise_proof(bounds, self.defence, self.num_rows or self.data.num_rows, self.data.channels)


@dataclass(frozen=True)
class Contender:
    """A method in a comparison.

    Parameters
    ----------
    name, paper : str
        Its name and its source.
    view : str
        ``"binary"`` where its noise flips values, ``"unit"`` where it adds to them.
    grid : mapping
        Values to try for each parameter of ``smooth``; all combinations are tried.
    smooth : callable
        ``smooth(data, attack, **parameters)``: the noise, given the slots that the attack changes.
    prove : callable
        Trains, and returns what a :class:`Trial` proves.
    models : int, optional
        Number of models that it trains if that is not the budget.
    refuses : callable
        ``refuses(defence, threat, num_rows)``: why the method cannot face a threat; None where it can.

    Examples
    --------
    >>> from rsbd.data import load
    >>> from rsbd.noises import Flip
    >>> from rsbd.recipes.contest import voted
    >>> only_labels = Contender("labels only", "", "binary", {"keep": (0.6, 0.8)},
    ...                         lambda data, attack, keep: Smoothing(labels=Flip(keep, data.num_classes)), voted())
    >>> digits = load("digits", classes=(0, 1))
    >>> list(only_labels.defences(digits, ("labels",)))[0]
    Smoothing(rows=None, features=None, labels=Flip('3/5', values=2), test=None)
    """

    name: str
    paper: str
    view: str
    grid: Mapping[str, tuple[Any, ...]]
    smooth: Callable[..., Defence]
    prove: Callable[[Trial], ProvedLabels]
    models: int | None = None
    refuses: Callable[[Defence, Threat, int], str | None] = refusal

    def defences(self, data: Dataset, attack: Attack) -> Iterator[Defence]:
        """Return the noises to try, each once: parameters of a slot without noise make no difference."""
        settings = (dict(zip(self.grid, values, strict=True)) for values in product(*self.grid.values()))
        return iter(dict.fromkeys(self.smooth(data, attack, **one) for one in settings))

    def num_models(self, defence: Defence, budget: int) -> int:
        """Return how many models the method trains."""
        if isinstance(defence, Partition):
            return defence.num_models
        return budget if self.models is None else self.models
