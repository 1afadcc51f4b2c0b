"""One scene of a lecture: what it says, which panel shows it, and the places at which it stops."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.panels import PANELS, Panel
from rsbd.panels.engine import Runner

MOST = 150  # points of a grid: each is a picture that is computed and stored


@dataclass(frozen=True)
class Scene:
    """A panel with a message.

    Attributes
    ----------
    title, message, question : str
        What the scene is about, the one thing to take away, and what to ask the hall before moving anything.
    panel : str
        Name of the panel in :data:`rsbd.panels.PANELS`.
    grid : mapping from str to sequence
        The controls on stage, with the values that the static page offers for each; live they move freely.
    presets : mapping from str to mapping
        Two or more named places on the grid. The first opens the scene, and leaves no control of the grid open.
    settings : mapping
        What else the panel is made with.
    data : callable, optional
        Loads the data set, once the scene opens; the panel's own unless given.

    Raises
    ------
    InputError
        If there are fewer than two presets, one is not on the grid, or the grid is too large.

    Examples
    --------
    >>> scene = Scene("Noise", "More noise, lower curve.", "Which way?", "backdoor", {"keep": (0.8, 0.9)},
    ...               {"much": {"keep": 0.8}, "little": {"keep": 0.9}}, {"num_models": 100})
    >>> list(scene.points())
    [{'keep': 0.8}, {'keep': 0.9}]
    """

    title: str
    message: str
    question: str
    panel: str
    grid: Mapping[str, Sequence[Any]]
    presets: Mapping[str, Mapping[str, Any]]
    settings: Mapping[str, Any] = field(default_factory=dict)
    data: Callable[[], Dataset] | None = None

    def __post_init__(self) -> None:
        if len(self.presets) < 2:
            raise InputError(f"scene {self.title!r} has {len(self.presets)} presets", "give two or more")
        for name, values in self.presets.items():
            for control, value in values.items():
                if control not in self.grid or value not in self.grid[control]:
                    raise InputError(
                        f"preset {name!r} of scene {self.title!r} sets {control} to {value!r}",
                        "put that value on the scene's grid",
                    )
        if missing := set(self.grid) - set(self.first):
            raise InputError(
                f"the first preset of scene {self.title!r} leaves {', '.join(sorted(missing))} open",
                "set every control of the grid",
            )
        if (size := math.prod(map(len, self.grid.values()))) > MOST:
            raise InputError(f"the grid of scene {self.title!r} has {size} points", f"{MOST} are the most")

    @property
    def first(self) -> Mapping[str, Any]:
        """The values with which the scene opens."""
        return next(iter(self.presets.values()))

    def preset(self, number: int) -> dict[str, Any]:
        """Return all values of a preset, counted from 0; what it leaves open is as in the first."""
        return {**self.first, **list(self.presets.values())[number]}

    def points(self) -> Iterator[dict[str, Any]]:
        """Every point of the grid, the last control moving fastest."""
        for values in itertools.product(*self.grid.values()):
            yield dict(zip(self.grid, values, strict=True))

    def open(self, runner: Runner | None = None) -> Panel[Any, Any]:
        """Make the panel, at the first preset, with no other controls than those of the grid in view.

        Raises
        ------
        InputError
            If there is no such panel, or it has no such setting.
        """
        if self.panel not in PANELS:
            raise InputError(f"scene {self.title!r} wants the panel {self.panel!r}", f"choose from {', '.join(PANELS)}")
        settings = dict(self.settings) if self.data is None else {**self.settings, "dataset": self.data()}
        panel = PANELS[self.panel](runner=runner, **settings)
        for name, row in panel.controls.rows.items():
            if name not in self.grid:
                row.add_class("rsbd-off-stage")
        panel.set(**self.first)
        return panel
