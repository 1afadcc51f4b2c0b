"""`rsbd doctor`: what works on this machine, and how to mend what does not."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires
from importlib.metadata import version as installed
from pathlib import Path

import typer

from rsbd.errors import InputError, first_line


@dataclass(frozen=True)
class Check:
    """One line of the report; `remedy` is set where something is wrong."""

    what: str
    found: str
    remedy: str = ""
    essential: bool = True


def doctor() -> None:
    """Say what works on this machine, and how to mend what does not."""
    broken = False
    for check in examine():
        mark = "ok  " if not check.remedy else "FAIL" if check.essential else "note"
        typer.echo(f"{mark}  {check.what:14} {check.found}" + (f" -> {check.remedy}" if check.remedy else ""))
        broken |= mark == "FAIL"
    typer.echo("\nSomething essential is missing: see FAIL above." if broken else "\nThe essentials work.")
    raise typer.Exit(int(broken))


def examine() -> Iterator[Check]:
    """Yield the result of each check; one that raises becomes a line that says so."""
    for check in (_python, _packages, _torch, _torchvision, _data, _widgets, _notebooks):
        try:
            yield from check()
        except InputError as error:
            yield Check(check.__name__.strip("_"), error.what, error.remedy)
        except Exception as error:  # the other checks still run, whatever is wrong with this one
            yield Check(check.__name__.strip("_"), first_line(error), "run `pip install --upgrade rsbd`")


def _python() -> Iterator[Check]:
    import rsbd

    fine = sys.version_info >= (3, 11)
    yield Check("python", sys.version.split()[0], "" if fine else "install Python 3.11 or later")
    yield Check("rsbd", f"{rsbd.__version__} in {Path(rsbd.__file__).parent}")


def _packages() -> Iterator[Check]:
    """Check the version of each package that rsbd requires."""
    from packaging.requirements import Requirement

    for needed in map(Requirement, requires("rsbd") or []):
        if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
            continue
        try:
            number, fine = installed(needed.name), needed.specifier.contains(installed(needed.name), prereleases=True)
        except PackageNotFoundError:
            number, fine = "not installed", False
        yield Check(needed.name, number, "" if fine else f"pip install '{needed}'")


def _torch() -> Iterator[Check]:
    import torch

    fine = float((torch.eye(2) @ torch.ones(2, 2)).sum()) == 4
    names = [f"cuda ({torch.cuda.get_device_name()})"] if torch.cuda.is_available() else []
    names += ["mps (Apple)"] if torch.backends.mps.is_available() else []
    yield Check("devices", ", ".join(["cpu", *names]), "" if fine else "torch multiplies wrongly: reinstall it")


def _torchvision() -> Iterator[Check]:
    from rsbd.data.vision import torchvision

    compiled = torchvision().extension._has_ops()
    yield Check("images", "torchvision works" + ("" if compiled else " without its compiled part, which is not needed"))


def _data() -> Iterator[Check]:
    from rsbd.data import SOURCES, data_root, load

    for name, source in SOURCES.items():
        where = source.where(data_root())
        if not source.files:
            load(name)
        yield Check(name, where, f"rsbd data download {name}" if where == "missing" else "", essential=False)


def _widgets() -> Iterator[Check]:
    import anywidget  # noqa: F401 - that it imports is the check
    import ipywidgets  # noqa: F401
    from jupyter_core.paths import jupyter_path

    for name, extension in (("ipywidgets", "@jupyter-widgets/jupyterlab-manager"), ("anywidget", "anywidget")):
        if not any(Path(p, extension).is_dir() for p in jupyter_path("labextensions")):
            yield Check(name, "JupyterLab does not find its browser part", f"pip install --force-reinstall {name}")


def _notebooks() -> Iterator[Check]:
    from rsbd.course import notebooks

    yield Check("notebooks", str(notebooks.stored_course()[0]))
