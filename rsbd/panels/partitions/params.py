"""What a reader of the panel can set, and what the panel found out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rsbd.errors import InputError
from rsbd.panels.controls import Choice, Control, Slider
from rsbd.types import Bools

Floats = npt.NDArray[np.floating]
METHODS = {"dpa": "DPA", "finite": "Finite Aggregation", "bagging": "bagging", "bagflip": "BagFlip"}
SECOND = {
    "dpa": "rows only inserted or removed",
    "finite": "rows only inserted or removed",
    "bagging": "rows only inserted",
    "bagflip": "any change of a row, test image as it is",
}
ALPHA = 0.001


@dataclass(frozen=True)
class Params:
    """Settings of one defence and one attack.

    Attributes
    ----------
    method : {"dpa", "finite", "bagging", "bagflip"}
        How rows reach models.
    poisoned : int
        Poisoned rows of the attack.
    parts, spread : int
        DPA and Finite Aggregation: a model learns from about one row in ``parts``. Finite Aggregation: a row
        reaches ``spread`` models.
    size, num_models : int
        Bagging and BagFlip: rows in a bag, and number of bags.
    keep : float in [0, 1]
        BagFlip: probability that a pixel or a label keeps its value.
    trigger : int
        BagFlip: pixels of the trigger. The other methods certify whatever the rows become.
    """

    method: str = "dpa"
    poisoned: int = 5
    parts: int = 50
    spread: int = 3
    size: int = 20
    keep: float = 0.95
    trigger: int = 1
    num_models: int = 1000

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(f"method is {self.method!r}", f"choose one of {', '.join(METHODS)}")

    @property
    def drawn(self) -> bool:
        """Whether rows are drawn at random; else they are dealt out."""
        return self.method in ("bagging", "bagflip")

    @property
    def models(self) -> int:
        """How many models vote."""
        return self.num_models if self.drawn else self.parts * (self.spread if self.method == "finite" else 1)


@dataclass(frozen=True)
class Found:
    """Everything that the picture and the sentence say.

    Attributes
    ----------
    holds, lost : bool array, (models,)
        Models that learn from a poisoned row, and models that only lost the row that was poisoned: where rows are
        dealt out by their content, a changed row moves.
    accuracy, alone : float
        Clean accuracy of the vote, and of its models one by one on average.
    changed, second : array, (rows,)
        Certified accuracy against 0, 1, 2, ... poisoned rows, and under the reading that ``SECOND`` names.
    """

    params: Params
    dataset: str
    holds: Bools
    lost: Bools
    accuracy: float
    alone: float
    changed: Floats
    second: Floats


CONTROLS: tuple[Control, ...] = (
    Choice(
        "method",
        "method",
        (
            ("DPA: rows dealt out", "dpa"),
            ("Finite Aggregation: small parts, shared", "finite"),
            ("bagging: rows drawn at random", "bagging"),
            ("BagFlip: drawn, then flipped", "bagflip"),
        ),
    ),
    Slider("poisoned", "poisoned rows", 1, 30, 1),
    Slider("parts", "parts", 5, 100, 1),
    Slider("spread", "models that share a row", 1, 4, 1),
    Slider("size", "rows in a bag", 1, 100, 1),
    Slider("keep", "keep (pixels and labels)", 0.5, 1.0, 0.01),
    Slider("trigger", "trigger (pixels)", 1, 9, 1),
    Slider("num_models", "models", 100, 5000, 100),
)


def visible(params: Params) -> dict[str, bool]:
    """Which controls apply to the chosen method."""
    flips = params.method == "bagflip"
    return {
        "parts": not params.drawn,
        "spread": params.method == "finite",
        "size": params.drawn,
        "num_models": params.drawn,
        "keep": flips,
        "trigger": flips,
    }
