"""Live panels: frozen parameters, a pure computation, a pure drawing, and controls that only connect them.

``rsbd.panels.backdoor(...)`` is the main panel; ``PANELS`` has all of them by name. :func:`smoothed` makes a panel of
any noise in a line. Each panel is a package with the name of its function and three files: ``compute.py`` has
``BackdoorParams``, ``BackdoorResult`` and the computation, ``__init__.py`` has ``backdoor`` and ``draw_backdoor``, and
``words.toml`` what the panel says. A panel of your own is some forty lines. Here is a whole one, which asks how far
votes can certify; :mod:`rsbd.panels.engine` says how ``compute_votes`` could also report progress, stop early and yield
previews.

Examples
--------
>>> from dataclasses import dataclass
>>> import numpy as np
>>> from rsbd import Gaussian, Smoothing, bounds, radius
>>> from rsbd.panels import Panel, Picture, Slider, SyncRunner, svg
>>> from rsbd.panels.chart import Chart
>>> from rsbd.panels.panel import first_params
>>> from rsbd.words import down, percent, state
>>> @dataclass(frozen=True)
... class VotesParams:
...     sigma: float = 0.5
...     agree: float = 0.9
>>> MODELS = np.arange(20, 1001, 20)
>>> def compute_votes(params, cancel, progress):
...     agreed = np.round(params.agree * MODELS).astype(int)
...     votes = np.stack([agreed, MODELS - agreed], axis=1)
...     noise = Smoothing(test=Gaussian(params.sigma))
...     return params, radius(bounds.simultaneous(votes, alpha=0.001), noise).radius
>>> def draw_votes(result):
...     params, radii = result
...     axes = "number of models", "L2 radius (input units)"
...     chart = Chart((78, 60, 580, 400), (0, 1000), (0, 3), "how far votes can certify", *axes, above=1)
...     said = f"{percent(params.agree)} of the models agree"
...     curve = chart.line(MODELS, np.maximum(radii, 0), svg.BLUE) + chart.key((said, svg.BLUE, ""))
...     least, most = (down(max(radius, 0)) for radius in radii[[0, -1]])
...     alt = f"Certified radius by number of models, sigma {params.sigma:g}, {said}: from {least} with "
...     alt += f"{MODELS[0]} to {most} with {MODELS[-1]} {state(1, 1)}"
...     sentence = f"If {said}, 1,000 of them certify an L2 radius of {most} (alpha = 0.001)."
...     return Picture(svg.document(600, 460, [chart.frame(), curve]), alt, sentence)
>>> CONTROLS = (
...     Slider("sigma", "sigma (input units)", 0.1, 1.0, 0.1),
...     Slider("agree", "share of the models that agree", 0.5, 0.99, 0.01),
... )
>>> def votes(*, runner=None, **settings):
...     return Panel(first_params(VotesParams, settings), CONTROLS, compute_votes, draw_votes, runner)
>>> panel = votes(agree=0.95, runner=SyncRunner())
>>> panel.sentence
'If 95 % of the models agree, 1,000 of them certify an L2 radius of 0.71 (alpha = 0.001).'
"""

from collections.abc import Callable
from typing import Any

from rsbd.panels.attack import attack
from rsbd.panels.backdoor import backdoor
from rsbd.panels.compare import compare
from rsbd.panels.confidence import confidence
from rsbd.panels.controls import Button, Choice, Slider, Toggle
from rsbd.panels.engine import Cancelled, Engine, Frame
from rsbd.panels.evidence import evidence
from rsbd.panels.label_flips import label_flips
from rsbd.panels.panel import Panel
from rsbd.panels.partitions import partitions
from rsbd.panels.plane import plane
from rsbd.panels.planted import planted
from rsbd.panels.rab import rab
from rsbd.panels.runners import SyncRunner, ThreadRunner
from rsbd.panels.smoothed import smoothed
from rsbd.panels.svg import Picture
from rsbd.panels.worst_case import worst_case

# The tests that all panels share make each of them with no argument but ``runner``.
PANELS: dict[str, Callable[..., Panel[Any, Any]]] = {
    panel.__name__: panel for panel in (
        attack, backdoor, compare, confidence, evidence, label_flips, partitions, plane, planted, rab, worst_case,
    )
}  # fmt: skip

__all__ = ["attack", "backdoor", "compare", "confidence", "evidence", "label_flips"]
__all__ += ["partitions", "plane", "planted", "rab", "worst_case"]
__all__ += ["PANELS", "Panel", "Picture", "smoothed"]
__all__ += ["Button", "Cancelled", "Choice", "Engine", "Frame", "Slider", "SyncRunner", "ThreadRunner", "Toggle"]
