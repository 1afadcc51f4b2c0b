"""Write into the course what depends on all of it: links from notebook to notebook, and the table of times.

    python .ci/course.py

After notebooks were executed, added or renamed. Outputs stay as they are.
"""

from __future__ import annotations

import re
import runpy
import sys
from itertools import compress
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[1]
COURSE = ROOT / "notebooks"
WORDS = "**Words.** New ones are explained in the [glossary](GLOSSARY.md)."
TIMES = re.compile(r"(<!-- times -->\n).*?(<!-- end of times -->)", re.DOTALL)
# Each side road, and where it leaves the main road: as the table at the end of the first notebook says it.
_SIDE = re.compile(r"\| \[(\d\d) [^|]*\| After (\d\d):")
SIDES = dict(_SIDE.findall((COURSE / "00_start_here.ipynb").read_text("utf-8")))
AROUND = ("**Previous:**", "**Side road", "**Next:**")  # how the paragraphs of links begin
TAKES = re.compile(r"^\*\*Time\.\*\* (\d+) minutes? to read.* about (\d+) seconds", re.MULTILINE)


def notebooks() -> list[Path]:
    """The notebooks, in order."""
    return sorted(COURSE.glob("[0-9][0-9]_*.ipynb"))


def name(path: Path, title: str) -> str:
    """Number and short title: '08 Partitions and bagging'."""
    short = re.sub(r"^# (\d\d )?", "", title.splitlines()[0]).partition(":")[0]
    return f"{path.stem[:2]} {short}"


def ways(path: Path, titles: dict[Path, str]) -> dict[str, str]:
    """Links along the main road, and to the side roads that leave it here: '**Next:** [09 ...](09_...ipynb)'."""
    main = [p for p in titles if p.stem[:2] not in SIDES]
    number = path.stem[:2]
    here = next(p for p in main if p.stem[:2] == SIDES.get(number, number))  # a side road leads back to its fork
    before, after = (None, *main)[main.index(here)], (*main, None)[main.index(here) + 1]
    sides = [p for p in titles if number == SIDES.get(p.stem[:2])]
    around = {"Previous": [here if number in SIDES else before], "Side road": sides, "Next": [after]}
    found = {}
    for word, paths in around.items():
        links = [f"[{name(p, titles[p])}]({p.name})" for p in paths if p]
        if links:
            found[word] = f"**{word}{'s' if len(links) > 1 else ''}:** {', '.join(links)}"
    return found


def connect(path: Path, titles: dict[Path, str]) -> None:
    """See to it that the first cell leads to the glossary, and the last one to the neighbours.

    What an author says of the next notebook stays, as long as it is the next one.
    """
    import nbformat

    tool = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("notebooks.py"))))
    notebook = nbformat.read(path, as_version=4)
    first, last = notebook.cells[0], notebook.cells[-1]
    if "](GLOSSARY.md)" not in first.source:
        first.source = re.sub(r"(^\*\*Time\.\*\*.*$)", rf"\1\n\n{WORDS}", first.source, flags=re.MULTILINE)
    parts = last.source.rstrip().split("\n\n")
    kept = [part for part in parts if not part.startswith(AROUND)]
    for link in ways(path, titles).values():
        kept.append(next((part for part in parts if part.startswith(link)), link))
    last.source = "\n\n".join(kept)
    seconds = int(TAKES.findall(first.source)[0][1])
    line = tool.time_line(tool.reading_minutes(notebook), seconds, tool.has_exercises(notebook))
    first.source = tool.LINE.sub(line, first.source)
    nbformat.write(notebook, path)


def times(titles: dict[Path, str]) -> str:
    """Table of the times that stand in the notebooks."""
    rows = ["| notebook | minutes to read | seconds to run |", "|---|---|---|"]
    found = [tuple(map(int, TAKES.findall(title)[0])) for title in titles.values()]
    for (path, title), (minutes, seconds) in zip(titles.items(), found, strict=True):
        rows.append(f"| [{name(path, title)}]({path.name}) | {minutes} | {seconds} |")
    for road, of_road in (
        ("main road", [path.stem[:2] not in SIDES for path in titles]),
        ("together", [True] * len(found)),
    ):
        minutes, seconds = (sum(column) for column in zip(*compress(found, of_road), strict=True))
        rows.append(f"| {road} | {minutes} | {seconds} |")
    return "\n".join(rows)


def first_cells() -> dict[Path, str]:
    """First cell of each notebook, in order."""
    import nbformat

    return {path: str(nbformat.read(path, as_version=4).cells[0].source) for path in notebooks()}


if __name__ == "__main__":
    for each in notebooks():
        connect(each, first_cells())
    teaching = COURSE / "TEACHING.md"
    table = times(first_cells())
    teaching.write_text(TIMES.sub(lambda m: f"{m[1]}{table}\n{m[2]}", teaching.read_text("utf-8")), "utf-8")
    sys.stdout.write(table + "\n")
