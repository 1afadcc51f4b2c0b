"""The panel of smoothing in two dimensions."""

from typing import Any

from rsbd.panels.panel import Panel
from rsbd.panels.plane.compute import PlaneParams, PlaneResult, compute_plane
from rsbd.panels.plane.draw import draw_plane
from rsbd.panels.runners import Runner


def plane(*, runner: Runner | None = None, **settings: Any) -> Panel[PlaneParams, PlaneResult]:
    """Return a live panel of a smoothed classifier in two dimensions, where everything can be seen.

    A base classifier with a wiggly region; a point; Gaussian noise around it; the votes; the interval of Clopper and
    Pearson; and the circle in which the smoothed classifier provably gives the same answer.

    Parameters
    ----------
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`~rsbd.panels.plane.compute.PlaneParams`:
        ``x``, ``y``, ``sigma``, ``samples``, ``alpha``, ``seed``.

    Raises
    ------
    InputError
        If a setting does not exist or is out of range.

    References
    ----------
    Cohen, Rosenfeld, Kolter, "Certified Adversarial Robustness via Randomized Smoothing", 2019, theorem 1.

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> panel = plane(sigma=2.0, runner=SyncRunner())
    >>> panel.sentence[:30]
    'At (0, 0.1) with sigma 2, 100 '
    """
    return Panel.of(PlaneParams, settings, compute_plane, draw_plane, runner)
