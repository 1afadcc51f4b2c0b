"""CONTRIBUTING.md is true: its map is the one that is tested, its files are there, and its examples run."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from ci_tools import script
from test_layers import LOOSE, MAY_IMPORT

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
SECTIONS = {part.partition("\n")[0]: part for part in PAGE.split("\n## ")[1:]}
# Files that a newcomer reads before the change, at most.
MOST_FILES = {"Add a noise": 4, "Add a learner": 4, "Add a trigger": 4, "Add an exercise": 3}


def blocks(kind: str, text: str = PAGE) -> list[str]:
    """Return the fenced blocks of one language."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_map_is_the_table_that_imports_are_held_to() -> None:
    table = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]*) \|$", SECTIONS["A map of the code"], re.MULTILINE)
    assert [(name, "" if below == "nothing" else below) for name, below in table] == list(MAY_IMPORT.items())
    for name in LOOSE - {"__init__", "__main__"}:
        assert f"`rsbd/{name}.py`" in SECTIONS["A map of the code"]


def test_every_file_that_the_page_names_is_there() -> None:
    new = set(re.findall(r"^# (\S+\.py)$", "\n".join(blocks("python")), re.MULTILINE))
    named = set(re.findall(r"`((?:rsbd|tests|notebooks|\.ci)/[\w./-]*)`", PAGE)) - new
    assert len(named) > 20
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
    assert [name for name in sorted(new) if (ROOT / name).exists()] == []
    for target in re.findall(r"\]\((?!https?:|#)([^)]+)\)", PAGE):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize(("section", "most"), MOST_FILES.items(), ids=MOST_FILES)
def test_a_newcomer_reads_few_files(section: str, most: int) -> None:
    (sentence,) = re.findall(r"Read (`.*?)\. [A-Z]", " ".join(SECTIONS[section].split()))
    assert 1 <= len(re.findall(r"`[^`]+\.(?:py|ipynb)`", sentence)) <= most


def test_the_examples_run(monkeypatch: pytest.MonkeyPatch) -> None:
    page = ModuleType("contributing")
    monkeypatch.setitem(sys.modules, "contributing", page)  # dataclasses look their module up
    for number, block in enumerate(blocks("python")):
        exec(compile(block, f"CONTRIBUTING.md, block {number}", "exec", dont_inherit=True), page.__dict__)


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_the_examples_are_written_as_the_package_is(number: int) -> None:
    block = blocks("python")[number]
    ruff = [sys.executable, "-m", "ruff"]
    here = ["--no-cache", "--stdin-filename", "rsbd/example.py", "-"]
    for command in (["format", "--check"], ["check", "--ignore", "D100,F821,F704,S101,E402"]):
        answer = subprocess.run([*ruff, *command, *here], input=block, capture_output=True, text=True, cwd=ROOT)
        assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_page_is_short() -> None:
    assert len(PAGE.splitlines()) <= 280


def test_everything_on_the_api_pages_has_a_docstring() -> None:
    tool = script("api")
    for name in ["rsbd", *(f"rsbd.{page}" for page in tool.PAGES.split())]:
        module = importlib.import_module(name)
        things = {each: getattr(module, each) for each in tool.public(module)}
        assert things
        bare = [
            each
            for each, thing in things.items()
            if inspect.isroutine(thing) or inspect.isclass(thing)
            if not inspect.getdoc(thing)
        ]
        assert not bare, name
