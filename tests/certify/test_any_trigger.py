"""Threats with any trigger on the test input: which bounds answer them, and what every certificate says of them."""

from __future__ import annotations

from fractions import Fraction
from math import inf

import numpy as np
import pytest

from rsbd import AnyPatch, AnyPixels, Bagging, Bounds, Flip, Gaussian, Smoothing, Threat, certify, radius
from rsbd.certify import certified_map, poisoned_rows
from rsbd.errors import InputError
from rsbd.evasion import AnyTrigger

BAGS = Smoothing(rows=Bagging(6))
MISS = np.array([0.05, 0.2, 0.4, 0.6])


def evidence(trigger: AnyTrigger | None, miss: object = MISS) -> Bounds:
    values = np.asarray(miss, float)
    return Bounds(np.zeros(len(values), np.int64), values, values, 0.001, trigger=trigger)


def test_a_trigger_costs_nothing_beyond_its_votes() -> None:
    """The test slot's trade-off is the identity: what remains is that of bags, 1 - (1 - m/n)^size."""
    known = evidence(AnyPatch(3))
    for rows in (0, 3, 10, 20):
        lost = 1 - (1 - Fraction(rows, 200)) ** 6
        expected = [Fraction(miss) + lost < Fraction(1, 2) for miss in MISS.tolist()]
        for threat in (Threat(rows, AnyPatch(3)), Threat(rows, AnyPatch(2, (1, 1))), Threat(rows, on_test=False)):
            assert certify(known, BAGS, threat, 200).tolist() == expected
    found = radius(known, BAGS, num_rows=200)
    assert found.trigger == AnyPatch(3)
    assert found.radius.tolist() == poisoned_rows(known, BAGS, Threat(trigger=AnyPatch(3)), 200).radius.tolist()
    assert radius(evidence(None), BAGS, num_rows=200).trigger is None
    at_20 = certify(known, BAGS, Threat(20, AnyPatch(3)), 200)
    assert (found.radius >= 20).tolist() == at_20.tolist()


def test_it_multiplies_with_noise_on_the_training_set() -> None:
    noise = Smoothing(labels=Flip("4/5"))
    threat = Threat(rows=2, trigger={"features": 0, "test": AnyPatch(3)})
    alone = noise.tradeoff(Threat(rows=2, on_test=False))
    assert noise.tradeoff(threat, covered=AnyPatch(3)) == alone
    found = radius(evidence(AnyPatch(3)), noise)
    assert found.trigger == AnyPatch(3)
    assert found.radius.tolist() == radius(evidence(None), noise).radius.tolist()
    both = Smoothing(rows=Bagging(6), features=Flip("4/5"), labels=Flip("4/5"))
    wholly, limited = Threat(5, AnyPatch(1)), Threat(5, {"features": 1, "test": AnyPatch(1)})
    laws = [both.tradeoff(threat, 200, AnyPatch(1)).fast_threshold() for threat in (wholly, limited)]
    assert laws[0] < laws[1]  # rows at will are lost; a changed pixel is hidden by flips
    assert laws[0] == pytest.approx(BAGS.tradeoff(Threat(5, on_test=False), 200).fast_threshold())


@pytest.mark.parametrize(
    ("bounds", "smoothing", "threat", "message"),
    [
        (
            None,
            BAGS,
            Threat(1, AnyPatch(3)),
            "puts any 3x3 patch anywhere on the test input, but the bounds do not say",
        ),
        (AnyPatch(2), BAGS, Threat(1, AnyPatch(3)), "but the bounds are about any 2x2 patch anywhere: collect"),
        (AnyPatch(3, (0, 0)), BAGS, Threat(1, AnyPatch(3)), r"are about any 3x3 patch at \(0, 0\)"),
        (AnyPatch(3), BAGS, Threat(1, AnyPixels(9)), "puts any 9 pixels on the test input"),
        (AnyPatch(3), Smoothing(rows=Bagging(6), test=Flip("4/5")), Threat(1, AnyPatch(3)), "which carries Flip"),
        (AnyPatch(3), Smoothing(features=Gaussian(1)), Threat(1, AnyPatch(3)), "only noise on rows hides such rows"),
        (AnyPatch(3), Smoothing(labels=Flip("4/5")), Threat(1, AnyPatch(3)), "only noise on rows hides such rows"),
        (AnyPatch(3), BAGS, Threat(1, 2), "changes the test input, where there is no noise"),
    ],
)
def test_bounds_that_do_not_cover_a_threat_are_refused(
    bounds: AnyTrigger | None, smoothing: Smoothing, threat: Threat, message: str
) -> None:
    known, put = evidence(bounds), threat.trigger
    with pytest.raises(InputError, match=message):
        certify(known, smoothing, threat, 200)
    with pytest.raises(InputError, match=message):
        poisoned_rows(known, smoothing, threat, 200)
    with pytest.raises(InputError, match=message):
        certified_map(known, np.zeros(4), smoothing, [1], [put], num_rows=200)  # type: ignore[list-item]


