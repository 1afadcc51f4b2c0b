"""The panel of certified confidence: how sure of its class a smoothed classifier stays under attack."""

from typing import Any

from rsbd.data import Dataset
from rsbd.learners import LDA, Learner
from rsbd.panels.confidence.compute import ConfidenceComputation, ConfidenceParams, ConfidenceResult
from rsbd.panels.confidence.draw import draw_confidence
from rsbd.panels.panel import Panel, image_dataset
from rsbd.panels.runners import Runner


def confidence(
    dataset: Dataset | str | None = None,
    *,
    learner: Learner | None = None,
    seed: int = 0,
    runner: Runner | None = None,
    **settings: Any,
) -> Panel[ConfidenceParams, ConfidenceResult]:
    """Return the live panel of certified confidence under Gaussian noise on the test image.

    Parameters
    ----------
    dataset : Dataset or str, optional
        Images with gray pixels; a name is loaded in its unit view. 500 rows and 200 points of the digits unless given.
    learner : Learner, optional
        A learner with scores; :class:`~rsbd.learners.discriminant.lda.LDA` unless given.
    seed : int
        Seed of the noise.
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`~rsbd.panels.confidence.compute.ConfidenceParams`:
        ``sigma``, ``radius``, ``measure``, ``point``, ``copies``, ``alpha``.

    Raises
    ------
    InputError
        If the inputs are not images, or a setting is out of range.

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> panel = confidence(sigma=0.25, copies=300, runner=SyncRunner())
    >>> panel.sentence[:43]
    'Test image 0 is called “3”, which is right.'
    """
    data = image_dataset(dataset, "unit", rows=500, points=200)
    compute, last = ConfidenceComputation(data, learner or LDA(), seed), data.num_points - 1
    return Panel.of(ConfidenceParams, settings, compute, draw_confidence, runner, point={"high": last})
