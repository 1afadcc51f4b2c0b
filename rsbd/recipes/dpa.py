"""Levine and Feizi 2021, Wang, Levine and Feizi 2022: partition the rows among many models, and count votes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from rsbd.certify import ABSTAIN, Certificate
from rsbd.data import Dataset
from rsbd.errors import check_whole
from rsbd.evasion import AnyTrigger
from rsbd.learners import Learner, Linear
from rsbd.learners.checked import check_repeats
from rsbd.learners.undefended import predict_undefended
from rsbd.noises import Partition
from rsbd.recipes.result import Result
from rsbd.types import Bools, Labels

_ASKED_TWICE = 3  # models of the user, once all have answered
_Ask = Callable[[Dataset, int], Labels]


@dataclass(frozen=True, repr=False)
class Dealt(Result):
    """The votes of the models of a partition, and what they prove.

    Parameters
    ----------
    partition : Partition
        How the rows, or the pixels, were dealt out.
    labels : ndarray
        Label of each point by each model, (models, points); -1 where the model abstains.
    certificate : Certificate
        What its radius counts is its norm, see :class:`~rsbd.noises.Partition`.
    """

    partition: Partition
    labels: Labels
    certificate: Certificate


@dataclass(frozen=True, repr=False)
class Parted(Dealt):
    """The votes of the models of a partition of the rows, and what they prove."""

    @property
    def changed(self) -> Certificate:
        """The certificate in changed rows; of rows dealt by content, each is one row removed and one inserted."""
        found = self.certificate
        return replace(found, radius=found.radius // (2 if self.partition.deal == "content" else 1), norm="rows")


def dpa(
    dataset: Dataset,
    parts: int = 50,
    *,
    spread: int = 1,
    deal: str = "content",
    learner: Learner | None = None,
    seed: int = 0,
) -> Parted:
    """Certify predictions against poisoned rows, without noise: one model per part of the rows, and a vote.

    A row reaches only the models of its part, so it moves one vote (``spread`` votes). A lead of ``d`` votes therefore
    withstands ``floor(d / 2)`` rows, one less if a tie would go to the rival. A part that is empty or holds one class
    abstains; a point for which all parts abstain has no label.

    Guarantee
    ---------
    For each point, with certainty. Rows dealt by content: no training set that comes from ``dataset`` by inserting and
    removing at most ``radius`` rows in all changes the label. A changed row counts twice, or once if only its label
    changes. Rows dealt by position: no training set that comes from ``dataset`` by changing at most ``radius`` rows in
    place changes the label; an attacker who inserts, removes or reorders rows is not covered.

    Parameters
    ----------
    dataset : Dataset
        The certificate is centred on it.
    parts : int
        Each model learns from about ``1 / parts`` of the rows. More certify more rows and learn less.
    spread : int
        Models that learn from a row: 1 for DPA, more for Finite Aggregation, which certifies more and trains
        ``spread`` times as many models.
    deal : {"content", "position"}
        What decides a row's part: a hash of its features, or its number.
    learner : Learner, optional
        The base learner; regularised least squares unless given, also in place of a learner that is made for noise.
    seed : int
        For learners that start at random.

    References
    ----------
    Levine, Feizi, "Deep Partition Aggregation: Provable Defense against General Poisoning Attacks", 2021, theorem 1;
    Wang, Levine, Feizi, "Improved Certified Defenses against Data Poisoning with (Deterministic) Finite
    Aggregation", 2022, theorem 2.

    Examples
    --------
    >>> from rsbd.data import load
    >>> digits = load("digits", classes=(0, 1), points=50)
    >>> result = dpa(digits, parts=30)
    >>> result.certificate.accuracy(digits.y_test, radius=5) > 0.9
    True
    >>> result.certificate.by_class(digits.y_test, radius=5).shape  # a vote may hold for one class alone
    (2,)
    """
    partition = Partition(parts, spread, deal)
    labels = label_parts(dataset, partition, learner or Linear(), seed)
    return Parted(partition, labels, count_votes(partition, labels, dataset.num_classes, partition.norm, "rows"))


def count_votes(
    partition: Partition,
    labels: Labels,
    num_classes: int,
    norm: str,
    *slots: str,
    trigger: AnyTrigger | None = None,
    reached: Iterable[Bools | None] = (None,),
) -> Certificate:
    """Return the certificate of the votes of a partition; a point for which nobody votes gets no label.

    Parameters
    ----------
    partition, labels, num_classes
        As in :meth:`~rsbd.noises.Partition.radius`.
    norm, slots, trigger
        Of the certificate.
    reached : iterable of bool array, optional
        The labels that the trigger makes models give, for each place of which the attacker must choose one.
    """
    found = [partition.radius(labels, num_classes, one) for one in reached]
    radius = np.where((labels < 0).all(0), -1, np.min([r for _, r in found], axis=0))
    label = np.where(radius < 0, ABSTAIN, found[0][0])
    return Certificate(label, radius, 0.0, norm, slots, trigger=trigger)


def label_parts(dataset: Dataset, partition: Partition, learner: Learner, seed: int, ask: _Ask | None = None) -> Labels:
    """Return the labels of the test points by the model of each part: (models, points).

    A part that does not hold two classes abstains: its labels are -1.

    Parameters
    ----------
    dataset, partition, learner, seed
        As in :func:`dpa`; model ``i`` starts from ``seed + i``.
    ask : callable, optional
        ``ask(part, seed)`` trains a model on the rows of a data set, and returns its labels of the test points. By
        default it is :func:`~rsbd.learners.undefended.predict_undefended`.
    """
    first = check_whole("seed", seed)
    asked = ask or (lambda part, start: predict_undefended(part, learner, part.x_test, start, check=False))
    labels = np.full((partition.num_models, dataset.num_points), ABSTAIN, dtype=np.int64)
    members = enumerate(partition.members(dataset.x, dataset.y))
    parts = {model: rows for model, rows in members if len(np.unique(dataset.y[rows])) > 1 and dataset.num_points}

    def said(models: Sequence[int]) -> Labels:
        chosen = ((model, dataset.replace(x=dataset.x[parts[model]], y=dataset.y[parts[model]])) for model in models)
        return np.stack([asked(part, first + model) for model, part in chosen])

    if parts:
        labels[[*parts]] = ask_twice(learner, [*parts], said)
    return labels


def ask_twice(learner: Learner, models: Sequence[int], ask: Callable[[Sequence[int]], Labels]) -> Labels:
    """Return the models' labels; the first models are asked again, if code of the user may give other labels."""
    labels, again = ask(models), models[:_ASKED_TWICE]
    check_repeats(learner, lambda: torch.from_numpy(ask(again)), torch.from_numpy(labels[: len(again)]))
    return labels
