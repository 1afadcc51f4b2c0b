"""After Zhang, Albarghouthi, D'Antoni 2023: few rows for each model, and only votes count that no trigger can move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rsbd import bounds, ensemble
from rsbd.certify import radius
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.evasion import AnyTrigger
from rsbd.learners import Learner, RobustLinear
from rsbd.noises import Bagging, Smoothing
from rsbd.noises.smoothing import RowNoise
from rsbd.recipes.certified import Guarded


def pecan(
    dataset: Dataset,
    trigger: AnyTrigger | Sequence[AnyTrigger],
    bag: int | RowNoise = 6,
    *,
    by_window: bool = False,
    learner: Learner | None = None,
    num_models: int = 1000,
    alpha: float = 0.001,
    points: str = "each",
    seed: int = 0,
    **options: Any,
) -> Guarded:
    """Certify predictions against a backdoor: bags hide the poisoned rows, and no trigger moves the votes that count.

    Nothing is noised on the test input. A model's vote counts for its label only if no trigger can move it, and counts
    against the label otherwise. So whatever the attacker writes on the test input, the votes that count stay, and only
    bags with poisoned rows are lost.

    Guarantee
    ---------
    For each point (for all of them at once with ``points="all"``), with confidence ``1 - alpha``: no training set that
    comes from ``dataset`` by changing, inserting or removing at most ``radius`` rows, together with any such trigger on
    the point, changes the smoothed classifier's label.

    Parameters
    ----------
    dataset : Dataset
        The certificate is centred on it; features from 0 to 1.
    trigger : AnyTrigger or sequence of AnyTrigger
        What may be on the test input, such as ``AnyPatch(3)``. One ensemble serves several triggers; the certificate is
        about the first one.
    bag : int or RowNoise
        Rows in a bag, or another way to draw few rows, such as :meth:`rsbd.noises.ClassBagging.of`.
    by_window : bool
        Count the kept votes for each place of the trigger by itself. This certifies more against large patches, and
        costs more.
    learner : Learner, optional
        A base learner whose models know what a trigger can do to them;
        :class:`~rsbd.learners.linear.robust.RobustLinear` unless given.
    num_models, alpha, points, seed, **options
        As in :func:`rsbd.recipes.wang`.

    Returns
    -------
    Guarded
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
    triggers = (trigger,) if isinstance(trigger, AnyTrigger) else tuple(trigger)
    if not triggers:
        raise InputError("there is no trigger", "give AnyPatch(side) or AnyPixels(count), or use bagging()")
    smoothing = Smoothing(rows=Bagging(bag) if isinstance(bag, int) else bag)
    places = [place for each in triggers for place in (each.windows(dataset.shape) if by_window else (each,))]
    base, options = learner or RobustLinear(), {**options, "triggers": list(dict.fromkeys(places))}
    votes = ensemble.collect(dataset, smoothing, base, dataset.x_test, num_models, seed, **options)
    many = dataset.num_classes > 2
    held = {each: bounds.kept_votes(votes.against(each, by_window), alpha, many, points) for each in triggers}
    evidence = held[triggers[0]]
    certificate = radius(evidence, smoothing, num_rows=dataset.num_rows)
    return Guarded(smoothing, evidence, certificate, dataset.num_rows, votes=votes, held=held)
