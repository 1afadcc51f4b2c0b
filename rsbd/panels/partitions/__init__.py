"""The panel of partitions and bags: hide each training row from most models."""

from typing import Any

from rsbd.data import Dataset
from rsbd.panels.panel import Panel, image_dataset
from rsbd.panels.partitions.compute import PartitionsComputation, PartitionsParams, PartitionsResult
from rsbd.panels.partitions.draw import draw_partitions
from rsbd.panels.runners import Runner


def partitions(
    dataset: Dataset | str | None = None,
    *,
    target: int | str = 0,
    seed: int = 0,
    runner: Runner | None = None,
    **settings: Any,
) -> Panel[PartitionsParams, PartitionsResult]:
    """Return the live panel of methods that hide each training row from most models.

    Parameters
    ----------
    dataset : Dataset or str, optional
        Images in their binary view; a name is loaded. The digits 0 and 1 unless given.
    target : int or str
        Class that the attacker wants.
    seed : int
        Seed of the attack and of the ensemble.
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`~rsbd.panels.partitions.compute.PartitionsParams`:
        ``method``, ``poisoned``, ``parts``, ...

    Raises
    ------
    InputError
        If the inputs are not binary images, the target is not a class, or a setting is out of range.

    References
    ----------
    As in :func:`rsbd.recipes.dpa`, :func:`rsbd.recipes.bagging` and :func:`rsbd.recipes.bagflip`.

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> panel = partitions(parts=30, poisoned=2, runner=SyncRunner())
    >>> panel.sentence[:71]
    'DPA with 30 parts: with 2 poisoned rows, 27 of 30 models are untouched.'
    """
    data = image_dataset(dataset, "binary", lambda levels: levels == 2, classes=(0, 1))
    compute = PartitionsComputation(data, data.label(target), seed)
    return Panel.of(PartitionsParams, settings, compute, draw_partitions, runner)
