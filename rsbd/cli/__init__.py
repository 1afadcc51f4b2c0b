"""The command `rsbd`.

Each command imports what it needs when it runs, so that `rsbd --help` answers at once.
"""

import atexit
import contextlib
import errno
import gc
import io
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from rsbd import __version__
from rsbd.cli.certify import certify
from rsbd.cli.compare import compare
from rsbd.cli.data import data_app
from rsbd.cli.doctor import doctor
from rsbd.cli.lab import course, lab
from rsbd.cli.lecture import lecture
from rsbd.cli.options import HELP, spread
from rsbd.cli.site import site
from rsbd.errors import InputError

app = typer.Typer(
    name="rsbd",
    help="Certified robustness against backdoor attacks by randomized smoothing. `rsbd lab` opens the course.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (lab, course, lecture, site, certify, compare, doctor):
    app.command(help=HELP["command"][command.__name__])(command)  # not its docstring, which `python -OO` drops
app.add_typer(data_app, name="data")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of `rsbd` itself."""


def _check_folder() -> None:
    """Raise if the current folder was deleted: some libraries then end the process without saying why."""
    try:
        Path.cwd()
    except OSError:
        raise InputError("the folder that this runs in is gone", "change to another one") from None


def main() -> None:
    """Run the command line: bad input is one sentence on stderr and exit code 2, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # do not fail on a name that the terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    if os.environ.get("COLUMNS") == "0":  # from a terminal that does not know its width: nothing would be shown
        del os.environ["COLUMNS"]
    atexit.register(gc.freeze)  # else Python collects garbage once more at the end, which takes half a second
    try:
        _check_folder()
        app(spread(sys.argv[1:], "--classes", "--poisoned", "--pixels", "--patches", "--method", "--scene"))
    except KeyboardInterrupt:  # before typer listens
        sys.exit(130)
    except InputError as error:
        sentence = str(error)
    except OSError as error:
        full = error.errno == errno.ENOSPC
        if error.filename is None and not full:  # not about a file that the user named: an error of this program
            raise
        remedy = "choose a file or folder that you can read and write"
        remedy = "make room there, and the same command goes on from what is kept" if full else remedy
        sentence = f"{error.filename or 'output'}: {error.strerror}: {remedy}"
        if error.filename is None:  # about the output itself: do not try to write the rest at the end
            with contextlib.suppress(OSError):
                sys.stdout.close()
    else:  # pragma: no cover - typer leaves by SystemExit
        return
    with contextlib.suppress(OSError):
        typer.echo(f"rsbd: {sentence}", err=True)
    sys.exit(2)
