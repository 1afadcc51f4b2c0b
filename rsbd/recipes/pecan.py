"""After Zhang, Albarghouthi, D'Antoni 2023: few rows for each model, and only votes count that no trigger can move."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Unpack

import numpy as np
import torch

from rsbd import bounds, ensemble
from rsbd.certify import Certificate, radius
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.evasion import AnyTrigger, read_triggers
from rsbd.evasion.linear import reached_classes
from rsbd.learners import Learner, Models, Problem, RobustLinear
from rsbd.learners.base import LinearScores
from rsbd.learners.checked import find_reached, is_own, predict_labels, train_models
from rsbd.learners.determinism import reproducible
from rsbd.learners.randomness import generators
from rsbd.noises import Bagging, ClassBagging, Partition, Smoothing
from rsbd.noises.smoothing import RowNoise
from rsbd.recipes.dpa import Parted, count_votes, label_parts
from rsbd.recipes.result import Guarded
from rsbd.recipes.run import Run, split_run
from rsbd.types import Bools, Floats, Ints, Labels


@dataclass(frozen=True, repr=False)
class GuardedParts(Parted):
    """Votes of the models of parts, and what they prove against rows and triggers; ``certificate`` is the first one.

    Parameters
    ----------
    held : mapping
        The certificate for each trigger that the votes were held against.
    """

    held: Mapping[AnyTrigger, Certificate]

    def map(self, y: Ints, rows: Sequence[int]) -> Floats:
        """Return the certified accuracy against each radius and each trigger: (rows, triggers)."""
        return np.stack([each.curve(y, rows) for each in self.held.values()], axis=1)


def pecan(
    dataset: Dataset,
    trigger: AnyTrigger | Sequence[AnyTrigger],
    bag: int | RowNoise | None = None,
    *,
    parts: int | Partition | None = None,
    by_window: bool = False,
    **run: Unpack[Run],
) -> Guarded | GuardedParts:
    """Certify predictions against a backdoor: bags hide the poisoned rows, and no trigger moves the votes that count.

    Nothing is noised on the test input. A model's vote counts for its label only if no trigger can move it, and counts
    against the label otherwise. So whatever the attacker writes on the test input, the votes that count stay, and only
    bags with poisoned rows are lost.

    Guarantee
    ---------
    For each point (for all of them at once with ``points="all"``), with confidence ``1 - alpha``: no training set that
    comes from ``dataset`` by changing, inserting or removing at most ``radius`` rows, together with any such trigger on
    the point, changes the smoothed classifier's label. With ``parts`` in place of bags this holds with certainty, for
    the label with most votes, and ``radius`` counts rows as in :func:`rsbd.recipes.dpa`.

    Parameters
    ----------
    dataset : Dataset
        The certificate is centred on it; features from 0 to 1.
    trigger : AnyTrigger or sequence of AnyTrigger
        What may be on the test input, such as ``AnyPatch(3)``. One ensemble serves several triggers; the certificate is
        about the first one.
    bag : int or RowNoise
        Rows in a bag, or another way to draw few rows; unless given, one row of each class,
        ``ClassBagging.of(dataset)``.
    parts : int or Partition, optional
        Deal the rows out, as the paper does, instead of drawing bags: ``Partition(50, deal="position")`` for rows that
        keep their place. Parts that do not hold two classes abstain. Of ``run`` only ``learner`` and ``seed`` are
        used.
    by_window : bool
        Count the kept votes for each place of the trigger by itself. This certifies more against large patches, and
        costs more.
    **run
        As in :func:`rsbd.recipes.wang`. The models of the base learner must know what a trigger can do to them; it is
        :class:`~rsbd.learners.linear.robust.RobustLinear` unless given.

    Returns
    -------
    Guarded or GuardedParts
        ``certificate.accuracy(y, r)`` is the certified accuracy against ``r`` rows and the trigger; ``map`` has it for
        all triggers.

    References
    ----------
    After Zhang, Albarghouthi, D'Antoni, "PECAN: A Deterministic Certified Defense Against Backdoor Attacks", 2023. They
    deal the rows out to disjoint parts, without sampling; bags are not in the paper.

    Examples
    --------
    >>> from rsbd.data import load
    >>> from rsbd.evasion import AnyPatch
    >>> digits = load("digits", classes=(0, 1), points=50)
    >>> result = pecan(digits, [AnyPatch(1), AnyPatch(2)], num_models=300)
    >>> result.certificate.accuracy(digits.y_test, radius=5) > 0.7
    True
    """
    triggers = read_triggers(trigger)
    if not triggers:
        raise InputError("there is no trigger", "give AnyPatch(side) or AnyPixels(count), or use bagging()")
    learner, settings, level = split_run(run, RobustLinear())
    windows = {each: each.windows(dataset.shape) if by_window else (each,) for each in triggers}
    if parts is not None:
        if bag is not None:
            raise InputError(f"bag is {bag!r} and parts {parts!r}", "give one of the two")
        partition = parts if isinstance(parts, Partition) else Partition(parts)
        return _deal(dataset, windows, partition, learner, settings.get("seed", 0))
    bag = ClassBagging.of(dataset) if bag is None else bag
    smoothing = Smoothing(rows=Bagging(bag) if isinstance(bag, int) else bag)
    settings |= {"triggers": list(dict.fromkeys(place for places in windows.values() for place in places))}
    votes = ensemble.collect(dataset, smoothing, learner, dataset.x_test, **settings)
    level |= {"runner_up": dataset.num_classes > 2}
    held = {each: bounds.kept_votes(votes.against(each, by_window), **level) for each in triggers}
    evidence = held[triggers[0]]
    certificate = radius(evidence, smoothing, num_rows=dataset.num_rows)
    return Guarded(smoothing, evidence, certificate, dataset.num_rows, votes=votes, held=held)


@reproducible()
def _deal(
    dataset: Dataset,
    windows: Mapping[AnyTrigger, Sequence[AnyTrigger]],
    partition: Partition,
    learner: Learner,
    seed: int,
) -> GuardedParts:
    x, shape, classes = torch.tensor(dataset.x_test).flatten(1), dataset.shape, dataset.num_classes
    trained: dict[int, Models] = {}

    def ask(part: Dataset, start: int) -> Labels:
        streams = generators(start, range(1))
        models = trained[start - seed] = train_models(learner, Problem.of(part, Smoothing()), streams)
        return predict_labels(models, x, None, streams)[0].numpy()

    labels = label_parts(dataset, partition, learner, seed, ask)
    said = torch.from_numpy(labels)
    linear = {i: one.linear() for i, one in trained.items() if isinstance(one, LinearScores) and is_own(one)}
    alone = [i for i in trained if i not in linear]

    def reach(places: Sequence[AnyTrigger]) -> Iterator[Bools]:
        moved = [([i], find_reached(trained[i], x, said[[i]], places, shape, classes)) for i in alone]
        if linear:  # one product for all of them is much faster than one for each
            weights, bias, error = map(torch.cat, zip(*linear.values(), strict=True))
            moved.append(([*linear], reached_classes((weights, bias, error), said[[*linear]], x, places, shape)))
        for _ in places:
            reached = np.zeros((*labels.shape, classes), dtype=bool)  # a part that abstains has no model to move
            for models, found in moved:
                reached[models] = next(found).numpy()
            yield reached

    certify = partial(count_votes, partition, labels, classes, partition.norm, "rows")
    held = {each: certify(trigger=each, reached=reach(places)) for each, places in windows.items()}
    return GuardedParts(partition, labels, next(iter(held.values())), held)
