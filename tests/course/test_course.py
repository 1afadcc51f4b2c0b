"""The course as a whole: its length, the ways between notebooks, glossary, and teacher's page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ci_tools import script

ROOT = Path(__file__).resolve().parents[2]
COURSE = ROOT / "notebooks"
LONGEST = 360  # seconds for all notebooks together, on two cores
# The words that the library and the course use for the same thing everywhere.
WORDS = """row, point, model, sigma, keep, alpha, miss, runner-up, radius, abstain, certified accuracy, clean accuracy,
attack success rate, poison rate, base classifier, smoothed classifier, trigger, target, threat, slot, centre, norm,
evidence, trade-off, certificate"""

TOOL = script("course")
NOTEBOOKS: list[Path] = TOOL.notebooks()
each_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=[n.stem for n in NOTEBOOKS])


def cells(notebook: Path) -> list[dict[str, Any]]:
    return [c | {"source": "".join(c["source"])} for c in json.loads(notebook.read_text("utf-8"))["cells"]]


def made(cell: dict[str, Any], kind: str) -> str:
    return "".join("".join(o.get("data", {}).get(kind, "")) for o in cell.get("outputs", []))


def words(notebook: Path) -> str:
    """All that a reader reads: prose, and sentences and tables that cells made."""
    return " ".join(
        c["source"] if c["cell_type"] == "markdown" else c["source"] + made(c, "text/markdown") for c in cells(notebook)
    ).lower()


def firsts() -> dict[Path, str]:
    return {notebook: cells(notebook)[0]["source"] for notebook in NOTEBOOKS}


def test_numbers_follow_each_other() -> None:
    assert [n.stem[:2] for n in NOTEBOOKS] == [f"{i:02d}" for i in range(len(NOTEBOOKS))]
    assert {n.name for n in COURSE.glob("*.ipynb")} == {n.name for n in NOTEBOOKS}


def test_the_whole_course_runs_in_six_minutes() -> None:
    seconds = [int(TOOL.TAKES.findall(first)[0][1]) for first in firsts().values()]
    assert len(seconds) == len(NOTEBOOKS)
    assert sum(seconds) <= LONGEST


@each_notebook
def test_ways_to_the_neighbours_and_to_the_glossary(notebook: Path) -> None:
    found = cells(notebook)
    assert "](GLOSSARY.md)" in found[0]["source"], "run .ci/course.py"
    ends = [p for p in found[-1]["source"].split("\n\n") if p.startswith(TOOL.AROUND)]
    ways = TOOL.ways(notebook, firsts()).values()
    assert len(ends) == len(ways)
    assert all(end.startswith(way) for end, way in zip(ends, ways, strict=True)), "run .ci/course.py"
    assert found[-1]["source"].endswith(ends[-1])


def table(text: str) -> list[tuple[str, str, str]]:
    """Name, address and question of each line of the course's table."""
    return re.findall(r"^\| \[([^\]]+)\]\(([^)]+)\) \| ([^|]+) \|$", text, re.MULTILINE)


def test_the_course_is_listed_in_the_readme_and_at_the_end_of_the_first_notebook() -> None:
    road = sorted(firsts(), key=lambda path: (path.stem[:2] in [*TOOL.SIDES, "11"], path))  # the main road first
    names = [TOOL.name(path, firsts()[path]) for path in road]
    here = table(cells(NOTEBOOKS[0])[-1]["source"])
    there = table((ROOT / "README.md").read_text("utf-8"))
    assert [line[0] for line in here] == names
    assert [line[1] for line in here] == [path.name for path in road]
    assert there == [(n, f"notebooks/{address}", question) for n, address, question in here]
    assert all(question.endswith("?") for *_, question in here)


def test_the_main_road_leads_past_the_side_roads_and_names_them() -> None:
    ways = {path.stem[:2]: TOOL.ways(path, firsts()) for path in NOTEBOOKS}
    assert ways["02"]["Next"].startswith("**Next:** [04 ")
    assert ways["02"]["Side road"].startswith("**Side road:** [03 ")
    assert ways["03"] == {"Previous": ways["04"]["Previous"], "Next": ways["02"]["Next"]}
    assert re.findall(r"\[(\d\d) ", ways["04"]["Side road"]) == ["05", "06", "07"]
    assert all(ways[side]["Next"].startswith("**Next:** [08 ") for side in ("04", "05", "06", "07"))
    assert ways["08"]["Previous"].startswith("**Previous:** [04 ")
    assert "Next" not in ways["11"]


def glossary() -> dict[str, str]:
    text = (COURSE / "GLOSSARY.md").read_text("utf-8")
    return {
        part.partition("\n")[0]: part.partition("\n")[2].split("\n## ")[0].strip() for part in text.split("\n### ")[1:]
    }


