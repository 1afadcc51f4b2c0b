"""What a reader of the panel can set."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from rsbd.errors import InputError
from rsbd.panels.controls import Choice, Control, Slider


@dataclass(frozen=True)
class Params:
    """What a reader of the panel sets.

    Attributes
    ----------
    noise : {"flips", "gaussian", "uniform"}
        Noise on the data: flips of bits, or added to numbers.
    keep : float
        Probability that a bit keeps its value.
    sigma, width : float
        Standard deviation, and length of the interval, in input units.
    changes : int
        Bits that the attacker changes (L0).
    shift : float
        Length of the attacker's change: L2 for Gaussian noise, L1 for uniform noise.
    p_a : float
        Probability of the top class, or a lower bound on it.
    """

    noise: str = "flips"
    keep: float = 0.7
    sigma: float = 0.5
    width: float = 2.0
    changes: int = 3
    shift: float = 0.5
    p_a: float = 0.95

    def __post_init__(self) -> None:
        if self.noise not in ("flips", "gaussian", "uniform"):
            raise InputError(f"noise is {self.noise!r}", "choose 'flips', 'gaussian' or 'uniform'")

    @property
    def miss(self) -> Fraction:
        """``1 - p_a``, exactly as it is written."""
        return 1 - Fraction(repr(self.p_a))


CONTROLS: tuple[Control, ...] = (
    Choice(
        "noise",
        "noise",
        (("flips on bits", "flips"), ("Gaussian on numbers", "gaussian"), ("uniform on numbers", "uniform")),
    ),
    Slider("keep", "keep", 0.0, 1.0, 0.01),
    Slider("sigma", "sigma (input units)", 0.25, 1.5, 0.05),
    Slider("width", "width (input units)", 0.5, 4.0, 0.1),
    Slider("changes", "changed bits (L0)", 0, 10, 1),
    Slider("shift", "length of the change", 0.0, 2.0, 0.05),
    Slider("p_a", "p_a (top class)", 0.5, 0.999, 0.001),
)


def visible(params: Params) -> dict[str, bool]:
    """Which controls apply under the chosen noise."""
    mine = {"flips": ("keep", "changes"), "gaussian": ("sigma", "shift"), "uniform": ("width", "shift")}
    every = {name for names in mine.values() for name in names}
    return {name: name in mine[params.noise] for name in every}
