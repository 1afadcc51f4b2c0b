"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from rsbd.errors import InputError, check_among

if TYPE_CHECKING:
    from rich.progress import Progress, Task

    from rsbd.data import Dataset
    from rsbd.learners import Learner

HELP = tomllib.loads(Path(__file__).with_name("help.toml").read_text("utf-8"))  # of commands and options
USUAL_KEEP = "0.8"  # of flips, unless others are asked for
_PAIRS = {"digits": ["0", "1"], "mnist": ["1", "7"]}  # the classes unless others are asked for


def as_path(name: str) -> Path:
    """Read an option that names a file or folder."""
    from rsbd.files import read_path

    try:
        return read_path(name)
    except InputError as error:
        raise typer.BadParameter(str(error)) from None


def as_whole(text: str) -> int:
    """Read an option that is a whole number."""
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a whole number, such as 1000") from None


def _option(panel: str | None, metavar: str | None, key: str, *names: str, **more: Any) -> Any:
    """Return an option, whose help stands under ``key`` in ``help.toml``."""
    if metavar in ("N", "N...", "LABEL") and "min" not in more:
        more["parser"] = as_whole
    return typer.Option(*names, help=HELP["option"][key], metavar=metavar, rich_help_panel=panel, **more)


data_option = partial(_option, "Data")
attack_option = partial(_option, "Attack")
defence_option = partial(_option, "Defence")
run_option = partial(_option, "Run")
plain_option = partial(_option, None)

DataSet: TypeAlias = Annotated[str, data_option("NAME", "dataset")]
Classes: TypeAlias = Annotated[list[str] | None, data_option("NAME...", "classes")]
NumRows: TypeAlias = Annotated[int | None, data_option("N", "rows")]
NumPoints: TypeAlias = Annotated[int | None, data_option("N", "points")]
Side: TypeAlias = Annotated[int | None, data_option("N", "side")]
Alpha: TypeAlias = Annotated[float, defence_option("ALPHA", "alpha")]
AlphaFor: TypeAlias = Annotated[str, defence_option("EACH|ALL", "alpha_for")]
Seed: TypeAlias = Annotated[int, run_option("N", "seed")]
Device: TypeAlias = Annotated[str, run_option("NAME", "device")]
Out: TypeAlias = Annotated[Path | None, run_option("FOLDER", "out", parser=as_path)]
NoBrowser: TypeAlias = Annotated[bool, plain_option(None, "no_browser", "--no-browser")]
Port: TypeAlias = Annotated[int | None, plain_option("N", "port", min=1, max=65535)]


def spread(arguments: list[str], *options: str) -> list[str]:
    """Let an option take several values, which typer cannot: ``--classes 1 7`` is ``--classes 1 --classes 7``.

    Examples
    --------
    >>> spread(["certify", "--classes", "1", "7", "--rows", "100"], "--classes")
    ['certify', '--classes', '1', '--classes', '7', '--rows', '100']
    """
    out: list[str] = []
    current = ""
    for argument in arguments:
        if argument.startswith("--"):
            current = argument if argument in options else ""
        elif current and out[-1] != current:
            out.append(current)
        out.append(argument)
    return out


def load_part(name: str, view: str, classes: list[str] | None, **part: Any) -> Dataset:
    """Load a data set; of some, a pair of classes unless others are named."""
    from rsbd.data import load

    return load(name, view=view, classes=classes or _PAIRS.get(name), **part)


def make_learner(name: str) -> Learner:
    """Return the base learner of that name."""
    from rsbd.learners import LEARNERS

    check_among("--learner", name, LEARNERS)
    return LEARNERS[name]()


def check_out(out: Path | None) -> Path | None:
    """Check, before the work and not after it, that results can be written to ``out``; return the folder for votes."""
    from rsbd.files import try_to_write

    if out is None:
        return None
    if (out / "votes").is_symlink():
        raise InputError(f"{out / 'votes'} is a link, which may lead anywhere", "delete it, or name another folder")
    try:
        try_to_write(out)
    except OSError as error:
        raise InputError(f"--out {out} cannot be written to ({error.strerror})", "name another folder") from None
    return out / "votes"


def write_out(out: Path | None, write: Callable[[Path], list[Path]]) -> None:
    """Write the results to ``out``, if it was given, and name the files."""
    if out is not None:
        typer.echo(f"written to {out}: {', '.join(path.relative_to(out).as_posix() for path in write(out))}")


@contextmanager
def interruptible(out: Path | None) -> Iterator[None]:
    """Say what is left of a run that Ctrl-C stops."""
    try:
        yield
    except KeyboardInterrupt:
        left = f"votes so far are kept in {out}" if out else "next time keep the votes with --out FOLDER"
        typer.echo(f"rsbd: stopped: {left}, and the same command goes on from there", err=True)
        raise typer.Exit(130) from None


def progress_bar() -> Progress:
    """Return a progress bar on the terminal's stderr: how far, how fast, how much longer."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text("" if task.speed is None else f"{task.speed:,.4g}/s")

    done = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    console = Console(stderr=True)
    off = not console.is_terminal  # a file does not need it, and may lie on a full disk
    return Progress(*done, Rate(), TimeRemainingColumn(), console=console, transient=True, disable=off)
