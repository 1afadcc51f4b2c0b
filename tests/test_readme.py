"""The README's commands are the ones that work, and the ones that CI runs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

import rsbd

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_two_commands_install_everything() -> None:
    commands = re.findall(r"^pip install .*$", README, re.MULTILINE)
    assert commands == ["pip install -e . && rsbd lab", "pip install -e '.[test]' && python -m pytest"]


def test_ci_takes_its_command_from_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    (pattern,) = re.findall(r"grep -E '(.*)' README.md", script)
    answer = subprocess.run(["grep", "-E", pattern, str(ROOT / "README.md")], capture_output=True, text=True)
    assert answer.stdout == "pip install -e '.[test]' && python -m pytest\n"
    assert "python -m pytest" not in script


def test_links_and_pictures_exist() -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_badge_opens_the_first_notebook() -> None:
    (path,) = re.findall(r"mybinder\.org/v2/gh/OWNER/NAME/HEAD\?urlpath=lab/tree/([^)\s]+)\)", README)
    assert (ROOT / path).is_file()


def test_the_library_example_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), names)


@pytest.mark.parametrize("name", ["certify", "compare"])
def test_the_examples_are_commands_that_exist(name: str) -> None:
    from typer.main import get_command

    from rsbd.cli import app

    lines = re.findall(rf"^rsbd {name} (.*(?:\\\n.*)*)", README, re.MULTILINE)
    options = re.findall(r"--[\w-]+", " ".join(lines))
    command = get_command(app).commands[name]  # type: ignore[attr-defined]
    known = {name for parameter in command.params for name in parameter.opts}
    assert options
    assert set(options) <= known
    assert rsbd.__version__
