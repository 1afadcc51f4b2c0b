"""Write into the course what depends on all of it: links from notebook to notebook, and the table of times.

    python .ci/course.py

After notebooks were executed, added or renamed. Outputs stay as they are.
"""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[1]
COURSE = ROOT / "notebooks"
WORDS = "**Words.** New ones are explained in the [glossary](GLOSSARY.md)."
TIMES = re.compile(r"(<!-- times -->\n).*?(<!-- end of times -->)", re.DOTALL)
TAKES = re.compile(r"^\*\*Time\.\*\* (\d+) minutes? to read.* about (\d+) seconds", re.MULTILINE)


def notebooks() -> list[Path]:
    """The notebooks, in order."""
    return sorted(COURSE.glob("[0-9][0-9]_*.ipynb"))


def name(path: Path, title: str) -> str:
    """Number and short title: '08 Partitions and bagging'."""
    short = re.sub(r"^# (\d\d )?", "", title.splitlines()[0]).partition(":")[0]
    return f"{path.stem[:2]} {short}"


def ways(path: Path, titles: dict[Path, str]) -> dict[str, str]:
    """Links to the notebooks before and after: '**Next:** [09 ...](09_...ipynb)'."""
    order = list(titles)
    at = order.index(path)
    around = {"Previous": order[at - 1] if at else None, "Next": (*order, None)[at + 1]}
    return {word: f"**{word}:** [{name(p, titles[p])}]({p.name})" for word, p in around.items() if p}


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
    written = {word: [p for p in parts if p.startswith(f"**{word}:**")] for word in ("Previous", "Next")}
    kept = [part for part in parts if not part.startswith(("**Previous:**", "**Next:**"))]
    for word, link in ways(path, titles).items():
        kept.append(next((part for part in written[word] if part.startswith(link)), link))
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
    minutes, seconds = (sum(column) for column in zip(*found, strict=True))
    return "\n".join([*rows, f"| together | {minutes} | {seconds} |"])


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
