"""A scene: its message, its panel, and the values at which its controls stop; and the ten scenes of the course."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rsbd.data import load
from rsbd.errors import InputError, check_among
from rsbd.panels import PANELS, Panel
from rsbd.panels.runners import Runner
from rsbd.words import table_beside

_MOST_POINTS = 150  # of a grid: each is a picture that is computed and stored


@dataclass(frozen=True)
class Scene:
    """A panel with a message.

    Attributes
    ----------
    title, message, question : str
        What the scene is about, the one thing to remember, and what to ask the audience before anything moves.
    panel : str
        Name of the panel in :data:`rsbd.panels.PANELS`.
    grid : mapping from str to sequence
        The controls on stage, and the values at which each stops on the static page; on the live stage they move
        freely.
    presets : mapping from str to mapping
        Two or more named points of the grid. The first one opens the scene, and sets every control of the grid.
    settings : mapping
        Other arguments of the panel.
    data : mapping, optional
        Arguments of :func:`rsbd.load` for the data set, which is loaded when the scene opens; by default the panel
        loads its own.
    unit : str
        Unit of the hall's answer, such as ``"%"``; empty if the hall answers in words.
    mark : str
        Words beside the bar of the picture in which the hall's answer is marked; empty for none.
    notes : str
        What the lecturer reads in the presenter window.
    minutes : sequence of int
        Planned in a lecture of 50 and of 90 minutes; 0 leaves the scene out.
    part : sequence of sequences of int
        Parts of the picture that a hall sees at each preset, counted from 0; the last entry serves all that follow.
    asked : sequence of int
        Parts that it sees beside the question, and that do not answer it.

    Raises
    ------
    InputError
        If there are fewer than two presets, one is not on the grid, or the grid is too large.

    Examples
    --------
    >>> scene = Scene("Noise", "More noise, lower curve.", "Which way?", "backdoor", {"keep": (0.8, 0.9)},
    ...               {"much": {"keep": 0.8}, "little": {"keep": 0.9}}, {"num_models": 100})
    >>> scene.preset(1)
    {'keep': 0.9}
    """

    title: str
    message: str
    question: str
    panel: str
    grid: Mapping[str, Sequence[Any]]
    presets: Mapping[str, Mapping[str, Any]]
    settings: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] | None = None
    unit: str = ""
    mark: str = ""
    notes: str = ""
    minutes: Sequence[int] = (0, 0)
    part: Sequence[Sequence[int]] = ((0,),)
    asked: Sequence[int] = ()

    def __post_init__(self) -> None:
        if len(self.presets) < 2:
            raise InputError(f"scene {self.title!r} has {len(self.presets)} presets", "give two or more")
        for name, values in self.presets.items():
            for control, value in values.items():
                if control not in self.grid or value not in self.grid[control]:
                    said = f"preset {name!r} of scene {self.title!r} sets {control} to {value!r}"
                    raise InputError(said, "put that value on the scene's grid")
        if missing := set(self.grid) - set(self.first):
            said = f"the first preset of scene {self.title!r} leaves {', '.join(sorted(missing))} open"
            raise InputError(said, "set every control of the grid")
        if (size := math.prod(map(len, self.grid.values()))) > _MOST_POINTS:
            raise InputError(f"the grid of scene {self.title!r} has {size} points", f"give {_MOST_POINTS} at most")

    @property
    def first(self) -> Mapping[str, Any]:
        """Return the values with which the scene opens."""
        return next(iter(self.presets.values()))

    @property
    def told(self) -> dict[str, Any]:
        """Return what a page says about the scene, and tells the presenter window."""
        told = {name: value for name, value in vars(self).items() if name not in ("panel", "grid", "settings", "data")}
        return told | {"presets": list(self.presets)}

    def preset(self, number: int) -> dict[str, Any]:
        """Return all values of a preset, counted from 0; a negative number counts from the end.

        Values that the preset does not set are as in the first preset.
        """
        return {**self.first, **list(self.presets.values())[number]}

    def open(self, runner: Runner | None = None) -> Panel[Any, Any]:
        """Create the panel at the first preset, and show only the controls of the grid.

        Raises
        ------
        InputError
            If there is no such panel, or it has no such setting or control.
        """
        check_among(f"the panel of scene {self.title!r}", self.panel, PANELS)
        settings = dict(self.settings) if self.data is None else {**self.settings, "dataset": load(**self.data)}
        panel = PANELS[self.panel](runner=runner, **settings)
        if missing := set(self.grid) - set(panel.controls.rows):
            panel.close()
            said = f"the panel {self.panel!r} has no control {', '.join(sorted(missing))}"
            raise InputError(said, "name its own controls in grid")
        for name, row in panel.controls.rows.items():
            if name not in self.grid:
                row.add_class("rsbd-off-stage")
        panel.set(**self.first)
        return panel


_TABLES = table_beside(__file__, "scenes.toml")
SCENES = tuple(Scene(**table) for table in _TABLES["scene"])


def chosen(numbers: Sequence[int]) -> tuple[Scene, ...]:
    """Return the scenes of these numbers, counted from 1; all of them if there are no numbers.

    Raises
    ------
    InputError
        If there is no such scene.

    Examples
    --------
    >>> [scene.title for scene in chosen([2])]
    ['A few images are enough']
    """
    for number in numbers:
        if not 1 <= number <= len(SCENES):
            raise InputError(f"there is no scene {number}", f"choose from 1 to {len(SCENES)}")
    return tuple(SCENES[number - 1] for number in numbers) or SCENES
