"""The ten scenes of the course, read from ``scenes.toml``."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

from rsbd.course.lecture.scene import Scene
from rsbd.errors import InputError

_TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
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
