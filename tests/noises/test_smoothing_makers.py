"""`Smoothing.flips` and `Smoothing.gaussian` put noise where they are asked to, and nowhere else."""

from __future__ import annotations

import pytest

from rsbd import Bagging, Flip, Gaussian, Smoothing, Threat
from rsbd.data import load
from rsbd.errors import InputError

DIGITS, GRAY, UNIT = (load("digits", side=8, view=view, rows=20, points=10) for view in ("binary", "gray", "unit"))


def test_one_probability_noises_every_slot_with_its_own_number_of_values() -> None:
    assert Smoothing.flips(GRAY, 0.8) == Smoothing(None, Flip(0.8, 17), Flip(0.8, 10), Flip(0.8, 17))


def test_a_slot_with_its_own_probability_ignores_the_common_one() -> None:
    found = Smoothing.flips(DIGITS, "4/5", labels=0.9, test=1)
    assert found == Smoothing(None, Flip(0.8), Flip(0.9, 10), Flip(1))


def test_a_slot_without_a_probability_carries_no_noise() -> None:
    assert Smoothing.flips(DIGITS, labels=0.9) == Smoothing(labels=Flip(0.9, 10))


def test_slots_that_are_not_asked_for_carry_no_noise() -> None:
    assert Smoothing.flips(DIGITS, 0.8, slots=("features", "test")).labels is None
    assert Smoothing.gaussian(UNIT, 0.5, labels=0.9, slots=("labels",)) == Smoothing(labels=Flip(0.9, 10))


def test_beside_bags_a_slot_in_which_all_is_kept_carries_no_noise() -> None:
    assert Smoothing.flips(DIGITS, 1, rows=Bagging(5)) == Smoothing(Bagging(5))
    assert Smoothing.flips(DIGITS, 1).slots.keys() == {"features", "labels", "test"}
    assert Smoothing.gaussian(UNIT, 0.5, labels=1, rows=Bagging(5)).labels is None


def test_gaussian_noise_takes_one_sigma_or_one_for_each_slot() -> None:
    assert Smoothing.gaussian(UNIT, 0.5) == Smoothing(features=Gaussian(0.5), test=Gaussian(0.5))
    found = Smoothing.gaussian(UNIT, features=1.0, labels=0.8, test=0.25)
    assert found == Smoothing(None, Gaussian(1.0), Flip(0.8, 10), Gaussian(0.25))


def test_continuous_inputs_are_not_flipped_but_their_labels_are() -> None:
    with pytest.raises(InputError, match=r"digits is continuous.*binary or gray"):
        Smoothing.flips(UNIT, 0.8)
    assert Smoothing.flips(UNIT, labels=0.8).slots.keys() == {"labels"}


def test_the_budget_of_a_threat_adds_up_its_changes_in_each_norm() -> None:
    threat = Threat(rows=3, trigger={"features": 2.0, "test": 0.5})
    assert threat.budget("L1") == 6.5
    assert threat.budget("L2") == pytest.approx((3 * 2.0**2 + 0.5**2) ** 0.5)
    assert threat.budget("L0") == 9.5
    assert threat.budget("rows") == 3
    assert Threat(rows=3, trigger=2, relabel=False, on_test=False).budget("L0") == 6