def test_the_glossary_has_the_words_of_the_course() -> None:
    terms = [line[4:] for line in (COURSE / "GLOSSARY.md").read_text("utf-8").splitlines() if line[:4] == "### "]
    assert len(set(terms)) == len(terms)
    assert set(re.split(r",\s+", WORDS)) <= set(terms)


@pytest.mark.parametrize("term", glossary())
def test_a_term_is_explained_told_apart_and_introduced(term: str) -> None:
    # In lower case, so that the anchor is the same in JupyterLab, which keeps capitals, and on other pages.
    assert re.fullmatch(r"[a-z0-9 -]+", term)
    said = " ".join(glossary()[term].split())
    meaning, apart, where = re.fullmatch(
        r"(.{30,400}) \*Not to be confused with\* (.{8,200}\.(?: .{5,120}\.)?) \*Introduced in\* (.+)\.", said
    ).groups()  # type: ignore[union-attr]
    assert meaning.endswith((".", ")"))
    number, file = re.match(r"\[(\d\d)\]\(([^)]+)\)", where).groups()  # type: ignore[union-attr]
    notebook = COURSE / file
    assert file.startswith(number)
    assert all(word in words(notebook) for word in re.split("[ -]", term)), f"{file} does not use it"
    assert apart


def pages() -> list[Path]:
    return [*NOTEBOOKS, *sorted(COURSE.glob("*.md"))]


@pytest.mark.parametrize("page", pages(), ids=[p.name for p in pages()])
def test_links_and_anchors_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    if page.suffix == ".ipynb":
        text = "\n".join(c["source"] for c in cells(page) if c["cell_type"] == "markdown")
    anchors = {term.replace(" ", "-") for term in glossary()}
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        file, _, anchor = target.partition("#")
        assert (COURSE / file).exists(), target
        if anchor:
            assert file in ("GLOSSARY.md", "")
            assert anchor in anchors, target


@each_notebook
def test_exercises_wait_for_an_answer(notebook: Path) -> None:
    for cell in cells(notebook):
        if "lessons.check_" in cell["source"] and cell["cell_type"] == "code":
            assert "..." in cell["source"], cell["source"]
            assert made(cell, "text/plain").startswith("Your turn."), cell["source"]


def teaching() -> str:
    return (COURSE / "TEACHING.md").read_text("utf-8")


def test_the_teachers_times_are_those_of_the_notebooks() -> None:
    assert TOOL.TIMES.search(teaching())
    assert TOOL.times(firsts()) in teaching(), "run .ci/course.py"


def test_the_teachers_page_speaks_of_every_notebook() -> None:
    for notebook in NOTEBOOKS:
        section = re.search(rf"^### \[{notebook.stem[:2]} [^\n]+\n(.*?)(?=^##|\Z)", teaching(), re.M | re.S)
        assert section, notebook.stem
        for part in ("**Ask.**", "**Expect.**", "**Misconception.**"):
            assert part in section[1], (notebook.stem, part)
        assert f"]({notebook.name})" in section[0]


def test_the_teachers_page_has_no_result_typed_in() -> None:
    """Answers say which section of which notebook they come from; shares and radii stand there, computed."""
    assert not re.search(r"\d ?%|\d\.\d", re.sub(r"\]\([^)]*\)", "", teaching()))


def test_the_plans_add_up() -> None:
    plan = teaching().split("## One lecture")[1].split("\n## ")[0]
    columns = zip(*re.findall(r"^\| [^|]+ \| (\d+) \| (\d+) \|$", plan, re.M), strict=True)
    assert [sum(map(int, column)) for column in columns] == [50, 90]
    lab = teaching().split("## A lab of three hours")[1].split("\n## ")[0]
    assert sum(map(int, re.findall(r"^\| (\d+) \|", lab, re.M))) == 180


def test_scenes_of_the_plan_are_those_of_the_lecture() -> None:
    from rsbd.course.lecture import SCENES

    plan = teaching().split("## One lecture")[1].split("\n## ")[0]
    titles = re.findall(r"^\| (\d+) ([^|]+) \| \d+ \| \d+ \|$", plan, re.M)
    assert titles == [(str(n), scene.title) for n, scene in enumerate(SCENES, 1)]


def cited() -> list[tuple[Path, str]]:
    """Sections of notebooks that the teacher's page refers to, as 'section "..." of [08](...)'."""
    found = re.findall(r'[Ss]ection\s"([^"]+)"\sof\s\[\d\d\]\(([^)]+)\)', teaching())
    return [(COURSE / file, " ".join(title.split())) for title, file in found]


def test_sections_that_the_teachers_page_cites_are_there() -> None:
    assert {notebook for notebook, _ in cited()} >= set(NOTEBOOKS[:-1])
    for notebook, title in cited():
        headings = re.findall(r"^## (?:\d+\. )?(.+)$", "\n".join(c["source"] for c in cells(notebook)), re.M)
        assert title in headings, (notebook.name, title)
