"""The panel of the worst classifier: Neyman and Pearson's worst event, and the trade-off curve that it traces."""

from typing import Any

from rsbd.panels.panel import Panel
from rsbd.panels.runners import Runner
from rsbd.panels.worst_case.compute import WorstCaseParams, WorstCaseResult, compute_worst_case
from rsbd.panels.worst_case.draw import draw_worst_case


def worst_case(*, runner: Runner | None = None, **settings: Any) -> Panel[WorstCaseParams, WorstCaseResult]:
    """Return the live panel of the worst classifier.

    Parameters
    ----------
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`~rsbd.panels.worst_case.compute.WorstCaseParams`:
        ``noise``, ``keep``, ``sigma``, ``width``, ``changes``, ``shift``, ``p_a``.

    Raises
    ------
    InputError
        If a setting does not exist or is out of range.

    References
    ----------
    Neyman and Pearson 1933; Lee et al. 2019, section 4 (flips); Cohen et al. 2019, theorem 1 (Gaussian); Weber et al.
    2023, corollary 2 (uniform).

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> panel = worst_case(keep=0.8, changes=1, p_a=0.9, runner=SyncRunner())
    >>> panel.sentence[:84]
    'With p_a = 0.9 the miss is 0.1, and 1 changed bit (keep 0.8) can make of it up to 0.'
    """
    return Panel.of(WorstCaseParams, settings, compute_worst_case, draw_worst_case, runner)
