"""A user's own script that uses the public names passes `mypy --strict`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = """\
import numpy as np
import rsbd
from rsbd import Flip, Smoothing, Threat, bounds, load, recipes
from rsbd.certify import radius

def kept() -> float:
    data = load("digits", classes=(0, 1), points=20)
    noise = Smoothing(features=Flip(0.8), labels=Flip(0.8, data.num_classes), test=Flip(0.8))
    votes = rsbd.collect(data, noise, rsbd.Linear(), data.x_test, num_models=100, seed=0)
    known = bounds.simultaneous(votes.counts, alpha=0.001)
    certificate: rsbd.Certificate = radius(known, noise)
    print(certificate.curve(data.y_test, [0, 1, 2]), rsbd.radius(known, noise).norm)
    rsbd.plots.certified_accuracy([0, 1], [recipes.wang(data).certificate.accuracy(data.y_test, 1), 0.0])
    rsbd.certify(known, noise, "a wrong threat")  # type: ignore[arg-type]
    return float(np.mean(rsbd.certify(known, noise, Threat(rows=1, trigger=2))))
"""


@pytest.mark.slow
def test_a_script_with_the_public_names_passes_strict_mypy(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="install the test extra")
    (tmp_path / "script.py").write_text(SCRIPT)
    run = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "script.py"]
    run += ["--cache-dir", str(ROOT / ".mypy_cache" / "user")]
    env = {**os.environ, "MYPYPATH": str(ROOT)}
    answer = subprocess.run(run, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout + answer.stderr
