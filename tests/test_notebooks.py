"""Every notebook as it is committed: complete, in order, and giving the same outputs again, in under 1 GB."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MEMORY = 1e9  # bytes: Binder guarantees no more
LONGEST = 12  # lines of a function in a notebook; longer ones belong in the package

each_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=[n.stem for n in NOTEBOOKS])


def code_cells(notebook: Path) -> list[dict[str, Any]]:
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]


@each_notebook
def test_is_committed_as_executed(notebook: Path) -> None:
    cells = code_cells(notebook)
    assert cells
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert outputs
    assert not [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]
    assert "widgets" not in json.loads(notebook.read_text("utf-8"))["metadata"]


@each_notebook
def test_functions_are_short(notebook: Path) -> None:
    for cell in code_cells(notebook):
        lines = [line for line in "".join(cell["source"]).splitlines() if not line.startswith(("%", "!"))]
        for node in ast.walk(ast.parse("\n".join(lines))):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                assert (node.end_lineno or 0) - node.lineno < LONGEST, (
                    f"{node.name}: move it into the package"
                )


@each_notebook
def test_gives_the_same_outputs_again(notebook: Path, tmp_path: Path) -> None:
    """nbval compares every output; meanwhile the kernel's memory is watched."""
    pytest.importorskip("nbval", reason="install the test extra")
    options = [
        "--nbval",
        "--nbval-current-env",
        "--nbval-cell-timeout=300",
        "-p",
        "no:cacheprovider",
        "-o",
        "addopts=",
    ]
    command = [sys.executable, "-m", "pytest", "-q", *options, str(notebook)]
    with (tmp_path / "log").open("w+") as log:
        env = os.environ | {"PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT)
        peak = 0
        while process.poll() is None:
            peak = max(peak, kernel_memory(process.pid))
            time.sleep(0.1)
        log.seek(0)
        assert process.returncode == 0, log.read()
    assert 0 < peak < MEMORY, f"the kernel used {peak / 1e9:.2f} GB"


def kernel_memory(parent: int) -> int:
    """Bytes resident in the kernel that runs below this process, its own children included."""
    total = 0
    try:
        for child in psutil.Process(parent).children(recursive=True):
            total += child.memory_info().rss
    except psutil.NoSuchProcess:
        return 0
    return total
