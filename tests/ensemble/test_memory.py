"""Memory is that of the blocks at hand, whatever the size of the ensemble."""

from __future__ import annotations

import sys

import pytest
from copies import run_copy

CODE = """
import re
from pathlib import Path
import torch
from rsbd import LDA, Flip, Gaussian, Linear, Smoothing, collect, load
torch.set_num_threads(2)
noise = {noise}
data = load("digits", side=8, view={view!r}, rows=1000, points=797)
votes = collect(data, noise, {learner}(), data.x_test, 3000)
assert votes.counts.sum(1).tolist() == [3000] * 797
# Of this program alone: `ru_maxrss` would begin with the memory of the process that started it.
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text()).group(1)
print((votes.label == data.y_test).mean(), peak)
"""
RUNS = {
    "Linear": ("binary", "Smoothing(features=Flip(0.8), labels=Flip(0.8, 10), test=Flip(0.8))", 0.8),
    "LDA": ("unit", "Smoothing(features=Gaussian(0.3), test=Gaussian(0.3))", 0.9),
}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak where Linux tells it")
@pytest.mark.parametrize("learner", RUNS)
def test_thousands_of_models_take_less_than_a_gigabyte(learner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Peak of the whole process with two workers, torch included; all noised rows would take 768 MB more."""
    view, noise, at_least = RUNS[learner]
    code = CODE.format(view=view, noise=noise, learner=learner)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    done = run_copy(code)
    assert done.returncode == 0, done.stderr
    accuracy, peak = map(float, done.stdout.split())
    assert peak * 1024 < 1e9
    assert accuracy > at_least  # the models are real ones
