"""Format, lint and types: one command says whether the repository, and a script of its users, is sound."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = """\
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import rsbd
from rsbd import Flip, Smoothing, Threat, bounds, load, recipes
from rsbd.certify import radius
from rsbd.recipes import Experiment
from rsbd.recipes.report import report
from torch import nn

def network() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 2))

def kept(folder: Path) -> float:
    data = load("digits", side=8, classes=(0, 1), points=20)
    poisoned, mask = rsbd.Poisoning(rsbd.BadPatch(size=2), target="1", rate=0.05).apply(data, seed=0)
    noise = Smoothing(features=Flip(0.8), labels=Flip(0.8, data.num_classes), test=Flip(0.8))
    with ProcessPoolExecutor(2) as pool:
        votes = rsbd.collect(poisoned, noise, rsbd.Linear(), data.x_test, num_models=100, executor=pool)
    net = rsbd.Module(network, name="one layer, version 1")
    print(rsbd.collect(poisoned, noise, net, data.x_test, 64, store=folder).counts)
    known = bounds.simultaneous(votes.counts, alpha=0.001)
    certificate: rsbd.Certificate = radius(known, noise)
    print(certificate.curve(data.y_test, [0, 1, 2]), int(mask.sum()))
    result = recipes.wang(data, keep="4/5", learner=rsbd.LDA(), device="cpu")
    result.save(folder / "result.npz")
    print(type(result).load(folder / "result.npz").as_dict()["settings"], result.to_frame(), result.plot(y=data.y_test))
    rsbd.plots.certified_accuracy([0, 1], [result.certificate.accuracy(data.y_test, 1), 0.0])
    outcome = Experiment(data, rsbd.Poisoning(rsbd.BadPatch(2), 0, 0.05), noise, num_models=100).run()
    print(report(outcome).as_dict(), recipes.pecan(data, rsbd.AnyPatch(2)).map(data.y_test, [1, 5]))
    rsbd.certify(known, noise, "a wrong threat")  # type: ignore[arg-type]
    return float(np.mean(rsbd.certify(known, noise, Threat(rows=1, trigger=2))))
"""


def check(*command: str) -> None:
    pytest.importorskip(command[0], reason="install the test extra")
    answer = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, f"{' '.join(command)}\n{answer.stdout}{answer.stderr}"


@pytest.mark.parametrize("command", ["format --check", "check"])
def test_ruff_is_content(command: str) -> None:
    check("ruff", *command.split(), "--no-cache", ".")


@pytest.mark.slow
def test_strict_types_hold_in_the_package_and_in_a_script_of_a_user(tmp_path: Path) -> None:
    """The settings of mypy in pyproject.toml are strict; the script uses the public names as a user does."""
    (tmp_path / "script.py").write_text(SCRIPT, "utf-8")
    check("mypy", "rsbd", str(tmp_path / "script.py"))
