"""Imports point one way: a module uses only its own layer and those below, so each can be read and used alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "rsbd"
LAYERS = (
    {
        "errors",
        "chromium",
        "files",
        "arithmetic",
        "devices",
        "identity",
        "rng",
        "rational",
        "tradeoff",
        "binomial",
        "bounds",
        "chernoff",
        "leastsquares",
        "nearest",
        "data",
    },
    {"triggers", "poisoning", "noises"},
    {"smoothing", "learners"},
    {"checks", "votes", "store", "cache", "shard", "workers", "ensemble", "evidence", "spread"},
    {"certify", "stopping", "fixed", "soft", "confidence", "labelflips", "flipattack"},
    {"audit", "undefended", "experiment", "report", "recipes", "plots"},
    {"panels", "cli", "lecture"},
    {"lessons"},
)
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names}


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


def test_every_module_has_a_layer() -> None:
    modules = {
        path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert modules - {"__init__", "__main__"} == set(LAYER)


@pytest.mark.parametrize("name", sorted(LAYER))
def test_imports_point_upwards(name: str) -> None:
    path = PACKAGE / name
    for file in path.rglob("*.py") if path.is_dir() else [path.with_suffix(".py")]:
        for used in set(imports(file)) & set(LAYER):
            assert LAYER[used] <= LAYER[name], (
                f"{file.relative_to(ROOT)} imports rsbd.{used} from a higher layer"
            )


@pytest.mark.parametrize("name", ["tradeoff", "bounds", "triggers", "nearest"])
def test_the_theory_needs_no_torch(name: str) -> None:
    code = f"import sys, rsbd.{name}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
