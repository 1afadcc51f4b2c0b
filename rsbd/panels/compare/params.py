"""What a reader of the panel can set, and what the panel found out."""

from __future__ import annotations

from dataclasses import dataclass

from rsbd.noises.smoothing import Threat
from rsbd.panels.controls import Control, Slider, Toggle
from rsbd.recipes.contest.threats import Attack, attacked

MOST_ROWS, MOST_PIXELS = 20, 4


@dataclass(frozen=True)
class Params:
    """One attacker.

    Attributes
    ----------
    rows : int
        Poisoned training rows.
    trigger : int
        Pixels of the trigger.
    relabel : bool
        Whether the poisoned rows get a false label.
    on_test : bool
        Whether the trigger is on the test image too.
    """

    rows: int = 1
    trigger: int = 1
    relabel: bool = True
    on_test: bool = True

    @property
    def threat(self) -> Threat:
        """The attacker as the library knows it."""
        return Threat(self.rows, self.trigger, self.relabel and self.rows > 0, self.on_test and self.trigger > 0)

    @property
    def attack(self) -> Attack:
        """Which slots change."""
        return attacked(self.threat)

    @property
    def words(self) -> str:
        """The attacker in words.

        Examples
        --------
        >>> Params(rows=2, relabel=False).words
        '2 poisoned rows, a trigger of 1 pixel, labels kept, trigger on the test image too'
        """
        rows = f"{self.rows} poisoned row{'' if self.rows == 1 else 's'}"
        pixels = f"a trigger of {self.trigger} pixel{'' if self.trigger == 1 else 's'}"
        labels = "relabelled" if self.relabel else "labels kept"
        where = "trigger on the test image too" if self.on_test else "test image untouched"
        return f"{rows}, {pixels}, {labels}, {where}"


@dataclass(frozen=True)
class Entry:
    """One method against the attacker.

    Attributes
    ----------
    method : str
        Its name.
    certified : float or None
        Certified accuracy; None where it cannot face the attacker.
    said : str
        The noise, or why not.
    models : int
        Models that it trained.
    """

    method: str
    certified: float | None
    said: str
    models: int = 0


@dataclass(frozen=True)
class Found:
    """Everything that the picture and the sentence say.

    Attributes
    ----------
    params : Params
        The attacker.
    dataset : str
        Name of the data.
    num_rows, num_models : int
        Training rows, and the budget of models for each method.
    entries : tuple of Entry
        Methods that have an answer.
    total : int
        How many methods there are.
    """

    params: Params
    dataset: str
    num_rows: int
    num_models: int
    entries: tuple[Entry, ...]
    total: int


CONTROLS: tuple[Control, ...] = (
    Slider("rows", "poisoned rows", 0, MOST_ROWS, 1),
    Slider("trigger", "trigger (pixels)", 0, MOST_PIXELS, 1),
    Toggle("relabel", "poisoned rows get a false label"),
    Toggle("on_test", "trigger on the test image too"),
)
