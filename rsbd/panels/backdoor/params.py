"""What a reader of the main panel can set, and what the panel found out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rsbd.errors import InputError
from rsbd.panels.controls import Choice, Control, Slider, Toggle

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Params:
    """Settings of one attack and one defence.

    Attributes
    ----------
    noise : {"tied", "slots", "gaussian"}
        One ``keep`` for training features, training labels and test input; one for each; or Gaussian noise
        on training features and test input, with ``keep_labels`` for the labels.
    keep, keep_features, keep_labels, keep_test : float in [0, 1]
        Probability that a pixel or a label keeps its value.
    sigma : float
        Standard deviation in input units, pixels in [0, 1].
    trigger_pixels : int
        Pixels of the trigger: a white square in a corner, filled row by row.
    poison_rate : float in [0, 1]
        Poisoned rows / rows.
    num_models : int
        Members of the ensemble.
    alpha : float
        Failure probability of each certificate.
    watched : bool
        Certify by bounds that hold at every number of models, at the end too: for whoever watches the curve and
        could stop when it looks good.
    """

    noise: str = "tied"
    keep: float = 0.8
    keep_features: float = 0.85
    keep_labels: float = 0.8
    keep_test: float = 0.85
    sigma: float = 0.5
    trigger_pixels: int = 9
    poison_rate: float = 0.05
    num_models: int = 1000
    alpha: float = 0.001
    watched: bool = False

    def __post_init__(self) -> None:
        if self.noise not in ("tied", "slots", "gaussian"):
            raise InputError(f"noise is {self.noise!r}", "choose 'tied', 'slots' or 'gaussian'")


@dataclass(frozen=True)
class Samples:
    """Some training images on their way: as they were, with the trigger, and as one model sees them.

    Attributes
    ----------
    clean, poisoned, noised : array, (images, height, width) or (images, channels, height, width)
        In [0, 1], the noised ones cut to it.
    labels, poisoned_labels, noised_labels : tuple of str
        Class names.
    """

    clean: Floats
    poisoned: Floats
    noised: Floats
    labels: tuple[str, ...]
    poisoned_labels: tuple[str, ...]
    noised_labels: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """Everything that the picture and the sentence of the main panel say.

    Attributes
    ----------
    clean_accuracy, attack_success : (float, float)
        Undefended and smoothed, both trained on the poisoned rows. NaN where no row can tell.
    radii, accuracies : array, (radii,)
        Certified accuracy at each radius, for the ensemble trained on clean rows.
    norm : str
        Norm of the radii, "L0" or "L2".
    rows, trigger, budget : int, float, float
        The attacker's threat: poisoned rows, trigger in ``norm``, and both together as a radius.
    at_threat : float
        Certified accuracy against exactly that threat.
    map_rows, map_triggers, certified : array, (r,), (t,) and (r, t)
        Certified accuracy against ``r`` poisoned rows with a trigger of size ``t``.
    models : int
        How many models voted so far; ``params.num_models`` at the end.
    naive : array, (radii,), optional
        Certified accuracies that Clopper-Pearson bounds would claim of the same votes, where the result stands
        on anytime-valid ones: read again and again they err more often than ``alpha``.
    """

    params: Params
    dataset: str
    target: str
    samples: Samples
    clean_accuracy: tuple[float, float]
    attack_success: tuple[float, float]
    radii: Floats
    accuracies: Floats
    norm: str
    relabel: bool
    rows: int
    trigger: float
    budget: float
    at_threat: float
    map_rows: Floats
    map_triggers: Floats
    certified: Floats
    models: int
    naive: Floats | None = None

    @property
    def final(self) -> bool:
        """Whether all models have voted."""
        return self.models >= self.params.num_models


NOISES = Choice(
    "noise",
    "noise",
    (
        ("flips, one keep for all", "tied"),
        ("flips, one keep for each part", "slots"),
        ("Gaussian pixels, flipped labels", "gaussian"),
    ),
)
KEEP = Slider("keep", "keep", 0.5, 1.0, 0.01)
SLOTS = (
    Slider("keep_features", "keep (training pixels)", 0.5, 1.0, 0.01),
    Slider("keep_labels", "keep (training labels)", 0.1, 1.0, 0.01),
    Slider("keep_test", "keep (test image)", 0.5, 1.0, 0.01),
)
SIGMA = Slider("sigma", "sigma (pixel units)", 0.05, 3.0, 0.05)
ATTACK = (Slider("trigger_pixels", "trigger (pixels)", 1, 25, 1), Slider("poison_rate", "poison rate", 0.0, 0.1, 0.001))
MODELS = Slider("num_models", "models", 100, 5000, 100)
ALPHA = Choice("alpha", "alpha", tuple((f"{a:g}", a) for a in (0.1, 0.05, 0.01, 0.001, 0.0001)))

WATCHED = Toggle("watched", "bounds that hold while watched (anytime-valid)")

FULL: tuple[Control, ...] = (NOISES, KEEP, *SLOTS, SIGMA, *ATTACK, MODELS, ALPHA, WATCHED)
COMPACT: tuple[Control, ...] = (KEEP, *ATTACK)


def visible(params: Params) -> dict[str, bool]:
    """Which controls apply under the chosen noise."""
    slots = {slider.name: params.noise == "slots" for slider in SLOTS}
    gaussian = params.noise == "gaussian"
    return {**slots, "keep": params.noise == "tied", "sigma": gaussian, "keep_labels": slots["keep_labels"] or gaussian}
