"""The pictures of a scene at all stops of its controls, computed and drawn by its panel."""

import contextlib
import dataclasses
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rsbd.course.lecture.scenes import Scene
from rsbd.panels import Panel, Picture, SyncRunner
from rsbd.panels.controls import Choice, Control, Slider
from rsbd.panels.engine import sentence_of
from rsbd.panels.glossary import explained
from rsbd.version import __version__


@dataclasses.dataclass(frozen=True)
class Stops:
    """A control of a scene, and the values at which it stops.

    Attributes
    ----------
    name, label : str
        As in the panel.
    values : tuple
        The values for which pictures are computed.
    shown : tuple of str
        Each value in words.
    slides, plays : bool
        True for a slider, False for a list of choices; true for a slider with a button that lets it move by itself.
    """

    name: str
    label: str
    values: tuple[Any, ...]
    shown: tuple[str, ...]
    slides: bool
    plays: bool

    @classmethod
    def of(cls, control: Control, values: Iterable[Any]) -> "Stops":
        """Take the label and the wording of a panel's control."""
        kept, slides = tuple(values), isinstance(control, Slider)
        options = control.options if isinstance(control, Choice) else (("no", False), ("yes", True))
        words: Mapping[Any, str] = {value: label for label, value in options}
        shown = tuple(f"{value:,g}" if slides else str(words.get(value, value)) for value in kept)
        return cls(control.name, control.label, kept, shown, slides, getattr(control, "play", False))


@dataclasses.dataclass(frozen=True)
class Frames:
    """What a page or a hand-out shows of a scene.

    Attributes
    ----------
    scene : Scene
        The scene.
    controls : tuple of Stops
        Its controls, in the panel's order; the last one moves fastest in ``pictures``.
    points : tuple of dict
        The values of the controls for each picture.
    pictures : tuple of Picture
        One for each point. A picture that failed has no drawing, and its sentence says why.
    provenance : dict of str to str
        What the pictures were computed from, without date or machine.
    """

    scene: Scene
    controls: tuple[Stops, ...]
    points: tuple[dict[str, Any], ...]
    pictures: tuple[Picture, ...]
    provenance: dict[str, str]

    @property
    def first(self) -> Picture:
        """Return the picture with which the scene opens."""
        return self.pictures[self.points.index(dict(self.scene.first))]

    @property
    def words(self) -> str:
        """Return HTML that explains the words of the first picture."""
        labels = ", ".join(control.label for control in self.controls)
        return explained(f"{labels} {self.first.svg} {self.first.sentence}")

    @property
    def data(self) -> dict[str, Any]:
        """Return what ``stops.js`` looks up: the pictures, and the stops and presets that choose among them."""
        vocabulary, pictures = shared_pieces([picture.svg for picture in self.pictures])
        presets = enumerate(self.scene.presets)
        return {
            "axes": [{"name": control.name, "shown": control.shown} for control in self.controls],
            "presets": [{"name": name, "at": self.places(self.scene.preset(i))} for i, name in presets],
            "alt": [picture.alt for picture in self.pictures],
            "sentence": [picture.sentence for picture in self.pictures],
            "vocabulary": vocabulary,
            "pictures": pictures,
        }

    def places(self, values: Mapping[str, Any]) -> list[int]:
        """Return the position of each control that has these values."""
        return [control.values.index(values[control.name]) for control in self.controls]

    @property
    def failed(self) -> int:
        """Return the number of pictures that could not be computed."""
        return sum(not picture.svg for picture in self.pictures)


def compute_frames(scene: Scene, points: Iterable[Mapping[str, Any]] | None = None) -> Frames:
    """Compute the pictures of a scene at some points of its grid, by default at all of them.

    An error leaves a sentence in place of its picture, so that one broken scene does not stop the others.

    Examples
    --------
    >>> scene = Scene("Noise", "More noise, lower curve.", "Which way?", "backdoor", {"keep": (0.8, 0.9)},
    ...               {"much": {"keep": 0.8}, "little": {"keep": 0.9}}, {"num_models": 100, "compact": True})
    >>> frames = compute_frames(scene)
    >>> [picture.sentence[:30] for picture in frames.pictures]
    ['97 % of test images are proved', 'At this noise nothing is prove']
    >>> frames.controls[0].label, frames.provenance["fixed"].partition(", ")[0]
    ('keep', 'seed = 0')
    """
    try:
        panel = scene.open(SyncRunner())
    except Exception as error:  # it becomes a sentence on the page, and is counted as a failure
        said = f"This scene cannot be shown: {sentence_of(error)}"
        return Frames(scene, (), (dict(scene.first),), (Picture("", said, said),), {"rsbd": __version__})
    with contextlib.closing(panel):
        controls = tuple(Stops.of(c, scene.grid[c.name]) for c in panel.controls.spec if c.name in scene.grid)
        if points is None:
            names, grid = [c.name for c in controls], itertools.product(*(c.values for c in controls))
            points = [dict(zip(names, values, strict=True)) for values in grid]
        where = tuple(map(dict, points))
        return Frames(scene, controls, where, tuple(_picture(panel, point) for point in where), _origin(panel, scene))


def _picture(panel: Panel[Any, Any], point: Mapping[str, Any]) -> Picture:
    try:
        panel.set(**point)
        panel.wait()
    except Exception as error:
        said = sentence_of(error)
        return Picture("", said, said)
    return Picture(panel.svg, panel.alt, panel.sentence, str(panel.picture.note))


def _origin(panel: Panel[Any, Any], scene: Scene) -> dict[str, str]:
    """Return what the pictures of a panel are computed from, without date or machine."""
    compute = panel.engine.compute
    held = compute.trials.trial if hasattr(compute, "trials") else compute  # what holds the data
    data = getattr(held, "data", getattr(held, "dataset", None))
    own = {k: v for k, v in vars(held).items() if k in ("seed", "num_models")}
    shown = "none: the settings alone"
    if data is not None:
        shown = f"{data.name}, classes {' '.join(data.classes)}, sha256 {data.fingerprint()[:16]}"
    rest = {k: v for k, v in (own | dataclasses.asdict(panel.params)).items() if k not in scene.grid}
    fixed = ", ".join(f"{name} = {value}" for name, value in rest.items())
    grid = "; ".join(f"{name} = {', '.join(map(str, values))}" for name, values in scene.grid.items())
    return {"rsbd": __version__, "panel": scene.panel, "data": shown, "fixed": fixed, "computed at": grid}


def shared_pieces(drawings: Sequence[str]) -> tuple[list[str], list[list[int]]]:
    """Write drawings as lists of numbers of their pieces, since most pieces occur in most drawings.

    Examples
    --------
    >>> shared_pieces(["<svg><a/></svg>", "<svg><b/></svg>", ""])
    (['<svg>', '<a/>', '</svg>', '<b/>'], [[0, 1, 2], [0, 3, 2], []])
    """
    known: dict[str, int] = {}
    told = [[known.setdefault(piece, len(known)) for piece in re.findall(r"<[^<]*", drawing)] for drawing in drawings]
    return list(known), told
