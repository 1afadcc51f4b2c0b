"""The hand-out: one HTML page to print, with questions and room to write in front and the answers at the back."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

from rsbd.course.lecture.frames import compute_frames
from rsbd.course.lecture.link import linked
from rsbd.course.lecture.pages import html_page, read_assets
from rsbd.course.lecture.scene import Scene
from rsbd.course.lecture.scenes import SCENES
from rsbd.errors import InputError
from rsbd.files import atomic_file
from rsbd.panels.svg import escape

_PRESETS_SHOWN = 2  # as many as fit on a sheet of paper
_TITLE = "Certified robustness against backdoors"


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
    file = Path(file)
    if file.is_dir() or file.suffix != ".html":
        raise InputError(f"the hand-out cannot be written to {file}", "name an HTML file, such as handout.html")
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(file) as out:  # opened before the work, which would be lost if it could not be
        words = tomllib.loads(read_assets("handout.toml"))
        front = "".join(_question(number, scene, link) for number, scene in enumerate(scenes, 1))
        sheets = [_sheet(number, scene) for number, scene in enumerate(scenes, 1)]
        terms = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in words["definitions"].items())
        body = (
            f'<main><h1>{_TITLE}</h1><div class="front"><dl>{terms}</dl>{front}<h2>Exercise</h2>'
            f"<p>{escape(words['exercise'])}</p>{_ROOM}</div><h1>Answers</h1>"
            f"<p><b>Exercise.</b> {escape(words['answer'])}</p>{''.join(html for html, _ in sheets)}</main>"
        )
        out.write(html_page("Hand-out", body, styles=("handout.css",)).encode())
    return file, sum(failed for _, failed in sheets)


_ROOM = '<div class="room"></div>' * 3  # to write in


def _question(number: int, scene: Scene, link: str) -> str:
    """Return the question of a scene, with room for a guess and for notes, and without its answer."""
    code = linked(number, link).get("code", "")
    return (
        f'<section class="ask">{code}<h2>{number}. {escape(scene.title)}</h2><p>{escape(scene.question)}</p>'
        f'<p>Your guess: <span class="guess"></span> {escape(scene.unit)}</p>{_ROOM}</section>'
    )


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
