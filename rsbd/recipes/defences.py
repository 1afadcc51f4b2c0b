"""Two defences against one planted attack, side by side: noise, and bags with votes that no trigger can move."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rsbd.attacks import Poisoning
from rsbd.data import Dataset
from rsbd.evasion import AnyPatch, AnyPixels
from rsbd.files import write_text
from rsbd.learners import Learner, RobustLinear
from rsbd.noises import Bagging, ClassBagging, Smoothing
from rsbd.recipes.experiment import Experiment
from rsbd.recipes.planted import any_trigger, trigger_size
from rsbd.recipes.report import Report

_SIDES, _COUNTS = (1, 2, 3, 4, 5), (1, 2, 3, 4, 6, 9)


def with_bags(
    dataset: Dataset, poisoning: Poisoning, bag: int | None = None, learner: Learner | None = None, **settings: Any
) -> Experiment:
    """Return the experiment whose bags hide the poisoned rows, and whose votes no trigger like the planted one moves.

    Certificates are about poisoned rows that hold anything, and a test input that carries any trigger of the size of
    the planted one; the map also has other sizes. Nothing is noised on the test input.

    Parameters
    ----------
    dataset, poisoning, **settings
        As in :class:`~rsbd.recipes.experiment.Experiment`.
    bag : int, optional
        Rows in a bag; one row of each class unless given.
    learner : Learner, optional
        As in :func:`rsbd.recipes.pecan`.

    Raises
    ------
    InputError
        The trigger changes every pixel, as a blended one does, so no vote withstands it.

    Examples
    --------
    >>> from rsbd.attacks import BadPatch
    >>> from rsbd.data import load
    >>> from rsbd.recipes.report import report
    >>> digits = load("digits", classes=(0, 1), points=30)
    >>> found = report(with_bags(digits, Poisoning(BadPatch(2), target=0, rate=0.02), num_models=200).run())
    >>> found.trigger, found.threat.rows, found.planted > 0.5
    ('any 2x2 patch anywhere', 4, True)
    """
    planted = any_trigger(poisoning.trigger, dataset.shape)
    most = min(dataset.shape[-2:])
    patches = isinstance(planted, AnyPatch)
    sizes = [size for size in (_SIDES if patches else _COUNTS) if size <= most and size != trigger_size(planted)]
    others = [AnyPatch(size) if patches else AnyPixels(size) for size in sizes]
    rows = ClassBagging.of(dataset) if bag is None else Bagging(bag)
    run = {"learner": learner or RobustLinear(), "triggers": (planted, *others), **settings}
    return Experiment(dataset, poisoning, Smoothing(rows=rows), **run)


@dataclass(frozen=True)
class SideBySide:
    """Reports of both defences against one planted attack.

    Parameters
    ----------
    noise, bags : Report
        Of noise on training set and test input, and of :func:`with_bags`.
    """

    noise: Report
    bags: Report

    def as_dict(self) -> dict[str, Any]:
        """Return everything in ``result.json``: the planted attack by defence, the noise's results, and the bags'."""
        noise, bags = self.noise.as_dict(), self.bags.as_dict()
        each = {"noise": noise["planted"], "bags": bags["planted"]}
        best = max(each.values(), key=lambda planted: planted["accuracy"])
        return {**noise, "planted": {**best, "by_defence": each}, "bags": bags}

    def write(self, folder: Path) -> list[Path]:
        """Write the files of the noise's report, and those of the bags' into the folder ``bags`` there."""
        paths = [*self.noise.write(folder), *self.bags.write(folder / "bags")]
        write_text(paths[0], json.dumps(self.as_dict(), indent=2) + "\n")
        return paths