def test_a_radius_is_refused_under_noise_on_the_test_input() -> None:
    for smoothing in (Smoothing(rows=Bagging(6), test=Flip("4/5")), Smoothing(test=Flip("4/5"))):
        with pytest.raises(InputError, match="which carries Flip"):
            radius(evidence(AnyPatch(3)), smoothing, num_rows=200)


def test_a_map_has_bounds_for_each_trigger() -> None:
    rows, y = [0, 5, 10, 30], np.array([0, 0, 1, 0])
    triggers = [AnyPatch(1), AnyPatch(2), AnyPatch(3)]
    known = [evidence(trigger, np.minimum(MISS * (1 + k), 1)) for k, trigger in enumerate(triggers)]
    table = certified_map(known, y, BAGS, rows, triggers, num_rows=200)
    for (i, j), share in np.ndenumerate(table):
        holds = certify(known[j], BAGS, Threat(rows[i], triggers[j]), 200)
        assert share == (holds & (y == 0)).mean()
    assert (table > 0).any()
    assert (table == 0).any()
    one = certified_map(known[2], y, BAGS, rows, triggers, num_rows=200)
    assert (one == table[:, 2:]).all()  # what holds against any 3x3 patch holds against smaller ones
    plain = certified_map([evidence(None), known[2]], y, BAGS, rows, [0, AnyPatch(3)], on_test=True, num_rows=200)
    assert (plain[:, 1] == table[:, 2]).all()
    with pytest.raises(InputError, match="bounds for 2 triggers of 3"):
        certified_map(known[:2], y, BAGS, rows, triggers, num_rows=200)


def test_what_a_threat_says_of_its_trigger() -> None:
    threat = Threat(5, AnyPatch(3))
    assert (threat.trigger_on("features"), threat.any_trigger) == (inf, AnyPatch(3))
    assert Threat(5, AnyPatch(3), on_test=False).any_trigger is None
    limited = Threat(5, {"features": 9, "test": AnyPatch(3)})
    assert (limited.trigger_on("features"), limited.any_trigger) == (9, AnyPatch(3))
    assert (threat.budget("rows"), threat.budget("L0"), Threat(0, AnyPatch(3), on_test=False).budget("L0")) == (
        5,
        inf,
        0,
    )
    with pytest.raises(InputError, match="the trigger on 'features' is AnyPatch"):
        Threat(5, {"features": AnyPatch(3), "test": AnyPatch(3)})


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        (AnyPatch(3), AnyPatch(2)),
        (AnyPatch(3), AnyPatch(3, (4, 5))),
        (AnyPatch(3, (1, 1)), AnyPatch(2, (2, 2))),
        (AnyPatch(2), AnyPixels(1)),
        (AnyPixels(4), AnyPixels(3)),
        (AnyPixels(4), AnyPatch(2)),
    ],
)
def test_wider_triggers_cover_narrower_ones(wide: AnyTrigger, narrow: AnyTrigger) -> None:
    assert wide.covers(wide)
    assert wide.covers(narrow)
    assert not narrow.covers(wide)


def test_triggers_that_do_not_cover_each_other() -> None:
    corner = AnyPatch(2, (0, 0))
    pairs = [(corner, AnyPatch(2, (0, 1))), (corner, AnyPixels(1)), (AnyPatch(3), AnyPixels(2))]
    for one, other in [*pairs, *((b, a) for a, b in pairs[:1])]:
        assert not one.covers(other)
    assert AnyPixels(4).covers(corner)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: AnyPatch(0), lambda: AnyPatch(2.5), lambda: AnyPatch(True), lambda: AnyPixels("3"),
        lambda: AnyPatch(2, (1,)), lambda: AnyPatch(2, (1, -1)), lambda: AnyPatch(2, 3), lambda: AnyPixels(np.nan),
    ],
)  # fmt: skip
def test_triggers_that_make_no_sense_are_refused(wrong) -> None:
    with pytest.raises(InputError, match=r"is .*: give "):
        wrong()


def test_windows_and_groups() -> None:
    colour, (groups, changes) = (3, 2, 3), AnyPatch(2).groups((3, 2, 3))
    windows = [[0, 1, 3, 4, 6, 7, 9, 10, 12, 13, 15, 16], [1, 2, 4, 5, 7, 8, 10, 11, 13, 14, 16, 17]]
    assert [sorted(group) for group in groups.tolist()] == windows
    assert changes == 1
    assert [w.place for w in AnyPatch(2).windows(colour)] == [(0, 0), (0, 1)]
    assert AnyPatch(2, (0, 1)).groups(colour)[0].tolist() == groups[1:].tolist()
    pixels, changes = AnyPixels(2).groups(colour)
    assert (pixels.tolist()[:2], changes) == ([[0, 6, 12], [1, 7, 13]], 2)
    assert AnyPixels(2).windows(colour) == (AnyPixels(2),)
