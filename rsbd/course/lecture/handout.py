"""The hand-out: one HTML page to print, with questions and room to write in front and the answers at the back."""

from collections.abc import Sequence
from pathlib import Path

from rsbd.course.lecture.frames import compute_frames
from rsbd.course.lecture.pages import linked
from rsbd.course.lecture.scenes import SCENES, Scene
from rsbd.course.templates import fill_page
from rsbd.errors import InputError
from rsbd.files import atomic_file, read_path

_SHOWN = (0, -1)  # the first and the last preset, as many as fit on a sheet of paper


def write_handout(file: str | Path, scenes: Sequence[Scene] = SCENES, link: str = "") -> tuple[Path, int]:
    """Write the hand-out.

    Parameters
    ----------
    file : path
        Ends in ``.html``.
    scenes : sequence of Scene
        In order.
    link : str
        Address at which the static pages will be found; each question then has the QR code of its scene.

    Returns
    -------
    (Path, int)
        The file, and the number of pictures that could not be computed; a sentence in their place says why.

    Raises
    ------
    InputError
        If the name ends in something else.
    """
    file = read_path(file)
    if file.is_dir() or file.suffix != ".html":
        raise InputError(f"the hand-out cannot be written to {file}", "name an HTML file, such as handout.html")
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(file) as out:  # opened before the work, which would be lost if it could not be
        sheets = [compute_frames(scene, list(map(scene.preset, _SHOWN))) for scene in scenes]
        codes = [linked(number, link).get("code", "") for number in range(1, len(scenes) + 1)]
        styles = ("lecture/handout.css",)
        page = fill_page("lecture/handout.html.j2", "Hand-out", styles=styles, sheets=sheets, codes=codes, shown=_SHOWN)
        out.write(page.encode())
    return file, sum(frames.failed for frames in sheets)
