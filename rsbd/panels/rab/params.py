"""What a reader of the panel can set, and what the panel found out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rsbd.panels.controls import Choice, Control, Slider

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Params:
    """Settings of one attack and one defence.

    Attributes
    ----------
    sigma : float
        Standard deviation of the noise on the training pixels, in input units (pixels in [0, 1]).
    trigger : float
        L2 norm of the trigger in each poisoned image, in input units.
    poison_rate : float in [0, 1]
        Poisoned rows / rows.
    num_models : int
        Members of the ensemble.
    alpha : float
        Failure probability of each certificate.
    """

    sigma: float = 0.5
    trigger: float = 0.5
    poison_rate: float = 0.02
    num_models: int = 1000
    alpha: float = 0.001


@dataclass(frozen=True)
class Found:
    """Everything that the picture and the sentence say.

    Attributes
    ----------
    rows, budget : int, float
        Poisoned rows ``m``, and the attack's total L2 length ``sqrt(m) * trigger``.
    images : tuple of array, (height, width) or (channels, height, width)
        A training image clean, with the trigger, and with trigger and noise as one model sees it.
    target : str
        Label that the attacker wants.
    attack_success : (float, float)
        Undefended and smoothed, both trained on the poisoned rows. NaN where no point can tell.
    radii : array, (radii,)
        Total L2 lengths.
    curves : dict of array, (radii,)
        Certified accuracy at each of them by the name of the bound, of the ensemble trained on clean rows.
    at_attack : dict of float
        The same at ``budget``.
    models : int
        How many models voted so far; ``params.num_models`` at the end.
    """

    params: Params
    dataset: str
    rows: int
    budget: float
    images: tuple[Floats, ...]
    target: str
    attack_success: tuple[float, float]
    radii: Floats
    curves: dict[str, Floats]
    at_attack: dict[str, float]
    models: int

    @property
    def final(self) -> bool:
        """Whether all models have voted."""
        return self.models >= self.params.num_models


CONTROLS: tuple[Control, ...] = (
    Slider("sigma", "sigma (pixel units)", 0.1, 2.0, 0.05),
    Slider("trigger", "trigger (L2 norm)", 0.1, 3.0, 0.1),
    Slider("poison_rate", "poison rate", 0.0, 0.2, 0.005),
    Slider("num_models", "models", 100, 5000, 100),
    Choice("alpha", "alpha", tuple((f"{a:g}", a) for a in (0.1, 0.05, 0.01, 0.001, 0.0001))),
)
