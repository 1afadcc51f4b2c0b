"""Pictures of a scene of the lecture at each of its presets."""

from __future__ import annotations

from rsbd.course.lecture import Scene
from rsbd.course.lecture.frames import compute_frames
from rsbd.panels import Picture


def pictures(scene: Scene) -> dict[str, Picture]:
    """Compute the picture of every preset, and check that each shows something of its own."""
    frames = compute_frames(scene, [scene.preset(i) for i in range(len(scene.presets))])
    assert frames.failed == 0, [picture.sentence for picture in frames.pictures]
    assert {control.name for control in frames.controls} == set(scene.grid)
    assert all(picture.alt.endswith(".") or "(final)" in picture.alt for picture in frames.pictures)
    assert len({picture.svg for picture in frames.pictures}) == len(scene.presets)
    return dict(zip(scene.presets, frames.pictures, strict=True))
