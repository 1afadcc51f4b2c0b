"""Many classes by duels: an ensemble for each pair of classes, and the class that wins all its duels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Unpack

import numpy as np

from rsbd import bounds, ensemble
from rsbd.certify import ABSTAIN, Certificate, radius
from rsbd.data import Dataset
from rsbd.ensemble import Votes
from rsbd.evasion import AnyTrigger, read_triggers
from rsbd.learners import Handwriting, RobustLinear
from rsbd.noises import ClassBagging, Smoothing
from rsbd.recipes.result import Result
from rsbd.recipes.run import Run, split_run
from rsbd.types import Floats, Ints, Labels

Pair = tuple[int, int]
_UPRIGHT = RobustLinear(Handwriting(blur=0.05))  # chosen on held-out training rows of MNIST with ten classes


@dataclass(frozen=True, repr=False)
class Duels(Result):
    """The votes of the duels, and what they prove.

    Parameters
    ----------
    votes : mapping
        The votes of each pair of classes, lower label first.
    label : ndarray
        The class that wins all its duels, or ``ABSTAIN``, shape (points,).
    held : mapping
        The certificate against each trigger, and under None the one that leaves the test input as it is.
    """

    votes: Mapping[Pair, Votes]
    label: Labels
    held: Mapping[AnyTrigger | None, Certificate]

    @property
    def certificate(self) -> Certificate:  # type: ignore[override]
        """The certificate against the first trigger; without triggers, the one for the test input as it is."""
        return list(self.held.values())[:2][-1]

    def map(self, y: Ints, rows: Sequence[int]) -> Floats:
        """Return the certified accuracy against each number of rows and each trigger, the first being none."""
        return np.stack([each.curve(y, rows) for each in self.held.values()], axis=1)


def duels(
    dataset: Dataset, trigger: AnyTrigger | Sequence[AnyTrigger] = (), each: int = 4, **run: Unpack[Run]
) -> Duels:
    """Certify predictions among many classes against a backdoor, by one ensemble for each pair of classes.

    One vote over ten classes needs bags that hold them all, and large bags are seldom free of poisoned rows. A duel
    needs a few rows of two classes. The smoothed classifier answers with the class that wins the majority in every one
    of its duels. If no class does, it abstains.

    Guarantee
    ---------
    For each point (for all of them at once with ``points="all"``), with confidence ``1 - alpha``: no training set that
    comes from ``dataset`` by changing, inserting or removing at most ``radius`` rows, together with any such trigger on
    the point, changes the smoothed classifier's label.

    Parameters
    ----------
    dataset : Dataset
        The certificate is centred on it.
    trigger : AnyTrigger or sequence of AnyTrigger
        What may be on the test input; ``()`` for nothing.
    each : int
        Rows of each of the two classes in a bag.
    **run
        As in :func:`rsbd.recipes.wang`; the models are those of one duel. Unless a learner is given, it is
        :class:`~rsbd.learners.linear.robust.RobustLinear` with a blur of 0.05.

    Returns
    -------
    Duels
        ``certificate.accuracy(y, r)`` is the certified accuracy against ``r`` rows and the first trigger.

    References
    ----------
    Pairs of classes: Friedman, "Another approach to polychotomous classification", 1996. Bags of one pair with votes
    that no trigger moves: this library.

    Examples
    --------
    >>> from rsbd.data import load
    >>> from rsbd.evasion import AnyPatch
    >>> digits = load("digits", classes=(0, 1, 2), points=30)
    >>> result = duels(digits, AnyPatch(2), each=3, num_models=200)
    >>> result.certificate.accuracy(digits.y_test, radius=3) > 0.5
    True
    """
    learner, settings, level = split_run(run, _UPRIGHT)
    triggers, votes = read_triggers(trigger), dict[Pair, Votes]()
    wanted = (None, *triggers)
    proofs: dict[AnyTrigger | None, dict[Pair, Certificate]] = {one: {} for one in wanted}
    # A wrong certificate is about one class, and some duel of it has a bound that fails. There are as many classes that
    # could be claimed, so each bound gets alpha / classes; the bounds of a duel share what they get among its two.
    shared = level | {"alpha": 2 * level["alpha"] / dataset.num_classes}
    for pair in combinations(range(dataset.num_classes), 2):
        part = _only(dataset, pair)
        smoothing = Smoothing(rows=ClassBagging.of(part, each))
        own = ensemble.collect(part, smoothing, learner, dataset.x_test, **settings, triggers=triggers)
        votes[pair] = own
        for one in wanted:
            known = bounds.kept_votes(own.against(one), **shared) if one else bounds.simultaneous(own.counts, **shared)
            proofs[one][pair] = radius(known, smoothing, num_rows=part.num_rows)
    about: dict[str, Any] = {"norm": "rows", "slots": ("rows",), "max_radius": len(dataset.x), **level}
    pairs = {one: join_duels(proof, dataset.num_classes) for one, proof in proofs.items()}
    held = {one: Certificate(*found, trigger=one, **about) for one, found in pairs.items()}
    return Duels(votes, _winner({pair: vote.label for pair, vote in votes.items()}, dataset.num_classes), held)


def _only(dataset: Dataset, pair: Pair) -> Dataset:
    """Return the rows of two classes, labelled 0 and 1."""
    rows = np.isin(dataset.y, pair)
    y, y_test = (dataset.y[rows] == pair[1]).astype(np.int64), np.zeros(dataset.num_points, np.int64)
    return dataset.replace(x=dataset.x[rows], y=y, y_test=y_test, classes=tuple(dataset.classes[c] for c in pair))


def join_duels(duel: Mapping[Pair, Certificate], classes: int) -> tuple[Labels, Ints]:
    """Return the class that certainly wins all its duels, and for how many rows it does in each of them; else -1.

    A changed row is at most one edit in every duel. So no attack within the smallest radius turns any of them, and the
    class still wins them all.
    """
    label = _winner({pair: found.label for pair, found in duel.items()}, classes)
    least = np.full(len(label), np.iinfo(np.int64).max)
    for pair, found in duel.items():
        mine = np.isin(label, pair)
        least[mine] = np.minimum(least[mine], found.radius[mine].astype(np.int64))
    return label, np.where(label == ABSTAIN, -1, least)


def _winner(labels: Mapping[Pair, Labels], classes: int) -> Labels:
    """Return the class that wins all its duels, or ``ABSTAIN`` if no class does; labels are 0, 1 or ``ABSTAIN``."""
    wins = np.zeros((classes, *next(iter(labels.values())).shape), np.int64)
    for pair, won in labels.items():
        for place, one in enumerate(pair):
            wins[one] += won == place
    return np.where(wins.max(0) == classes - 1, wins.argmax(0), ABSTAIN)
