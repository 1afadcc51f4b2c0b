"""The static lecture: an HTML page for each scene that needs no kernel; its sliders stop at the computed values."""

import io
from collections.abc import Sequence
from pathlib import Path

from rsbd.course.lecture.frames import Frames, compute_frames
from rsbd.course.lecture.scenes import SCENES, Scene
from rsbd.course.templates import fill_page
from rsbd.files import read_path, write_text

_SCRIPTS = "keys.js", "stops.js", "build.js", "pages.js"


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
    folder, failed = read_path(folder), 0
    folder.mkdir(parents=True, exist_ok=True)
    titles = [scene.title for scene in scenes]
    for number, scene in enumerate(scenes, 1):
        frames = compute_frames(scene)
        failed += frames.failed
        write_text(folder / page_name(number), scene_page(frames, number, titles, link))
    write_text(folder / "presenter.html", presenter_page())
    index = {page_name(number): scene for number, scene in enumerate(scenes, 1)}
    write_text(folder / "index.html", fill_page("lecture/index.html.j2", "Lecture", scenes=index))
    return folder / "index.html", failed


def scene_page(frames: Frames, number: int, titles: Sequence[str], link: str = "") -> str:
    """Return the page of a scene; ``number`` counts from 1, and ``titles`` are those of all scenes."""
    pages = [page_name(n) for n in range(1, len(titles) + 1)]
    said = {**frames.scene.told, **linked(number, link)}
    data = {**frames.data, "scene": said, "number": number, "pages": pages, "titles": titles}
    scripts = ("../panels/calm.js", "../panels/stack.js", *(f"lecture/{name}" for name in _SCRIPTS))
    title = f"{number}. {frames.scene.title}"
    return fill_page("lecture/scene.html.j2", title, scripts, frames=frames, number=number, pages=pages, data=data)


def presenter_page() -> str:
    """Return the page of the presenter window."""
    return fill_page("lecture/presenter.html.j2", "Presenter", ("lecture/keys.js", "lecture/presenter.js"))


def page_name(number: int) -> str:
    """Return the file name of a scene."""
    return f"scene-{number:02d}.html"


def linked(number: int, link: str) -> dict[str, str]:
    """Return the address of a scene's static page and its QR code as SVG; nothing without an address.

    Examples
    --------
    >>> linked(3, "")
    {}
    """
    if not link:
        return {}
    import segno

    address, drawn = f"{link.rstrip('/')}/{page_name(number)}", io.BytesIO()
    segno.make(address, micro=False).save(drawn, kind="svg", xmldecl=False, nl=False, omitsize=True, light="#fff")
    return {"link": address, "code": drawn.getvalue().decode()}
