"""The panel of partitions and bags: hide each row from most models, see it live."""

from __future__ import annotations

from typing import Any

from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.panels.engine import Runner
from rsbd.panels.panel import Panel
from rsbd.panels.partitions.compute import Bench
from rsbd.panels.partitions.draw import render
from rsbd.panels.partitions.params import CONTROLS, Found, Params, visible
from rsbd.panels.start import first, images


def partitions(
    dataset: Dataset | str | None = None,
    *,
    target: int | str = 0,
    seed: int = 0,
    runner: Runner | None = None,
    **settings: Any,
) -> Panel[Params, Found]:
    """Return the live panel of methods that hide each training row from most models.

    Parameters
    ----------
    dataset : Dataset or str, optional
        Images in their binary view; a name is loaded. The digits 0 and 1 unless given.
    target : int or str
        Class that the attacker wants.
    seed : int
        Of the attack and of the ensemble.
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`~rsbd.panels.partitions.params.Params`: ``method``, ``poisoned``, ``parts``, ...

    Raises
    ------
    InputError
        If the inputs are no binary images, the target is no class, or a setting is out of range.

    References
    ----------
    As in :func:`rsbd.recipes.dpa`, :func:`rsbd.recipes.bagging` and :func:`rsbd.recipes.bagflip`.

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> panel = partitions(parts=30, poisoned=2, runner=SyncRunner())
    >>> panel.sentence[:71]
    'DPA with 30 parts: with 2 poisoned rows, 28 of 30 models are untouched.'
    """
    data = images(dataset, classes=(0, 1))
    if data.values != 2:
        raise InputError(f"{data.name} is no set of binary images", "load digits, in its binary view")
    bench = Bench(data, data.label(target), seed)
    return Panel(first(Params, settings), CONTROLS, bench, render, runner, visible)
