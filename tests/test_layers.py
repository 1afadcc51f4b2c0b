"""Imports point one way: a package uses itself and those on lower levels only, so each can be read and used alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "rsbd"
# Package -> the packages that it may import. Data flows from the top of this table to its bottom.
MAY_IMPORT = {
    "data": "",
    "attacks": "data",
    "tradeoff": "",
    "evasion": "",
    "bounds": "evasion",
    "noises": "evasion tradeoff",
    "learners": "data evasion noises tradeoff",
    "ensemble": "data evasion noises learners",
    "certify": "evasion bounds noises tradeoff",
    "recipes": "data attacks tradeoff evasion bounds noises learners ensemble certify",
    "audit": "data attacks evasion bounds noises learners ensemble certify recipes",
    "panels": "data attacks tradeoff evasion bounds noises learners ensemble certify recipes",
    "course": "data attacks tradeoff evasion bounds noises learners ensemble certify recipes audit panels",
    "cli": "data attacks evasion noises learners ensemble certify recipes panels course",
}
# Any package may import these, and they import no package.
LOOSE = {"errors", "files", "plots", "types", "version", "words", "__init__", "__main__"}
MOST_LEVELS = 11


def allowed(package: str) -> set[str]:
    return {package, *MAY_IMPORT[package].split(), *(LOOSE - {"__main__"})}


def imports(file: Path) -> Iterator[str]:
    """Parts of rsbd that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: write imports out in full"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name.split(".")[1] for name in names if name.startswith("rsbd."))


def levels(package: str) -> int:
    """Number of packages on the longest way down from this one, itself included."""
    return 1 + max((levels(below) for below in MAY_IMPORT[package].split()), default=0)


def test_the_table_lists_every_package_and_loose_module() -> None:
    assert {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()} == set(MAY_IMPORT)
    assert {path.stem for path in PACKAGE.glob("*.py")} == LOOSE


def test_the_table_has_no_circle_and_few_levels() -> None:
    above: set[str] = set()
    for package, below in MAY_IMPORT.items():  # each line names only lines above it
        assert set(below.split()) <= above, package
        above.add(package)
    assert max(map(levels, MAY_IMPORT)) <= MOST_LEVELS


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_its_line_allows(package: str) -> None:
    wrong = {
        f"{file.relative_to(ROOT)} imports rsbd.{used}"
        for file in (PACKAGE / package).rglob("*.py")
        for used in imports(file)
        if (PACKAGE / used).is_dir() or (PACKAGE / f"{used}.py").is_file()
        if used not in allowed(package)
    }
    assert not wrong


def test_loose_modules_import_no_package() -> None:
    for name in LOOSE - {"__init__", "__main__"}:
        assert set(imports(PACKAGE / f"{name}.py")) <= LOOSE, name


def test_the_theory_needs_no_torch() -> None:
    code = (
        "import sys, importlib\n"
        "for name in ('tradeoff', 'evasion', 'bounds', 'attacks', 'certify', 'bounds.nearest'):\n"
        "    importlib.import_module(f'rsbd.{name}')\n"
        "    assert 'torch' not in sys.modules, name"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


# What `pip install rsbd` brings for the course and the commands, and what a data set or an executor may use.
OPTIONAL = (
    "IPython ipykernel ipywidgets anywidget traitlets jupyter_core jupyter_client jupyterlab voila torchvision typer "
    "click rich platformdirs pandas distributed"
)


@pytest.mark.slow
def test_the_library_needs_numpy_scipy_scikit_learn_matplotlib_and_torch_alone() -> None:
    """As where it is installed by `pip install --no-deps` beside what is there."""
    code = f"""
import importlib, pkgutil, sys
for name in {OPTIONAL!r}.split():
    sys.modules[name] = None  # its import raises
import rsbd
for module in pkgutil.walk_packages(rsbd.__path__, "rsbd."):
    if module.name.split(".")[1] not in ("panels", "course", "cli", "__main__", "_course"):
        importlib.import_module(module.name)
data = rsbd.load("digits", side=8, classes=(0, 1), rows=40, points=20)
found = rsbd.recipes.wang(data, num_models=64)
rsbd.plots.certified_accuracy([0, 1], found.certificate.curve(data.y_test, [0, 1]))
try:
    importlib.import_module("rsbd.data.vision").torchvision()
except rsbd.errors.InputError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True)
    assert run.stdout == "torchvision, which some data sets need, is missing: pip install torchvision\n"
