"""The panel of certified confidence: how sure a smoothed classifier stays, and not only which class it names."""

from __future__ import annotations

from typing import Any

from rsbd.data import Dataset
from rsbd.learners import LDA, Learner
from rsbd.panels.confidence.compute import FURTHEST, Bench, Found, Params
from rsbd.panels.confidence.draw import render
from rsbd.panels.controls import Choice, Control, Slider
from rsbd.panels.engine import Runner
from rsbd.panels.panel import Panel
from rsbd.panels.start import first, images

__all__ = ["confidence"]


def confidence(
    dataset: Dataset | str | None = None,
    *,
    learner: Learner | None = None,
    seed: int = 0,
    runner: Runner | None = None,
    **settings: Any,
) -> Panel[Params, Found]:
    """Return the live panel of certified confidence under Gaussian noise on the test image.

    Parameters
    ----------
    dataset : Dataset or str, optional
        Images with gray pixels; a name is loaded in its unit view. 500 rows and 200 points of the digits unless given.
    learner : Learner, optional
        A learner with scores; :class:`~rsbd.learners.discriminant.lda.LDA` unless given.
    seed : int
        Of the noise.
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`Params`: ``sigma``, ``radius``, ``measure``, ``point``, ``copies``, ``alpha``.

    Raises
    ------
    InputError
        If the inputs are no images, or a setting is out of range.

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> panel = confidence(sigma=0.25, copies=300, runner=SyncRunner())
    >>> panel.sentence[:43]
    'Test image 0 is called “3”, which is right.'
    """
    data = images(dataset, "unit", rows=500, points=200)
    controls: tuple[Control, ...] = (
        Slider("sigma", "sigma (pixel units)", 0.05, 2.0, 0.05),
        Slider("radius", "L2 radius", 0.0, FURTHEST, 0.01),
        Choice("measure", "confidence", (("score of the class", "score"), ("margin to the next class", "margin"))),
        Slider("point", "test image", 0, data.num_points - 1, 1),
        Choice("copies", "noisy copies", tuple((f"{n:,}", n) for n in (100, 300, 1000, 3000))),
    )
    return Panel(first(Params, settings), controls, Bench(data, learner or LDA(), seed), render, runner)
