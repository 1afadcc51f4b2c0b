"""Gaussian and mixed trade-offs against 40 digits, and against a discretised Gaussian in exact arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath as mp
import numpy as np
import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from strategies import of, some_parts

from rsbd import tradeoff
from rsbd.tradeoff import flips, gaussian, identity, levels, mixed

mp.mp.dps = 40

probabilities = st.floats(0, 1) | st.floats(-300, 0).map(lambda x: 10**x)
shifts = st.floats(-6, 1.7).map(lambda x: 10**x)


def phi(x: mp.mpf) -> mp.mpf:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def quantile(p: float) -> mp.mpf:
    """Bisection: slow, and with nothing to go wrong."""
    low, high = mp.mpf(-40), mp.mpf(40)
    for _ in range(160):
        middle = (low + high) / 2
        low, high = (middle, high) if phi(middle) < p else (low, middle)
    return high


def as_mp(p: Fraction) -> mp.mpf:
    return mp.mpf(p.numerator) / p.denominator


def mixed_truth(parts: list[tuple[Fraction, int, int]], mu: float, p: float) -> mp.mpf:
    """Neyman-Pearson over levels x half lines, with the common threshold found by bisection."""
    grid = [(as_mp(P), as_mp(Q)) for P, Q in oracle.joint(parts) if Q]
    lost = mp.fsum(q for p_, q in grid if not p_)
    if not p:
        return lost
    found = [(mp.log(q / p_), p_, q) for p_, q in grid if p_]
    low, high = mp.mpf(-3000), mp.mpf(3000)
    for _ in range(100):
        tau = (low + high) / 2
        reached = mp.fsum(p_ * phi((ratio - tau) / mu - mp.mpf(mu) / 2) for ratio, p_, _ in found)
        low, high = (tau, high) if reached > p else (low, tau)
    return lost + mp.fsum(q * phi((ratio - high) / mu + mp.mpf(mu) / 2) for ratio, _, q in found)


@given(probabilities, shifts)
@settings(max_examples=60, deadline=None)
def test_gaussian_is_sound_and_tight(p: float, mu: float) -> None:
    truth = phi(quantile(p) + mu) if 0 < p < 1 else mp.mpf(p)
    value = gaussian(mu).upper(p)
    assert truth * (1 - mp.mpf(10) ** -35) <= value <= truth + mp.mpf("1e-12")


@given(shifts.filter(lambda mu: mu < 30))
@settings(max_examples=60, deadline=None)
def test_gaussian_threshold(mu: float) -> None:
    truth = phi(-mp.mpf(mu))
    assert truth * (1 - mp.mpf("1e-10")) - mp.mpf("1e-300") <= gaussian(mu).threshold() <= truth
    assert gaussian(mu).certifies(gaussian(mu).threshold() * 0.999999)
    assert not gaussian(mu).certifies(float(truth * (1 + mp.mpf("1e-14"))))


def test_gaussian_by_hand() -> None:
    assert gaussian(1.0).upper(0.5) == pytest.approx(ndtr(1.0), abs=1e-14)
    assert gaussian(0.0) == identity()
    assert gaussian(2.0).upper(0.0) == 0.0
    assert gaussian(2.0).upper(1.0) == 1.0
    both = gaussian(3.0) * gaussian(4.0)
    assert both.mu == pytest.approx(5.0)
    assert both.mu >= 5.0


@given(some_parts(2, 3), probabilities, shifts.filter(lambda mu: mu < 20))
@settings(max_examples=40, deadline=None)
def test_mixed_is_sound_and_tight(parts: list[tuple[Fraction, int, int]], p: float, mu: float) -> None:
    truth = mixed_truth(parts, mu, p)
    value = (of(parts) * gaussian(mu)).upper(p)
    assert truth - mp.mpf(10) ** -30 <= value <= truth + mp.mpf("1e-9")


@pytest.mark.slow
@given(some_parts(2, 3), shifts.filter(lambda mu: mu < 8))
@settings(max_examples=25, deadline=None)
def test_mixed_threshold(parts: list[tuple[Fraction, int, int]], mu: float) -> None:
    law = of(parts) * gaussian(mu)
    threshold = law.threshold()
    if threshold == 0:
        assert law.upper(0.0) >= 0.5 - 1e-9
    else:
        assert mixed_truth(parts, mu, threshold) <= 0.5
        assert mixed_truth(parts, mu, threshold * (1 + 1e-9) + 1e-300) >= mp.mpf("0.5") - mp.mpf("1e-8")


@given(shifts, shifts)
def test_shifts_add_in_squares_and_never_to_less(one: float, other: float) -> None:
    both = Fraction((gaussian(one) * gaussian(other)).mu)
    assert both**2 >= Fraction(one) ** 2 + Fraction(other) ** 2
    assert both <= Fraction(math.hypot(one, other)) * Fraction(1 + 1e-15)


def test_a_larger_shift_beside_a_weaker_part_does_not_dominate() -> None:
    weak, strong = flips("3/5", 2, 1), flips("4/5", 2, 1)
    assert (strong * gaussian(1.0)).dominates(strong * gaussian(0.5))
    assert not (weak * gaussian(1.0)).dominates(strong * gaussian(0.5))
    assert not (strong * gaussian(0.5)).dominates(strong * gaussian(1.0))


@pytest.mark.parametrize("mu", [0.2, 1.0, 3.0])
def test_mixed_against_a_discretised_gaussian(mu: float) -> None:
    """Coarser outcomes can only hide: a binned Gaussian is below, and comes close as the bins shrink."""
    parts = flips("4/5", 2, 3) * flips("3/5", 10, 1)
    misses = np.array([1e-6, 1e-3, 0.02, 0.2, 0.6])
    gaps = []
    for bins in (50, 400):
        edges = np.concatenate(([-np.inf], np.linspace(-8, 8 + mu, bins), [np.inf]))
        P, Q = np.diff(ndtr(edges)), np.diff(ndtr(edges - mu))
        binned = levels([Fraction(w) for w in P], [Fraction(w) for w in Q])
        gaps.append((parts * gaussian(mu)).upper(misses) - (parts * binned).upper(misses))
    assert (gaps[0] > -1e-9).all()
    assert (gaps[1] > -1e-9).all()
    assert (gaps[0] < 0.03).all()
    assert (gaps[1] < 5e-4).all()


def test_mixed_limits() -> None:
    misses = np.concatenate([10.0 ** -np.arange(0, 30, 0.5), np.linspace(0, 1, 30)])
    law = flips("4/5", 2, 3) * flips("3/5", 10, 2)
    for mu in (5e-324, 1e-13, 1e-11, 1e-6):  # a vanishing shift leaves the discrete law
        extra = (law * gaussian(mu)).upper(misses) - law.upper(misses)
        assert (extra >= -1e-12).all()
        assert (extra <= 1e-10 + mu).all()
    harmless = flips(Fraction(1, 2) + Fraction(1, 10**12), 2, 1)  # so does nearly no discrete part the Gaussian
    extra = (harmless * gaussian(1.3)).upper(misses) - gaussian(1.3).upper(misses)
    assert (np.abs(extra) <= 1e-10).all()
    assert law * gaussian(0.0) == law
    lost = flips(1, 2, 1) * gaussian(0.5)
    assert lost.upper(0.0) == 1.0
    assert lost.threshold() == 0.0


def test_mixed_survives_extremes() -> None:
    for law in (
        flips("99/100", 2, 400) * gaussian(50.0),
        flips("999/1000", 256, 40) * gaussian(1e-9),
        flips("4/5", 2, 3) * gaussian(50.0),  # a best tau that is no float's exponent
        flips("4/5", 2, 3) * gaussian(1e200),  # hardly any noise at all: all is lost
    ):
        value = law.upper([0.0, 5e-324, 1e-300, 1e-9, 0.5, 1.0])
        assert np.isfinite(value).all()
        assert (np.diff(value) >= 0).all()
        assert value[-1] == 1.0
        assert 0 <= law.threshold() < 0.5


def test_search_does_not_decide_soundness(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any tau bounds from above: with the search broken, the value may only grow."""
    law = flips("4/5", 2, 3) * gaussian(0.7)
    misses = np.array([1e-6, 1e-3, 0.1, 0.5])
    tight = law.upper(misses)
    for wrong in (-3.0, 0.0, 2.0, 5.0):
        monkeypatch.setattr(mixed.MixedCurve, "_solve", lambda self, p, wrong=wrong: np.full(len(p), wrong))
        assert (law.upper(misses) >= tight - 1e-12).all()


def test_mixed_is_a_tradeoff() -> None:
    law = tradeoff.flips(0.7, 3, 4) * gaussian(0.4)
    p = np.linspace(0, 1, 2001)
    value = law.upper(p)
    assert (np.diff(value) >= -1e-12).all()
    assert (np.diff(value, 2) <= 1e-11).all()
    assert (value >= p).all()
    assert math.isclose(law.lower(0.9), 1 - law.upper(0.1), abs_tol=1e-12)
