"""Attacks within the radius fail on real data, and a certificate that claims too much is caught."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rsbd.audit import Change, apply_changes, attack, candidates
from rsbd.data import Dataset, load
from rsbd.errors import InputError
from rsbd.learners import Linear
from rsbd.noises import Flip
from rsbd.noises.smoothing import Smoothing
from rsbd.recipes import wang
from rsbd.recipes.result import Certified


@pytest.fixture(scope="module")
def digits() -> Dataset:
    """Return the 4x4 pixels in the middle, which tell 0 from 1: an attack is tried for each pixel of either class."""
    data = load("digits", side=8, classes=(0, 1), rows=60, points=40)
    return data.replace(x=data.x[:, 2:6, 2:6], x_test=data.x_test[:, 2:6, 2:6])


@pytest.fixture(scope="module")
def certified(digits: Dataset) -> Certified:
    return wang(digits, keep=0.8, num_models=1000)


@pytest.mark.slow
def test_no_attack_found_within_the_radius_changes_a_certified_prediction(
    digits: Dataset, certified: Certified
) -> None:
    points = np.flatnonzero(certified.certificate.radius >= 1)[:6]
    assert len(points) == 6
    found = attack(digits, certified.smoothing, Linear(), certified.certificate, points, scouts=64, seed=7)
    assert not any(finding.broken for finding in found.findings)
    assert all(len(finding.changes) == finding.radius for finding in found.findings)
    # The search is no sham: on average it costs votes.
    assert np.mean([finding.after - finding.before for finding in found.findings]) < -0.02


@pytest.mark.slow
def test_a_certificate_that_claims_too_much_is_caught(digits: Dataset, certified: Certified) -> None:
    points = np.flatnonzero(certified.certificate.radius >= 1)[:2]
    boast = replace(certified.certificate, radius=np.full_like(certified.certificate.radius, 16))
    found = attack(digits, certified.smoothing, Linear(), boast, points, scouts=32, seed=7)
    assert any(finding.broken for finding in found.findings)


def test_changes_touch_what_they_say(digits: Dataset) -> None:
    x, rows = digits.x_test[:2], digits.x.copy()
    changes = [Change("features", 3, 10, 1.0), Change("labels", 5, 0, 1.0), Change("test", 0, 7, -1.0)]
    data, attacked = apply_changes(digits, x, changes)
    assert data.x.reshape(60, -1)[3, 10] == 1
    assert data.y[5] == 1
    assert np.count_nonzero(data.x != digits.x) <= 1
    assert np.count_nonzero(attacked != x) == 2  # one pixel of each point
    assert np.array_equal(digits.x, rows)  # left as they were


def test_only_noised_slots_are_attacked(digits: Dataset) -> None:
    slots = {change.slot for change in candidates(digits, Smoothing(labels=Flip(0.8)))}
    assert slots == {"labels"}


def test_continuous_data_are_refused(certified: Certified) -> None:
    data = load("digits", side=8, view="unit", classes=(0, 1), rows=60, points=40)
    with pytest.raises(InputError, match="continuous"):
        attack(data, certified.smoothing, Linear(), certified.certificate, [0])
