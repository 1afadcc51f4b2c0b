"""CONTRIBUTING.md is true: its map is the one that is tested, its files are there, and its examples run."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import shutil
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
SLIDER = "Add a slider to the main panel"
# Files that a newcomer reads before the change, at most.
MOST_FILES = {"Add a noise": 4, "Add a learner": 4, "Add a trigger": 4, SLIDER: 4, "Add an exercise": 3}


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


def run(examples: list[str]) -> None:
    """Run examples one after the other in one module, as a reader would in a notebook."""
    page = ModuleType("contributing")
    sys.modules["contributing"] = page  # dataclasses look their module up
    for number, block in enumerate(examples):
        exec(compile(block, f"CONTRIBUTING.md, block {number}", "exec", dont_inherit=True), page.__dict__)


def test_the_examples_run() -> None:
    run(blocks("python", PAGE.replace(SECTIONS[SLIDER], "")))


def apply(diff: str, root: Path) -> None:
    """Make the changes of a diff without line numbers: each old text must stand exactly once in its file."""
    for name, hunks in re.findall(r"^--- (\S+)\n(.*?)(?=^--- |\Z)", diff, re.MULTILINE | re.DOTALL):
        text = (root / name).read_text("utf-8")
        for hunk in hunks.split("@@\n"):
            lines = hunk.splitlines(keepends=True)
            old, new = ("".join(line[1:] for line in lines if line[0] in kept) for kept in (" -", " +"))
            assert text.count(old) == 1, f"{name} has changed, and CONTRIBUTING.md shows how it was:\n{old}"
            text = text.replace(old, new)
        (root / name).write_text(text, "utf-8")


@pytest.mark.slow
def test_the_slider_works_in_a_copy_of_the_package(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "rsbd", tmp_path / "rsbd", ignore=shutil.ignore_patterns("__pycache__"))
    (diff,) = blocks("diff", SECTIONS[SLIDER])
    apply(diff, tmp_path)
    (example,) = blocks("python", SECTIONS[SLIDER])
    env = os.environ | {"PYTHONPATH": str(tmp_path)}
    code = f"{example}\nimport rsbd\nassert rsbd.__file__.startswith({str(tmp_path)!r})"
    answer = subprocess.run([sys.executable, "-c", code], env=env, cwd=tmp_path, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    ruff = [sys.executable, "-m", "ruff", "format", "--check", "--no-cache", "--line-length", "120", "rsbd/panels"]
    answer = subprocess.run(ruff, cwd=tmp_path, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_the_examples_are_written_as_the_package_is(number: int) -> None:
    block = blocks("python")[number]
    ruff = [sys.executable, "-m", "ruff"]
    here = ["--no-cache", "--stdin-filename", "rsbd/example.py", "-"]
    for command in (["format", "--check"], ["check", "--ignore", "D100,F821,F704,S101,E402"]):
        answer = subprocess.run([*ruff, *command, *here], input=block, capture_output=True, text=True, cwd=ROOT)
        assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_page_is_short() -> None:
    assert len(PAGE.splitlines()) <= 330


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
