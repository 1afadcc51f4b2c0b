"""The hand-out: one HTML page to print, which shows each scene at two of its presets."""

from collections.abc import Sequence
from pathlib import Path

from rsbd.course.lecture.frames import compute_frames
from rsbd.course.lecture.pages import html_page
from rsbd.course.lecture.scene import Scene
from rsbd.course.lecture.scenes import SCENES
from rsbd.errors import InputError
from rsbd.files import atomic_file
from rsbd.panels.svg import escape

_PRESETS_SHOWN = 2  # as many as fit on a sheet of paper


def write_handout(file: str | Path, scenes: Sequence[Scene] = SCENES) -> tuple[Path, int]:
    """Write the hand-out.

    Parameters
    ----------
    file : path
        Ends in ``.html``.
    scenes : sequence of Scene
        In order, each on a sheet of its own.

    Returns
    -------
    (Path, int)
        The file, and the number of pictures that could not be computed; a sentence in their place says why.

    Raises
    ------
    InputError
        If the name ends in something else.
    """
    file = Path(file)
    if file.is_dir() or file.suffix != ".html":
        raise InputError(f"the hand-out cannot be written to {file}", "name an HTML file, such as handout.html")
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(file) as out:  # opened before the work, which would be lost if it could not be
        sheets = [_sheet(number, scene) for number, scene in enumerate(scenes, 1)]
        title, body = "Certified robustness against backdoors", "".join(html for html, _ in sheets)
        out.write(html_page("Hand-out", f"<main><h1>{title}</h1>{body}</main>", styles=("handout.css",)).encode())
    return file, sum(failed for _, failed in sheets)


def _sheet(number: int, scene: Scene) -> tuple[str, int]:
    """Return the HTML of a scene, and the number of pictures that could not be computed."""
    presets = list(scene.presets)[:_PRESETS_SHOWN]
    frames = compute_frames(scene, [scene.preset(i) for i in range(len(presets))])
    figures = "".join(
        f'<figure><h3>{escape(name)}</h3><div role="img" aria-label="{escape(picture.alt)}">{picture.svg}</div>'
        f"<figcaption>{escape(picture.sentence)}</figcaption></figure>"
        for name, picture in zip(presets, frames.pictures, strict=False)
    )
    made = "; ".join(f"{k}: {v}" for k, v in frames.provenance.items() if k != "computed at")
    html = (
        f"<section><h2>{number}. {escape(scene.title)}</h2><p><b>{escape(scene.message)}</b></p>"
        f'<p class="question">{escape(scene.question)}</p>{figures}'
        f'<p class="made">{escape(made)}; made by rsbd lecture --handout FILE</p></section>'
    )
    return html, frames.failed
