"""The course as static pages: complete, without network and kernel, with panels as their notebooks show them."""

from __future__ import annotations

import dataclasses
import html
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rsbd.cli import app
from rsbd.course.lecture.frames import compute_frames
from rsbd.course.site import write_site, writing
from rsbd.course.site.formulas import draw_formula
from rsbd.course.site.pages import least_width
from rsbd.errors import InputError

COURSE = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(COURSE.glob("[0-9][0-9]_*.ipynb"))


def outputs(path: Path) -> list[str]:
    found = [c.get("outputs", []) for c in json.loads(path.read_text("utf-8"))["cells"]]
    return ["".join(o.get("data", {}).get("text/html", "")) for many in found for o in many]


def panels(path: Path) -> list[str]:
    """The stored pictures of panels, which alone end in the state of their computation."""
    return [o for o in outputs(path) if "rsbd-still" in o and re.search(r'<img [^>]*alt="[^"]*\(final\)', o)]


@pytest.fixture(scope="module")
def files():
    """All pages, with the stored pictures of the panels."""
    return writing.course_files(COURSE, [])


@pytest.mark.slow
def test_every_panel_is_there_and_begins_as_in_its_notebook():
    frames = [compute_frames(scene, [scene.first]) for scene in writing.PANEL_SCENES]
    pages = writing.course_files(COURSE, frames)
    shown = [(path, stored) for path in NOTEBOOKS[:-1] for stored in panels(path)]
    assert [f.scene.title for f in frames] == [path.stem[:2] for path, _ in shown]
    assert all(panels(path) for path in NOTEBOOKS[:-1])
    for panel, (path, stored) in zip(frames, shown, strict=True):
        said = f"<figcaption>{html.escape(panel.first.sentence)}</figcaption>"
        assert panel.failed == 0
        assert f'alt="{html.escape(panel.first.alt)}"' in stored, path.stem
        assert said in stored
        page = pages[f"{path.stem}.html"]
        assert page.count('<section class="panel"') == len(panels(path))
        assert said not in page  # the panel took the place of its picture
        assert panel.first.svg in page


def test_all_pages_are_there_and_load_nothing(files):
    assert set(files) == {*(f"{p.stem}.html" for p in NOTEBOOKS), "glossary.html", "index.html", "search.html"}
    anchors = {name: set(re.findall(r'\bid="([^"]+)"', text)) for name, text in files.items()}
    for name, text in files.items():
        assert "default-src 'none'" in text
        for address in re.findall(r'<(?:img|script|link|iframe|source)\b[^>]*?(?:src|href)="([^"]*)"', text):
            assert address.startswith("data:image/"), (name, address)
        for address in re.findall(r'<a\b[^>]*?href="([^"]*)"', text):
            if not address.startswith("https://"):  # a paper
                page, _, anchor = address.partition("#")
                assert (page or name) in files, (name, address)
                assert not anchor or anchor in anchors[page or name], (name, address)
        assert not re.search(r"widget-view|VBox\(|model not found|jp-OutputArea|\$\$|\.ipynb\"", text), name
        for image in re.findall(r"<img\b[^>]*>", text):
            assert re.search(r'alt="[^"]{10,}"', image), name
        assert "rsbd 0." in text
    assert len("".join(files.values())) < 5e6


def test_a_page_has_the_headings_folds_and_pictures_of_its_notebook(files):
    for path in NOTEBOOKS:
        page = files[f"{path.stem}.html"]
        cells = json.loads(path.read_text("utf-8"))["cells"]
        prose = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
        for heading in re.findall(r"^#+ ([^`*$\n]+)$", prose, re.MULTILINE):
            assert f">{html.escape(heading, quote=False)}</h" in page, (path.stem, heading)
        made = "".join(outputs(path))
        assert page.count("<img ") == made.count("<img ") + prose.count("![")
        assert page.count("</details>") >= made.count("</details>") + prose.count("</details>")
        assert made.count("</details>") > 0 or path == NOTEBOOKS[-1]  # the lecture predicts nothing


def test_the_search_knows_all_sections_and_gives_no_answer_away(files):
    index = json.loads(re.search(r'id="sections">(.*?)</script>', files["search.html"], re.DOTALL)[1])
    assert len(index) > 150
    assert {page.partition("#")[0] for page, *_ in index} == set(files) - {"search.html"}
    assert any(title == "trigger" and page == "glossary.html#trigger" for page, _, title, _ in index)
    assert "Made your guess?" not in str(index)


def test_formulas_are_pictures_with_a_name(files):
    drawn = draw_formula(r"\text{upper}(p) \le \tfrac12")
    assert r'aria-label="\text{upper}(p) \le \tfrac12"' in drawn
    assert files["02_randomized_smoothing.html"].count('<svg role="img"') > 10
    with pytest.raises(ValueError, match="Unknown symbol"):
        draw_formula(r"\nothing")


def test_letters_in_pictures_can_be_read_on_a_phone(files):
    assert least_width('<svg viewBox="0 0 600 300"><text style="font: 10px a"/><text style="font-size: 12px"/>') == 720
    assert least_width("<svg/>") == 0
    for name, text in files.items():
        for image in re.findall(r'<img src="data:image/svg\+xml[^>]*>', text):
            assert re.search(r'min-width:\d{3}px"', image), name


@pytest.fixture
def small(monkeypatch):
    """A site of one page and one panel, which trains nothing."""
    scene = dataclasses.replace(writing.PANEL_SCENES[3], grid={"keep": (0.7, 0.5), "changes": (3, 0)})
    monkeypatch.setattr(writing, "PANEL_SCENES", (scene,))
    monkeypatch.setattr(writing, "course_files", lambda course, panels: {"index.html": panels[0].first.svg})


def test_a_site_is_written_whole_and_replaced_and_nothing_else_is(small, tmp_path):
    folder = tmp_path / "new" / "site"
    told: list[str] = []
    assert write_site(folder, told.append) == (folder / "index.html", 0)
    assert told == ["panel of notebook 03"]
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    write_site(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first  # no date, no machine
    (folder / "CNAME").write_text("mine")
    with pytest.raises(InputError, match=r"holds files that are not of a site, such as CNAME: choose"):
        write_site(folder)
    assert (folder / "CNAME").read_text() == "mine"
    other = tmp_path / "other"
    other.mkdir()
    write_site(other)  # an empty folder
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is no folder"):
        write_site(tmp_path / "file")
    assert {path.name for path in tmp_path.iterdir()} == {"new", "other", "file"}


def test_nothing_is_left_of_a_site_that_fails(small, tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "course_files", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_site(tmp_path / "site")
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_where_the_site_is(small, tmp_path):
    result = CliRunner().invoke(app, ["site", str(tmp_path / "site")])
    assert result.exit_code == 0
    assert f"rsbd: open {tmp_path / 'site' / 'index.html'}" in result.output
