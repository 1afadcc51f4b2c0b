"""Options of every command, and the folders they name, filled with what nobody should type."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
import typer
from fuzzing import COMMAND_INPUTS, FILE_INPUTS, WORDS, snapshot, within

from rsbd import cli
from rsbd.data import vision

# Commands with what makes them small. What is not listed here starts servers or is tried elsewhere.
SMALL: dict[str, list[str]] = {
    "certify": ["--rows", "20", "--points", "6", "--models", "8"],
    "compare": ["--rows", "20", "--points", "6", "--models", "8", "--method", "DPA"],
    "lab": [],
    "lecture": ["--static", "out", "--scene", "99"],
    "data": [],
    "data download": [],
    "doctor": [],
}


class Box:
    """A folder with a working folder, a home, a data folder and things that must not be touched."""

    def __init__(self, root: Path) -> None:
        self.root, self.out = root, root / "out"
        for name in ("work", "home", "data", "precious"):
            (root / name).mkdir()
        self.precious = root / "precious" / "thesis.txt"
        self.precious.write_text("years of work")

    def outs(self) -> list[Callable[[], Path]]:
        return [self._plain, self._file, self._links, self._linked_votes, self._dangling, self._full_of_folders]

    def _plain(self) -> Path:
        return self.out / "a b" / "ü"

    def _file(self) -> Path:
        (self.out / "file").write_text("a file, no folder")
        return self.out / "file"

    def _links(self) -> Path:
        folder = self.out / "links"
        folder.mkdir(exist_ok=True)
        for name in ("result.json", "points.csv", "votes.npz", "certified.png", "certified.svg"):
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to(self.precious)
        return folder

    def _linked_votes(self) -> Path:
        folder = self.out / "linked"
        folder.mkdir(exist_ok=True)
        if not (folder / "votes").is_symlink():
            (folder / "votes").symlink_to(self.precious.parent)
        return folder

    def _dangling(self) -> Path:
        link = self.out / "dangling"
        link.unlink(missing_ok=True)
        link.symlink_to(self.out / "nowhere" / "at all")
        return link

    def _full_of_folders(self) -> Path:
        for name in ("result.json", "votes.npz", "certified.svg"):
            (self.out / "folders" / name).mkdir(parents=True, exist_ok=True)
        return self.out / "folders"


def commands() -> dict[str, Any]:
    """Every command by its full name."""
    found: dict[str, Any] = {}

    def walk(command: Any, name: str) -> None:
        if name:
            found[name] = command
        for child, inner in getattr(command, "commands", {}).items():
            walk(inner, f"{name} {child}".strip())

    walk(typer.main.get_command(cli.app), "")
    return found


def arguments(name: str, command: Any, random: Random, box: Box) -> list[str]:
    """Draw a command line: what makes it small, then up to three things that are odd."""
    words = name.split() + SMALL[name]
    for _ in range(random.randrange(1, 4)):
        option = random.choice(command.params) if command.params else None
        if option is None:
            words.append(random.choice(WORDS))
            continue
        if option.name == "scheduler":
            continue  # an address that does not answer is waited for
        if {"--out", "--course", "--static", "--handout"} & set(option.opts):
            value = str(random.choice(box.outs())())
        else:
            value = random.choice(WORDS)
            if random.random() < 0.1:
                value = "".join(chr(random.randrange(1, 0x3000)) for _ in range(6))
        if option.param_type_name == "option":
            words.append(random.choice(option.opts))
        if not getattr(option, "is_flag", False):
            words.append(value)
    if random.random() < 0.05:
        words.insert(random.randrange(len(words) + 1), random.choice(WORDS))
    return words


def answer(words: list[str]) -> int | str:
    """Run the command in this process and return its exit code, or what it raised."""
    before, sys.argv = sys.argv, ["rsbd", *words]
    try:
        cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    except Exception as error:
        return repr(error)
    finally:
        sys.argv = before
    return "typer did not end the program"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="links and alarms of Unix")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name == "certify" else name for name in sorted(SMALL)]
)
def test_no_traceback_no_hang_and_nothing_touched(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    box, random, command = Box(tmp_path), Random(name), commands()[name]
    monkeypatch.setenv("RSBD_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path.parent / "matplotlib"))
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr("rsbd.cli.server.serve", lambda *_: 0)
    monkeypatch.setattr("typer.main.get_command", cache(typer.main.get_command))  # read options once, not 300 times

    def offline(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(vision, "train_and_test", offline)
    box.out.mkdir()
    named = (box.out, tmp_path / "work" / "rsbd-course", tmp_path / "home" / "rsbd-course")
    before, codes, wrong = snapshot(tmp_path, named), set(), []
    for _ in range(COMMAND_INPUTS.get(name, 10)):
        words = arguments(name, command, random, box)
        with within(30):
            code = answer(words)
        said = capsys.readouterr().err
        codes.add(code)
        fine = code == 0 or name == "doctor" or (code in (1, 2) and 1 <= len(said) < 20_000)
        if not fine or "Traceback" in said:
            wrong.append((words, code, said))
    assert wrong == []
    after = snapshot(tmp_path, named)
    assert {path for path in before | after if before.get(path) != after.get(path)} == set()
    assert len(codes) > 1 or name not in COMMAND_INPUTS or name == "lecture"  # some inputs are fine, some are not


def test_a_thousand_inputs_in_all() -> None:
    assert sum(COMMAND_INPUTS.get(name, 10) for name in SMALL) + sum(FILE_INPUTS.values()) >= 1000
