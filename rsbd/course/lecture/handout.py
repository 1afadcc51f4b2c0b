"""The hand-out: the scenes on paper, a page each, at two of their presets."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rsbd.course.lecture.chromium import browser
from rsbd.course.lecture.frames import compute_frames
from rsbd.course.lecture.scene import Scene
from rsbd.course.lecture.scenes import SCENES
from rsbd.errors import InputError
from rsbd.files import whole
from rsbd.panels.svg import escape

_HERE = Path(__file__).parent
SHOWN = 2  # presets that fit on a page


def write_handout(file: str | Path, scenes: Sequence[Scene] = SCENES) -> tuple[Path, int]:
    """Write the hand-out as HTML to print, or as PDF where there is a Chromium.

    Parameters
    ----------
    file : path
        Ends in ``.html`` or ``.pdf``.
    scenes : sequence of Scene
        In order, one on each page.

    Returns
    -------
    (Path, int)
        The file, and how many pictures could not be computed: it says why.

    Raises
    ------
    InputError
        If the name ends in something else, or a PDF is asked for and there is no Chromium.
    """
    file = Path(file)
    if file.is_dir():
        raise InputError(f"{file} is a folder", f"name a file in it, such as {file / 'handout.html'}")
    if file.suffix not in (".html", ".pdf"):
        raise InputError(f"a hand-out is .html or .pdf, and not {file.name!r}", "name it handout.html")
    chromium = browser()
    if file.suffix == ".pdf" and chromium is None:
        raise InputError("a PDF needs Chromium, and there is none", "write handout.html and print it yourself")
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole(file) as out:  # opened before the work, which would be lost if it could not be
        text, failed = handout(scenes)
        out.write(text.encode() if chromium is None or file.suffix == ".html" else _pdf(text, chromium))
    return file, failed


def handout(scenes: Sequence[Scene]) -> tuple[str, int]:
    """Return the page, and how many pictures could not be computed."""
    sections, failed = [], 0
    for number, scene in enumerate(scenes, 1):
        presets = list(scene.presets)[:SHOWN]
        frames = compute_frames(scene, [scene.preset(i) for i in range(len(presets))])
        failed += frames.failed
        figures = "".join(
            f'<figure><h3>{escape(name)}</h3><div role="img" aria-label="{escape(picture.alt)}">{picture.svg}</div>'
            f"<figcaption>{escape(picture.sentence)}</figcaption></figure>"
            for name, picture in zip(presets, frames.pictures, strict=False)
        )
        made = "; ".join(f"{k}: {v}" for k, v in frames.provenance.items() if k != "computed at")
        sections.append(
            f"<section><h2>{number}. {escape(scene.title)}</h2><p><b>{escape(scene.message)}</b></p>"
            f'<p class="question">{escape(scene.question)}</p>{figures}'
            f'<p class="made">{escape(made)}; made by rsbd lecture --handout FILE</p></section>'
        )
    style = (_HERE / "handout.css").read_text("utf-8")
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    text = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>Hand-out</title><style>{style}</style></head>
<body><main><h1>Certified robustness against backdoors</h1>{"".join(sections)}</main></body></html>
"""
    return text, failed


def _pdf(text: str, chromium: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="rsbd-handout-") as folder:
        page, out = Path(folder) / "handout.html", Path(folder) / "handout.pdf"
        page.write_text(text, "utf-8")
        command = [chromium, "--headless", "--disable-gpu", "--no-pdf-header-footer", f"--print-to-pdf={out}"]
        command.append(f"--user-data-dir={Path(folder) / 'profile'}")
        if hasattr(os, "geteuid") and os.geteuid() == 0:  # Chromium refuses its sandbox to root
            command.append("--no-sandbox")
        try:
            subprocess.run(  # noqa: S603 - the command is our own
                [*command, page.as_uri()], check=True, capture_output=True, timeout=120
            )
            return out.read_bytes()
        except (subprocess.SubprocessError, OSError) as error:
            raise InputError(
                f"{chromium} could not print the hand-out ({type(error).__name__})", "write handout.html instead"
            ) from error
