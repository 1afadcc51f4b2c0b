"""Numbers of numpy's types mean what Python's do, in exact arithmetic too, where theirs would overflow."""

from __future__ import annotations

import importlib
import sys
from fractions import Fraction
from types import ModuleType

import numpy as np
import pytest

from rsbd.data import Dataset
from rsbd.ensemble import collect
from rsbd.errors import InputError
from rsbd.learners import Linear
from rsbd.noises import Bagging, Flip, Gaussian, Partition, Uniform
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.tradeoff import flips, levels

ONE, FIVE, MANY = np.int64(1), np.int64(5), np.int64(13_007)


def test_noises_are_the_same() -> None:
    assert Flip(np.float32(0.8), FIVE) == Flip("4/5", 5)
    assert Uniform(np.float64(0.7)) == Uniform("7/10")
    assert (Gaussian(np.float32(0.5)), Gaussian(ONE)) == (Gaussian(0.5), Gaussian(1.0))
    assert "np" not in repr((Gaussian(np.float64(0.5)), Gaussian(ONE), Bagging(FIVE), Partition(FIVE, ONE)))


def test_exact_laws_do_not_overflow() -> None:
    p = Fraction(np.int64(3), np.int64(10**9 + 7))
    plain = Fraction(3, 10**9 + 7)
    assert flips(Fraction(np.int64(4), FIVE), 2, 40).upper(p) == flips("4/5", 2, 40).upper(plain)
    big = [2**62 - 1, 2**61 - 1]
    assert levels(np.array(big), np.array(big[::-1])).upper(p) == levels(big, big[::-1]).upper(plain)
    for defence in (
        Smoothing(Bagging(np.int64(30))),
        Smoothing(Bagging(np.int64(30)), Flip(0.8), test=Flip(0.9, np.int64(2))),
    ):
        python = Smoothing(Bagging(30), defence.features, None, defence.test)
        threat, same = (Threat(m, t, on_test=python.test is not None) for m, t in ((FIVE, ONE), (5, 1)))
        assert defence.tradeoff(threat, MANY).upper(plain) == python.tradeoff(same, 13_007).upper(plain)
    bag = Bagging(30)
    assert bag.shift(FIVE, MANY, removed=ONE).upper(plain) == bag.shift(5, 13_007, removed=1).upper(plain)


def test_an_ensemble_takes_them_and_lists() -> None:
    data = Dataset("tiny", [[0, 1], [1, 0], [1, 1], [0, 0]], [0, 1, 1, 0], [[1, 1]], [1], ("a", "b"), values=2)
    noise = Smoothing(features=Flip(0.8))
    votes = collect(data, noise, Linear(), data.x_test.tolist(), np.int64(20), np.int64(3))
    assert votes.counts.tolist() == collect(data, noise, Linear(), data.x_test, 20, 3).counts.tolist()
    with pytest.raises(InputError, match=r"20\.5 models"):
        collect(data, noise, Linear(), data.x_test, 20.5, 3)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"the seed is 0\.5"):
        collect(data, noise, Linear(), data.x_test, 20, 0.5)  # type: ignore[arg-type]


def test_modules_are_there_without_importing_them() -> None:
    def take_out() -> dict[str, ModuleType]:
        return {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "rsbd"}

    imported = take_out()
    try:
        fresh = importlib.import_module("rsbd")  # as in a process that has just begun
        assert "rsbd.recipes" not in sys.modules
        assert all([fresh.recipes.wang, fresh.bounds.simultaneous, fresh.ensemble.collect, fresh.audit.attack])
        assert fresh is not imported["rsbd"]
    finally:
        take_out()
        sys.modules.update(imported)
