"""RAB: the library's radius is the one that the paper publishes, where it is given the paper's bounds."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from math import log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rsbd.bounds import Bounds
from rsbd.certify import radius
from rsbd.noises import Gaussian, Smoothing
from rsbd.types import Floats

VECTORS = os.environ.get("RSBD_VECTORS")
pytestmark = pytest.mark.skipif(not VECTORS, reason="RSBD_VECTORS names no folder with reference values")


def cases(family: str) -> list[dict[str, Any]]:
    text = (Path(str(VECTORS)) / "papers.json").read_text()
    found: list[dict[str, Any]] = json.loads(text)[family]["cases"]
    return found


def radii(top: Sequence[float], second: Sequence[float], sigma: float, width: float = 0.0) -> Floats:
    """Return the radius of scores that are moved together, each by `width` but not nearer than 1e-8 to 0 and 1."""
    miss = np.minimum(1 - 1e-8, 1 - np.array(top) + width)
    runner_up = np.minimum(1 - 1e-8, np.array(second) + width)
    given = Bounds(np.zeros(len(miss), int), miss, runner_up, alpha=0.001)
    return radius(given, Smoothing(features=Gaussian(sigma))).radius


def width_of(case: dict[str, Any]) -> float:
    return sqrt(log(1 / case["alpha"]) / (2 * case["N_m"]))


def test_radii() -> None:
    compared = 0
    for case in cases("rab_radius_gaussian_hoeffding"):
        for name, width in (("cert_bound", width_of(case)), ("cert_bound_exp", 0.0)):
            published = float(case[name])
            found = radii([case["pa_exp"]], [case["pb_exp"]], case["sigma"], width)[0]
            if published > 0 and np.isfinite(published):
                assert found == pytest.approx(published, abs=1e-6)
                assert found <= published + 1e-12
                compared += 1
            elif published <= 0:
                assert found <= 0
    assert compared > 10


def test_curves() -> None:
    """Certified accuracy, conditional accuracy and certified rate, each at radii strictly above the given ones."""
    for case in cases("rab_metrics"):
        top = np.array(case["pa_exp"])
        found = radii(list(top), list(1 - top), case["sigma"], width_of(case))
        beyond = found[:, None] > np.array(case["rad"])
        right = np.array(case["is_acc"], bool)[:, None] & beyond
        with np.errstate(invalid="ignore"):
            conditional = right.sum(0) / beyond.sum(0)
        curves = {"cert_acc": right.mean(0), "cond_acc": conditional, "cert_ratio": beyond.mean(0)}
        for name, curve in curves.items():
            np.testing.assert_allclose(curve, np.array(case[name], float), rtol=0, atol=1e-9)
