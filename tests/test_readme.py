"""What the pages for readers say is so: commands work, links lead somewhere, the short pages are short."""

from __future__ import annotations

import inspect
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

import rsbd

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "notebooks/RUNNING.md",
    "notebooks/RESULTS.md",
]


def page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def test_it_is_short() -> None:
    assert len(README.splitlines()) < 150


def test_two_commands_install_everything() -> None:
    commands = re.findall(r"^pip install .*$", README, re.MULTILINE)
    assert commands == ["pip install -e . && rsbd lab", "pip install -e '.[test]' && python -m pytest"]


def test_ci_takes_its_command_from_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    (pattern,) = re.findall(r"grep -E '(.*)' README.md", script)
    answer = subprocess.run(["grep", "-E", pattern, str(ROOT / "README.md")], capture_output=True, text=True)
    assert answer.stdout == "pip install -e '.[test]' && python -m pytest\n"
    assert "python -m pytest" not in script


@pytest.mark.parametrize("name", PAGES)
def test_links_and_pictures_exist(name: str) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page(name)):
        assert (ROOT / name).parent.joinpath(target).exists(), target


def test_the_badge_opens_the_first_notebook() -> None:
    (path,) = re.findall(
        r"mybinder\.org/v2/gh/OWNER/NAME/HEAD\?urlpath=lab/tree/([^)\s]+)\)", page("notebooks/RUNNING.md")
    )
    assert (ROOT / path).is_file()


def test_the_library_example_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), names)


def commands(name: str) -> list[list[str]]:
    """Return the words of every `rsbd` command on a page, in blocks and between backticks."""
    text = page(name)
    lines = re.findall(r"^rsbd ((?:.*\\\n)*.*)", text, re.MULTILINE) + re.findall(r"`rsbd ([^`]*)`", text)
    return [shlex.split(line.replace("\\\n", " "), comments=True) for line in lines]


@pytest.mark.parametrize("name", [name for name in PAGES if name != "CHANGELOG.md"])
def test_the_commands_exist_with_their_options(name: str) -> None:
    from typer.main import get_command

    from rsbd.cli import app

    for words in commands(name):
        command = get_command(app)
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]  # type: ignore[attr-defined]
        assert command.name not in (None, "rsbd"), f"{name}: there is no command {words}"
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        assert {word for word in words if word.startswith("--")} <= known, f"{name}: {words}"


def test_both_experiments_are_shown() -> None:
    shown = [words[0] for name in ("README.md", "notebooks/RUNNING.md") for words in commands(name) if "--out" in words]
    assert shown.count("certify") >= 2
    assert shown.count("compare") >= 2


def test_every_command_and_every_recipe_is_in_the_readme() -> None:
    from rsbd import recipes
    from rsbd.cli import app

    groups = [group.name for group in app.registered_groups]
    functions = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    for name in {*groups, *functions}:
        assert f"`rsbd {name}`" in README
    for name, recipe in vars(recipes).items():
        assert not inspect.isfunction(recipe) or f"`{name}`" in README or name == "compare"


def test_the_software_is_cited_by_its_version_and_the_paper_it_began_with() -> None:
    said = yaml.safe_load(page("CITATION.cff"))
    assert said["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(said)
    assert said["version"] == rsbd.__version__
    (paper,) = said["references"]
    assert [author["family-names"] for author in paper["authors"]] == ["Wang", "Cao", "Jia", "Gong"]
    assert f"## {rsbd.__version__}" in page("CHANGELOG.md")
    project = tomllib.loads(page("pyproject.toml"))["project"]
    assert said["license"] == project["license"]
    assert said["version"] == project["version"]
    assert set(project["urls"].values()) == {paper["url"]}


def test_hooks_before_a_commit_are_the_checks_of_the_tests() -> None:
    (local,) = yaml.safe_load(page(".pre-commit-config.yaml"))["repos"]
    assert local["repo"] == "local"
    assert [hook["name"] for hook in local["hooks"]] == ["ruff format", "ruff check", "mypy"]
    for hook in local["hooks"]:
        assert hook["language"] == "system"  # the versions of the extra `test`, and no others
        assert hook["entry"].startswith(f"python -m {hook['name']}")
