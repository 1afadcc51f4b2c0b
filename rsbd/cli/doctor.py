"""`rsbd doctor`: what works on this machine, and how to mend what does not."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path

import typer

from rsbd.errors import InputError


@dataclass(frozen=True)
class Finding:
    """One line of the report; `mend` is set where something is wrong."""

    what: str
    found: str
    mend: str = ""
    essential: bool = True


def doctor() -> None:
    """Say what works on this machine, and how to mend what does not."""
    broken = False
    for finding in examine():
        mark = "ok  " if not finding.mend else "FAIL" if finding.essential else "note"
        typer.echo(f"{mark}  {finding.what:14} {finding.found}" + (f" -> {finding.mend}" if finding.mend else ""))
        broken |= mark == "FAIL"
    typer.echo("\nSomething essential is missing: see FAIL above." if broken else "\nThe essentials work.")
    raise typer.Exit(int(broken))


def examine() -> Iterator[Finding]:
    """Look at this machine; a check that raises becomes a finding that says so."""
    for check in (
        _python,
        _torch,
        _torchvision,
        _data,
        _widgets,
        _lab,
        _lecture,
        _kernel,
        _threads,
        _notebooks,
    ):
        try:
            yield from check()
        except InputError as error:
            yield Finding(check.__name__.strip("_"), error.what, error.remedy)
        except Exception as error:  # whatever is wrong with the machine, the other lines are still wanted
            line = (str(error).strip() or type(error).__name__).splitlines()[0]
            yield Finding(check.__name__.strip("_"), line, "run `pip install --upgrade rsbd`")


def _python() -> Iterator[Finding]:
    import rsbd

    fine = sys.version_info >= (3, 11)
    yield Finding("python", sys.version.split()[0], "" if fine else "install Python 3.11 or later")
    yield Finding("rsbd", f"{rsbd.__version__} in {Path(rsbd.__file__).parent}")


def _torch() -> Iterator[Finding]:
    import torch

    two = torch.eye(2) @ torch.ones(2, 2)
    fine = float(two.sum()) == 4
    yield Finding("torch", torch.__version__, "" if fine else "it multiplies wrongly: reinstall torch")
    yield Finding("device cpu", "trains every learner under every noise")
    if torch.cuda.is_available():
        yield _device("cuda", f", {torch.cuda.get_device_name()}")
    if torch.backends.mps.is_available():
        yield _device("mps", " (Apple)")


def _device(name: str, words: str) -> Finding:
    """Try every learner on it, under flips and under Gaussian noise."""
    from rsbd import Flip, Gaussian, Smoothing, collect, load
    from rsbd.learners import LEARNERS

    flip, bell = Flip(0.8), Gaussian(0.5)
    noises = {
        "flips": Smoothing(features=flip, labels=flip, test=flip),
        "Gaussian": Smoothing(features=bell, test=bell),
    }
    data, lacks = load("digits", classes=(0, 1), rows=30, points=4), []
    for noise, smoothing in noises.items():
        for learner, make in LEARNERS.items():
            try:
                collect(data, smoothing, make(), data.x_test, 1, device=name)
            except InputError as error:
                lacks.append((f"{learner} ({noise})", error))
    if not lacks:
        return Finding(f"device {name}", f"trains every learner{words}")
    mend = f"use --device cpu for these, the first of which says: {lacks[0][1]}"
    return Finding(f"device {name}", f"not for {', '.join(what for what, _ in lacks)}{words}", mend, essential=False)


def _torchvision() -> Iterator[Finding]:
    from rsbd.data.vision import torchvision

    module = torchvision()
    compiled = "" if module.extension._has_ops() else ", without its compiled part, which rsbd does not need"
    yield Finding("torchvision", module.__version__ + compiled)


def _data() -> Iterator[Finding]:
    from rsbd.cli.data import state
    from rsbd.data import SOURCES, data_root, load

    for name, source in SOURCES.items():
        if not source.files:
            load(name)
            yield Finding(name, "in the package")
        elif state(name) == "here":
            yield Finding(name, f"in {data_root()}")
        else:
            yield Finding(name, f"not in {data_root()}", f"rsbd data download {name}", essential=False)


def _package(name: str, fits: Callable[[int], bool], wanted: str, found: str = "") -> Finding:
    mend = f"pip install '{name}{wanted}'"
    try:
        number = installed(name)
    except PackageNotFoundError:
        return Finding(name, "not installed", mend)
    return Finding(name, number + found, "" if fits(int(number.split(".")[0])) else mend)


def _widgets() -> Iterator[Finding]:
    import anywidget  # noqa: F401 - that it imports is the check
    import ipywidgets  # noqa: F401
    from jupyter_core.paths import jupyter_path

    yield _package("ipywidgets", lambda major: major == 8, ">=8,<9")
    yield _package("anywidget", lambda major: True, ">=0.9")
    for name, extension in (
        ("ipywidgets", "@jupyter-widgets/jupyterlab-manager"),
        ("anywidget", "anywidget"),
    ):
        if not any(Path(p, extension).is_dir() for p in jupyter_path("labextensions")):
            yield Finding(name, "JupyterLab does not find its browser part", f"pip install --force-reinstall {name}")


def _lab() -> Iterator[Finding]:
    yield _package("jupyterlab", lambda major: major == 4, ">=4.2,<5")


def _lecture() -> Iterator[Finding]:
    yield _package("voila", lambda major: major == 0, ">=0.5.8,<0.6")


def _kernel() -> Iterator[Finding]:
    # From version 7 on, JupyterLab runs callbacks of widgets on other threads and pictures get mixed up.
    yield _package("ipykernel", lambda major: major < 7, "<7")


def _threads() -> Iterator[Finding]:
    import torch

    cap = os.environ.get("OMP_NUM_THREADS", "not set")
    yield Finding("threads", f"{os.cpu_count()} cores, torch uses {torch.get_num_threads()}, OMP_NUM_THREADS {cap}")


def _notebooks() -> Iterator[Finding]:
    from rsbd.course import notebooks

    try:
        yield Finding("notebooks", str(notebooks.stored_course()[0]))
    except InputError as error:
        yield Finding("notebooks", str(error), "pip install --force-reinstall rsbd")
