"""The pictures of a scene, computed once and for all by the panel's own two functions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from rsbd.course.lecture.scene import Scene
from rsbd.errors import InputError
from rsbd.panels import Panel, SyncRunner
from rsbd.panels.controls import Choice, Control, Slider
from rsbd.panels.engine import Picture, sentence_of
from rsbd.version import __version__


@dataclasses.dataclass(frozen=True)
class Axis:
    """A control of a scene with the values that are computed.

    Attributes
    ----------
    name, label : str
        As in the panel.
    values : tuple
        On the grid.
    shown : tuple of str
        How each is written.
    slides : bool
        A slider rather than a list of choices.
    """

    name: str
    label: str
    values: tuple[Any, ...]
    shown: tuple[str, ...]
    slides: bool

    @classmethod
    def of(cls, control: Control, values: Iterable[Any]) -> Axis:
        """Take the label and the wording of a panel's control."""
        kept = tuple(values)
        if isinstance(control, Slider):
            return cls(control.name, control.label, kept, tuple(f"{v:,g}" for v in kept), True)
        words: Mapping[Any, str] = {False: "no", True: "yes"}
        if isinstance(control, Choice):
            words = {value: label for label, value in control.options}
        return cls(control.name, control.label, kept, tuple(str(words.get(v, v)) for v in kept), False)


@dataclasses.dataclass(frozen=True)
class Frames:
    """What a page or a hand-out shows of a scene.

    Attributes
    ----------
    scene : Scene
        Which.
    axes : tuple of Axis
        Its controls, in the panel's order; the last moves fastest in ``pictures``.
    points : tuple of dict
        Where the pictures were computed.
    pictures : tuple of Picture
        One for each; without a drawing where it failed, the sentence says why.
    provenance : dict of str to str
        What they were computed from, without date or machine.
    failed : int
        How many failed.
    """

    scene: Scene
    axes: tuple[Axis, ...]
    points: tuple[dict[str, Any], ...]
    pictures: tuple[Picture, ...]
    provenance: dict[str, str]
    failed: int


def compute_frames(scene: Scene, points: Iterable[Mapping[str, Any]] | None = None) -> Frames:
    """Compute the pictures of a scene at points of its grid, at all of them unless given.

    Whatever goes wrong leaves a sentence in place of the picture: one broken scene does not take the others along.

    Examples
    --------
    >>> scene = Scene("Noise", "More noise, lower curve.", "Which way?", "backdoor", {"keep": (0.8, 0.9)},
    ...               {"much": {"keep": 0.8}, "little": {"keep": 0.9}}, {"num_models": 100, "compact": True})
    >>> frames = compute_frames(scene)
    >>> [picture.sentence[:30] for picture in frames.pictures]
    ['With 100 models and keep 0.8: ', 'With 100 models and keep 0.9: ']
    >>> frames.axes[0].label, frames.provenance["models"]
    ('keep', '100')
    """
    try:
        panel = scene.open(SyncRunner())
    except Exception as error:  # a sentence on the page, and an exit status for whoever built it
        said = f"This scene cannot be shown: {sentence_of(error)}"
        return Frames(scene, (), (dict(scene.first),), (Picture("", said, said),), {"rsbd": __version__}, 1)
    try:
        axes = tuple(
            Axis.of(control, scene.grid[control.name]) for control in panel.controls.spec if control.name in scene.grid
        )
        if missing := set(scene.grid) - {axis.name for axis in axes}:
            raise InputError(
                f"the panel {scene.panel!r} has no control {', '.join(sorted(missing))}",
                "name its own controls in grid",
            )
        ordered = dataclasses.replace(scene, grid={axis.name: axis.values for axis in axes})
        where = tuple({**scene.first, **point} for point in (ordered.points() if points is None else points))
        pictures = tuple(_picture(panel, point) for point in where)
        return Frames(
            scene, axes, where, pictures, provenance(panel, scene), sum(not picture.svg for picture in pictures)
        )
    finally:
        panel.close()


def _picture(panel: Panel[Any, Any], point: Mapping[str, Any]) -> Picture:
    try:
        panel.set(**point)
        panel.wait()
    except Exception as error:
        said = sentence_of(error)
        return Picture("", said, said)
    return Picture(panel.svg, panel.alt, panel.sentence, str(panel.picture.note))


def provenance(panel: Panel[Any, Any], scene: Scene) -> dict[str, str]:
    """Say what the pictures of a panel are computed from, without date or machine."""
    compute, params = panel.engine.compute, dataclasses.asdict(panel.params)
    bench = getattr(compute, "bench", compute)  # some computations keep theirs in one object
    data = getattr(bench, "dataset", None) or getattr(bench, "final", {}).get("unit")
    said = {"rsbd": __version__, "panel": scene.panel, "data": "none: the settings alone"}
    if data is not None:
        said["data"] = f"{data.name}, classes {' '.join(data.classes)}, sha256 {data.fingerprint()[:16]}"
    if (seed := getattr(bench, "seed", params.get("seed"))) is not None:
        said["seed"] = str(seed)
    if (models := params.get("num_models", getattr(bench, "num_models", None))) is not None:
        said["models"] = ", ".join(f"{n:,}" for n in scene.grid.get("num_models", [models]))
    rest = {k: v for k, v in params.items() if k not in {*scene.grid, "num_models", "seed"}}
    if rest:
        said["fixed"] = ", ".join(f"{name} = {value}" for name, value in rest.items())
    said["computed at"] = "; ".join(f"{name} = {', '.join(map(str, values))}" for name, values in scene.grid.items())
    return said
