"""The static lecture: an HTML page for each scene that needs no kernel; its sliders stop at the computed values."""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rsbd.course.lecture.frames import Frames, Stops, compute_frames
from rsbd.course.lecture.link import linked, page_name
from rsbd.course.lecture.scene import Scene
from rsbd.course.lecture.scenes import SCENES
from rsbd.files import write_text
from rsbd.panels.svg import escape

_HERE = Path(__file__).parent


def write_pages(folder: str | Path, scenes: Sequence[Scene] = SCENES, link: str = "") -> tuple[Path, int]:
    """Write one page for each scene, a presenter window and an index.

    Each page is one file that needs no other file, no server and no network.

    Parameters
    ----------
    folder : path
        Created if it does not exist. Pages of the same names are replaced; other files stay.
    scenes : sequence of Scene
        In order.
    link : str
        Address at which the folder will be found; each page then shows its own address as a QR code.

    Returns
    -------
    (Path, int)
        The index, and the number of pictures that could not be computed; their pages say why.
    """
    folder, failed = Path(folder), 0
    folder.mkdir(parents=True, exist_ok=True)
    names, titles = [page_name(number) for number in range(1, len(scenes) + 1)], [scene.title for scene in scenes]
    for number, scene in enumerate(scenes, 1):
        frames = compute_frames(scene)
        failed += frames.failed
        write_text(folder / names[number - 1], scene_page(frames, number, names, titles, link))
    write_text(folder / "presenter.html", presenter_page())
    write_text(folder / "index.html", index_page(scenes, names))
    return folder / "index.html", failed


def scene_page(frames: Frames, number: int, names: Sequence[str], titles: Sequence[str] = (), link: str = "") -> str:
    """Return the page of a scene; ``number`` counts from 1, and ``names`` are the files of all scenes."""
    scene, first = frames.scene, frames.first
    said = {**scene.told, **linked(number, link)}
    data = {**page_data(frames), "scene": said, "number": number, "pages": names, "titles": titles or names}
    body = f"""<main class="rsbd-stage rsbd-static" data-theme="light">
<div class="rsbd-head"><p class="rsbd-number" aria-label="scene {number} of {len(names)}">{number} / {len(names)}</p>
<h1 class="rsbd-title">{escape(scene.title)}</h1></div>
<div class="rsbd-words"><p class="rsbd-message">{escape(scene.message)}</p></div>
<div class="rsbd-controls">{page_controls(frames)}</div>
<noscript><p>{escape(scene.question)}</p><p>Without JavaScript only the first preset is shown.</p></noscript>
<div class="rsbd-picture" role="img" aria-label="{escape(first.alt)}">{first.svg}</div>
<p class="rsbd-sentence" role="status">{escape(first.sentence)}</p>
<div class="rsbd-tools"><div class="rsbd-presets" role="group" aria-label="presets of this scene"></div></div>
<details><summary>What this was computed from</summary><dl>{described(frames)}<dt>made by</dt>
<dd>rsbd lecture --static FOLDER (sliders stop at the computed values only)</dd></dl></details>
</main><script type="application/json" id="rsbd-data">{as_json(data)}</script>"""
    scripts = ("../../panels/calm.js", "../../panels/stack.js", "keys.js", "stops.js", "build.js", "pages.js")
    return html_page(f"{number}. {scene.title}", body, scripts)


def page_data(frames: Frames) -> dict[str, Any]:
    """Return what ``stops.js`` looks up: the pictures, and the stops and presets that choose among them."""
    vocabulary, pictures = shared_pieces([picture.svg for picture in frames.pictures])
    presets = enumerate(frames.scene.presets)
    return {
        "axes": [{"name": control.name, "shown": control.shown} for control in frames.controls],
        "presets": [{"name": name, "at": _at(frames, frames.scene.preset(i))} for i, name in presets],
        "alt": [picture.alt for picture in frames.pictures],
        "sentence": [picture.sentence for picture in frames.pictures],
        "vocabulary": vocabulary,
        "pictures": pictures,
    }


def page_controls(frames: Frames) -> str:
    """Return the controls of a page, at the values with which its scene opens."""
    return "".join(map(_control, frames.controls, _at(frames, frames.scene.first)))


def described(frames: Frames) -> str:
    """Return what the pictures were computed from, as the lines of a list."""
    return "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in frames.provenance.items())


def presenter_page() -> str:
    """Return the page of the presenter window, which shows what the stage tells it."""
    parts = "".join(f'<p id="rsbd-{name}"></p>' for name in ("step", "question", "message", "notes", "then", "next"))
    body = f"""<main class="rsbd-stage rsbd-presenter"><div class="rsbd-head"><h1 class="rsbd-title" id="rsbd-place">
The lecture has not begun.</h1></div><p><span id="rsbd-timer" role="timer"></span> <span id="rsbd-minutes"></span>
<button class="rsbd-key" id="rsbd-again">start the timer again</button></p>{parts}</main>"""
    return html_page("Presenter", body, ("keys.js", "presenter.js"))


def index_page(scenes: Sequence[Scene], names: Sequence[str]) -> str:
    """Return the page that links to the scenes."""
    lines = "".join(
        f'<li><a href="{escape(name)}">{escape(scene.title)}</a> <span>{escape(scene.message)}</span></li>'
        for scene, name in zip(scenes, names, strict=True)
    )
    body = f"""<main class="rsbd-stage rsbd-static rsbd-index"><h1 class="rsbd-title">Certified robustness against
backdoors: {len(scenes)} scenes</h1><p>These pages need no server and no network. Space goes one step on, and
? lists the keys; sliders stop at computed values.</p><ol>{lines}</ol></main>"""
    return html_page("Lecture", body)


def html_page(
    title: str, body: str, scripts: Sequence[str] = (), styles: Sequence[str] = ("look.css", "pages.css")
) -> str:
    """Return a complete page, which may load nothing and run no script but its own."""
    script = read_assets(*scripts)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = f"'sha256-{digest}'" if scripts else "'none'"
    policy = (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {allowed}; "
        "base-uri 'none'; form-action 'none'"
    )
    run = f"<script>{script}</script>" if scripts else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>{escape(title)}</title>
<style>{read_assets(*styles)}</style></head><body>{body}{run}</body></html>
"""


def read_assets(*names: str) -> str:
    """Return the scripts or stylesheets beside this file, one after another."""
    return "\n".join((_HERE / name).read_text("utf-8") for name in names)


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


def _at(frames: Frames, values: Any) -> list[int]:
    """Return the position of each control that has these values."""
    return [control.values.index(values[control.name]) for control in frames.controls]


def _control(control: Stops, at: int) -> str:
    name, label = escape(f"rsbd-{control.name}"), escape(control.label)
    if not control.slides:
        options = "".join(
            f'<option value="{i}"{" selected" if i == at else ""}>{escape(shown)}</option>'
            for i, shown in enumerate(control.shown)
        )
        return f'<p><label for="{name}">{label}</label> <select id="{name}">{options}</select></p>'
    return (
        f'<p><label for="{name}">{label}</label> <output for="{name}">{escape(control.shown[at])}</output> '
        f'<input type="range" id="{name}" min="0" max="{len(control.values) - 1}" step="1" value="{at}" '
        f'aria-valuetext="{escape(control.shown[at])}"></p>'
    )


def as_json(data: object) -> str:
    """Return JSON that cannot end the script element around it."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
