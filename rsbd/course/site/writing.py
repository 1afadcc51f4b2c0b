"""Write the whole course as static pages, completely or not at all."""

import json
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat

from rsbd.course import notebooks
from rsbd.course.lecture import Scene
from rsbd.course.lecture.frames import Frames, compute_frames
from rsbd.course.site.outline import roads, sections, ways
from rsbd.course.site.pages import course_page
from rsbd.errors import InputError
from rsbd.files import read_path
from rsbd.panels.svg import escape
from rsbd.version import __version__
from rsbd.words import table_beside

_MARK = "rsbd-site.json"  # lists the files of a site, so that a newer one can take its place
_TABLES = table_beside(__file__, "panels.toml")["panel"]
# Beside the notebooks; the search, which knows all of them, is the last one.
_TITLES = {"glossary": "Glossary", "index": "Certified robustness against backdoor attacks", "search": "Search"}
# Each panel of the notebooks, as a scene without words; its title is the number of its notebook.
PANEL_SCENES = tuple(Scene(message="", question="", **table) for table in _TABLES)


def write_site(folder: str | Path, tell: Callable[[str], None] = lambda said: None) -> tuple[Path, int]:
    """Write the whole course as pages that need no kernel, server or network.

    Parameters
    ----------
    folder : path
        Created if it does not exist. An older site there is replaced; anything else is refused.
    tell : callable
        Called with the name of each notebook before its panel is computed.

    Returns
    -------
    (Path, int)
        The first page, and the number of pictures that could not be computed; a sentence in their place says why.

    Raises
    ------
    InputError
        If the folder holds anything but an older site.
    """
    folder = read_path(folder)
    check_folder(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    new, old = (folder.with_name(f".{folder.name}.{secrets.token_hex(4)}") for _ in range(2))
    new.mkdir()
    try:
        frames = []
        for scene in PANEL_SCENES:
            tell(f"panel of notebook {scene.title}")
            frames.append(compute_frames(scene))
        for name, text in course_files(notebooks.stored_course()[0], frames).items():
            (new / name).write_text(text, "utf-8")
        (new / _MARK).write_text(json.dumps({"rsbd": __version__, "files": sorted(p.name for p in new.iterdir())}))
        check_folder(folder)  # again: minutes have passed
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    finally:
        for left in (new, old):
            shutil.rmtree(left, ignore_errors=True)
    return folder / "index.html", sum(each.failed for each in frames)


def check_folder(folder: Path) -> None:
    """Raise unless a site can be written to this folder without loss of other files."""
    remedy = "choose a new folder, or one with an older site"
    if not folder.is_dir():
        if folder.exists() or folder.is_symlink():
            raise InputError(f"{folder} is no folder", remedy)
        return
    there = {path.name for path in folder.iterdir()}
    try:
        ours = {_MARK, *json.loads((folder / _MARK).read_text("utf-8"))["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        ours = set()
    if others := sorted(there - ours):
        raise InputError(f"{folder} holds files that are not of a site, such as {others[0]}", remedy)


def course_files(course: Path, panels: list[Frames]) -> dict[str, str]:
    """Return the text of each page by the name of its file."""
    found = {path.stem: nbformat.read(path, as_version=4).cells for path in sorted(course.glob("[0-9][0-9]_*.ipynb"))}
    table = roads(next(iter(found.values()))[-1].source)
    names = {lesson.stem: lesson.name for lessons in table.values() for lesson in lessons}
    found["glossary"] = [nbformat.v4.new_markdown_cell((course / "GLOSSARY.md").read_text("utf-8"))]
    index: list[list[str]] = []
    files: dict[str, str] = {}
    for stem, title in {**names, **_TITLES}.items():
        cells = found.get(stem, [])
        inner = "cells.html.j2" if cells else f"{stem}.html.j2"
        mine = {f'alt="{escape(each.first.alt)}"': each for each in panels if stem.startswith(each.scene.title)}
        lead = ways(cells[-1].source) if cells else []
        shown = {"cells": cells, "ways": lead, "panels": mine, "roads": table, "index": index}
        page = course_page(stem, title, inner, set(found), **shown)
        files[f"{stem}.html"] = page
        index += sections(f"{stem}.html", title, page.partition("<main")[2].partition("</main>")[0])
    return files
