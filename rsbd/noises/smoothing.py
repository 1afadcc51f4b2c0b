"""What is noised, what the attacker may change, and the trade-off between the two."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rsbd import tradeoff
from rsbd.errors import InputError
from rsbd.noises.base import Noise
from rsbd.tradeoff import Tradeoff

if TYPE_CHECKING:
    from torch import Generator, Tensor

WHERE = {"features": "the training features", "labels": "the training labels", "test": "the test input"}
REMEDY = {
    "features": "or use Threat(rows=0) or Threat(trigger=0)",
    "labels": "or use Threat(relabel=False)",
    "test": "or use Threat(on_test=False)",
}


class RowNoise(Protocol):
    """Noise on the rows themselves, such as a bootstrap: it decides how many poisoned rows are drawn."""

    def shift_rows(self, rows: int, num_rows: int | None, inside: Callable[[int], Tradeoff]) -> Tradeoff:
        """Trade-off of `rows` changed ones out of `num_rows`.

        `inside(j)` is the trade-off of features and labels where `j` poisoned rows were drawn; a slot
        without noise is lost there.
        """
        ...

    def draw(self, num_rows: int, generator: Generator) -> Tensor:
        """Numbers of the rows that one model learns from, in which a row may be missing or come up often."""
        ...

    @property
    def size(self) -> int:
        """How many rows are drawn."""
        ...


@dataclass(frozen=True)
class Threat:
    """What the attacker may do, in the attacker's words.

    Parameters
    ----------
    rows : int
        Number of poisoned training rows.
    trigger : float or mapping
        Size of the trigger in the norm of the noise: changed features for `Flip`, L2 length for
        `Gaussian`, L1 length for `Uniform`. Where training features and test input have different norms:
        ``{"features": 2, "test": 0.5}``.
    relabel : bool
        Whether the poisoned rows' labels change too.
    on_test : bool
        Whether the trigger is also put on the test input.
    """

    rows: int = 0
    trigger: float | Mapping[str, float] = 0
    relabel: bool = True
    on_test: bool = True

    def __post_init__(self) -> None:
        if not _is_count(self.rows):
            raise InputError(f"rows is {self.rows!r}", "give the number of poisoned rows, 0 or more")
        object.__setattr__(self, "rows", int(self.rows))  # numpy's whole numbers would overflow in powers
        if not isinstance(self.trigger, Mapping):
            object.__setattr__(self, "trigger", _plain_size(self.trigger))
            return
        for slot in self.trigger:
            if slot not in ("features", "test"):
                raise InputError(f"trigger has a size for {slot!r}", "a trigger is on 'features' and on 'test'")
        plain = {slot: _plain_size(size) for slot, size in self.trigger.items()}
        object.__setattr__(self, "trigger", plain)

    def trigger_on(self, slot: str) -> float:
        """Size of the trigger in the norm of `"features"` or `"test"`."""
        return self.trigger.get(slot, 0) if isinstance(self.trigger, Mapping) else self.trigger


@dataclass(frozen=True)
class Smoothing:
    """The noise in each slot, or None where there is none.

    Parameters
    ----------
    rows : RowNoise, optional
        Which rows are trained on, such as `Bagging`. Features and labels are noised anew for every row drawn.
    features, labels, test : Noise, optional
        Noise on the training features, the training labels and the test input.

    Examples
    --------
    >>> from rsbd.noises import Flip
    >>> tied = Smoothing(features=Flip(0.8), labels=Flip(0.8), test=Flip(0.8))
    >>> tied.tradeoff(Threat(rows=5, trigger=2))  # 5 x 2 pixels, 5 labels, 2 pixels on the test input
    flips(keep=4/5, values=2, changes=17)
    """

    rows: RowNoise | None = None
    features: Noise | None = None
    labels: Noise | None = None
    test: Noise | None = None

    def __post_init__(self) -> None:
        if self.rows is not None and not hasattr(self.rows, "shift_rows"):
            raise InputError(f"rows is {self.rows!r}, which draws no rows", "give Bagging(size), or None")
        for slot, noise in self.slots.items():
            if noise.norm == "rows":
                raise InputError(f"{slot} is {noise!r}, which draws rows", f"give Smoothing(rows={noise!r})")

    @property
    def slots(self) -> dict[str, Noise]:
        """The noised ones among features, labels and test."""
        every = {"features": self.features, "labels": self.labels, "test": self.test}
        return {slot: noise for slot, noise in every.items() if noise is not None}

    def tradeoff(self, threat: Threat, num_rows: int | None = None) -> Tradeoff:
        """Trade-off between the data that the defender holds and any data within the threat.

        Features change by one trigger a row (in L0 that is rows x trigger coordinates, in L2 a length of
        sqrt(rows) x trigger), labels by one a row, the test input by one trigger. The slots' noises are
        independent, so their trade-offs multiply.

        Parameters
        ----------
        threat : Threat
            What may change.
        num_rows : int, optional
            Number of training rows, where `rows` carries noise.

        Raises
        ------
        InputError
            If something changes that carries no noise: names the slot and the remedy.
        """
        if self.rows is None:
            law = self._training(threat, threat.rows)
        else:
            law = self.rows.shift_rows(threat.rows, num_rows, lambda drawn: self._training(threat, drawn))
        return law * self._shift("test", threat.trigger_on("test")) if threat.on_test else law

    def _training(self, threat: Threat, rows: int) -> Tradeoff:
        law = self._shift("features", threat.trigger_on("features"), rows)
        return law * self._shift("labels", 1, rows) if threat.relabel else law

    def _shift(self, slot: str, size: float, times: int = 1) -> Tradeoff:
        if not (size and times):
            return tradeoff.identity()
        noise = self.slots.get(slot)
        if noise is not None:
            return noise.shift_each(size, times)
        if self.rows is not None and slot != "test":
            return tradeoff.levels([1, 0], [0, 1])
        raise InputError(
            f"the threat changes {WHERE[slot]}, where there is no noise",
            f"give Smoothing({slot}=...) a noise, {REMEDY[slot]}",
        )


def _is_count(number: object) -> bool:
    return type(number) is not bool and isinstance(number, Integral) and int(number) >= 0


def _plain_size(size: Any) -> float:
    # Times the number of rows, numpy's short integers overflow and its short floats round: plain ones do neither.
    plain: float = size.item() if isinstance(size, np.generic) else size
    if not (isinstance(size, Real) and isfinite(size) and float(size) >= 0):
        raise InputError(f"trigger is {size!r}", "give the size of the trigger, 0 or more")
    return plain
