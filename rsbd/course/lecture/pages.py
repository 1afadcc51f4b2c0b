"""The lecture without a kernel: a page for each scene that opens from a disk, its sliders on a computed grid."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rsbd.course.lecture.frames import Axis, Frames, compute_frames
from rsbd.course.lecture.scene import Scene
from rsbd.course.lecture.scenes import SCENES
from rsbd.files import whole
from rsbd.panels.svg import escape

_HERE = Path(__file__).parent


def write_pages(folder: str | Path, scenes: Sequence[Scene] = SCENES) -> tuple[Path, int]:
    """Write one page for each scene and an index.

    Each page is one file that needs no other, no server and no network. A slider stops at the values that were
    computed and at no other.

    Parameters
    ----------
    folder : path
        Made if it is not there. Pages of the same names are replaced, nothing else is touched.
    scenes : sequence of Scene
        In order.

    Returns
    -------
    (Path, int)
        The index, and how many pictures could not be computed: their pages say why.
    """
    folder, failed = Path(folder), 0
    folder.mkdir(parents=True, exist_ok=True)
    names = [page_name(number) for number in range(1, len(scenes) + 1)]
    for number, scene in enumerate(scenes, 1):
        frames = compute_frames(scene)
        failed += frames.failed
        _write(folder / names[number - 1], page(frames, number, names))
    _write(folder / "index.html", index(scenes, names))
    return folder / "index.html", failed


def page_name(number: int) -> str:
    """File of a scene."""
    return f"scene-{number:02d}.html"


def page(frames: Frames, number: int, names: Sequence[str]) -> str:
    """Return the page of a scene, counted from 1, among those of these names."""
    scene = frames.scene
    opening = frames.points.index(dict(scene.first))
    first = frames.pictures[opening]
    data = {
        "axes": [{"name": axis.name, "shown": axis.shown} for axis in frames.axes],
        "presets": [{"name": name, "at": _index(frames.axes, scene.preset(i))} for i, name in enumerate(scene.presets)],
        "previous": names[number - 2] if number > 1 else "",
        "next": names[number] if number < len(names) else "",
        "alt": [picture.alt for picture in frames.pictures],
        "sentence": [picture.sentence for picture in frames.pictures],
        **dict(zip(("vocabulary", "pictures"), shared([p.svg for p in frames.pictures]), strict=True)),
    }
    made = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in frames.provenance.items())
    body = f"""<main class="rsbd-stage rsbd-static" data-theme="light">
<div class="rsbd-head"><p class="rsbd-number" aria-label="scene {number} of {len(names)}">{number} / {len(names)}</p>
<h1 class="rsbd-title">{escape(scene.title)}</h1><div class="rsbd-tools" role="group" aria-label="lecture"></div></div>
<div class="rsbd-words"><p class="rsbd-message">{escape(scene.message)}</p>
<p class="rsbd-question">{escape(scene.question)}</p>
<div class="rsbd-presets" role="group" aria-label="presets of this scene"></div></div>
<div class="rsbd-controls">{"".join(_control(a, a.values.index(scene.first[a.name])) for a in frames.axes)}</div>
<noscript><p>Without JavaScript only the first preset is shown.</p></noscript>
<div class="rsbd-picture" role="img" aria-label="{escape(first.alt)}">{first.svg}</div>
<p class="rsbd-sentence" role="status">{escape(first.sentence)}</p>
<details><summary>What this was computed from</summary><dl>{made}<dt>made by</dt>
<dd>rsbd lecture --static FOLDER (sliders stop at the computed values only)</dd></dl></details>
</main><script type="application/json" id="rsbd-data">{_json(data)}</script>"""
    return document(f"{number}. {scene.title}", body, "../panels/calm.js", "keys.js", "pages.js")


def index(scenes: Sequence[Scene], names: Sequence[str]) -> str:
    """Return the page that leads to the scenes."""
    lines = "".join(
        f'<li><a href="{escape(name)}">{escape(scene.title)}</a> <span>{escape(scene.message)}</span></li>'
        for scene, name in zip(scenes, names, strict=True)
    )
    body = f"""<main class="rsbd-stage rsbd-static rsbd-index"><h1 class="rsbd-title">Certified robustness against
backdoors: {len(scenes)} scenes</h1><p>These pages need no server and no network. On each, keys are shown on their
buttons; sliders stop at computed values.</p><ol>{lines}</ol></main>"""
    return document("Lecture", body)


def document(title: str, body: str, *scripts: str) -> str:
    """Wrap a page; it may load nothing, and run no script but its own."""
    script = "\n".join((_HERE / name).read_text("utf-8") for name in scripts)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = f"'sha256-{digest}'" if scripts else "'none'"
    policy = (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {allowed}; "
        "base-uri 'none'; form-action 'none'"
    )
    style = "\n".join((_HERE / name).read_text("utf-8") for name in ("look.css", "pages.css"))
    run = f"<script>{script}</script>" if scripts else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>{escape(title)}</title>
<style>{style}</style></head><body>{body}{run}</body></html>
"""


def shared(drawings: Sequence[str]) -> tuple[list[str], list[list[int]]]:
    """Write drawings as numbers of the pieces that they are made of: most pieces occur in most of them.

    Examples
    --------
    >>> shared(["<svg><a/></svg>", "<svg><b/></svg>", ""])
    (['<svg>', '<a/>', '</svg>', '<b/>'], [[0, 1, 2], [0, 3, 2], []])
    """
    known: dict[str, int] = {}
    told = [[known.setdefault(piece, len(known)) for piece in re.findall(r"<[^<]*", drawing)] for drawing in drawings]
    return list(known), told


def _index(axes: Sequence[Axis], values: dict[str, Any]) -> list[int]:
    return [axis.values.index(values[axis.name]) for axis in axes]


def _control(axis: Axis, at: int) -> str:
    name, label = escape(f"rsbd-{axis.name}"), escape(axis.label)
    if not axis.slides:
        options = "".join(
            f'<option value="{i}"{" selected" if i == at else ""}>{escape(shown)}</option>'
            for i, shown in enumerate(axis.shown)
        )
        return f'<p><label for="{name}">{label}</label> <select id="{name}">{options}</select></p>'
    return (
        f'<p><label for="{name}">{label}</label> <output for="{name}">{escape(axis.shown[at])}</output> '
        f'<input type="range" id="{name}" min="0" max="{len(axis.values) - 1}" step="1" value="{at}" '
        f'aria-valuetext="{escape(axis.shown[at])}"></p>'
    )


def _json(data: object) -> str:
    """JSON that ends no script element."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _write(path: Path, text: str) -> None:
    with whole(path) as file:
        file.write(text.encode())
