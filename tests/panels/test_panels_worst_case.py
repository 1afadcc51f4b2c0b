"""The panel of the worst classifier: what is filled is the worst event, and what is said is what the law says."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from rsbd.errors import InputError
from rsbd.noises import Flip, Gaussian, Uniform
from rsbd.panels import SyncRunner, worst_case
from rsbd.panels.worst_case import draw_worst_case
from rsbd.panels.worst_case.compute import WorstCaseParams as Params
from rsbd.panels.worst_case.compute import compute_worst_case, flip_levels, worst_event


def weight(law, share):
    return sum(p * s for p, s in zip(law, share, strict=True))


@pytest.mark.parametrize("keep", ["4/5", "1/2", "1/5", "1", "0"])
@pytest.mark.parametrize("changes", [0, 1, 4])
@pytest.mark.parametrize("p", [Fraction(0), Fraction(1, 100), Fraction(1, 3), Fraction(1)])
def test_the_filled_event_is_what_the_trade_off_says(keep, changes, p):
    _, P, Q = flip_levels(Fraction(keep), changes)
    assert sum(P) == sum(Q) == 1
    share = worst_event(P, Q, p)
    assert weight(P, share) == p if keep not in "10" or not changes else weight(P, share) <= p
    assert weight(Q, share) == Flip(keep).shift(changes).upper(p)
    assert sum(0 < s < 1 for s in share) <= 1


def test_no_event_is_worse():
    _, P, Q = flip_levels(Fraction(2, 3), 3)
    for event in product((0, 1), repeat=4):
        assert weight(Q, event) <= weight(Q, worst_event(P, Q, weight(P, event)))


@pytest.mark.parametrize(
    ("params", "law"),
    [
        (Params(), Flip(0.7).shift(3)),
        (Params(keep=0.2, changes=5, p_a=0.999), Flip(0.2).shift(5)),
        (Params(keep=1.0), Flip(1).shift(3)),
        (Params(noise="gaussian", shift=0.75), Gaussian(0.5).shift(0.75)),
        (Params(noise="uniform", shift=0.0), Uniform(2.0).shift(0)),
    ],
)
def test_found_is_the_law(params, law):
    found = compute_worst_case(params)
    miss = float(params.miss)
    assert found.upper == pytest.approx(law.upper(miss))
    assert found.certified == law.certifies(params.miss if params.noise == "flips" else miss)
    p, q = found.curve
    np.testing.assert_allclose(q[p > 0], law.upper(p[p > 0]), atol=1e-12)
    assert (np.diff(p) >= 0).all()
    assert p[-1] == q[-1] == 1


def test_exactly_at_the_limit_is_not_certified():
    at = compute_worst_case(Params(keep=0.8, changes=1, p_a=0.875))
    assert at.upper == 0.5
    assert not at.certified
    assert draw_worst_case(at).sentence.count("Not certified") == 1
    assert compute_worst_case(Params(keep=0.8, changes=1, p_a=0.876)).certified


@pytest.mark.parametrize("p_a", [0.51, 0.9, 0.99])
def test_the_radius_is_the_last_change_that_is_certified(p_a):
    reach = int(compute_worst_case(Params(keep=0.8, p_a=p_a)).reach)
    assert compute_worst_case(Params(keep=0.8, p_a=p_a, changes=reach)).certified
    assert not compute_worst_case(Params(keep=0.8, p_a=p_a, changes=reach + 1)).certified
    for noise in ("gaussian", "uniform"):
        found = compute_worst_case(Params(noise=noise, p_a=p_a))
        for factor in (0.999, 1.001):
            near = compute_worst_case(Params(noise=noise, p_a=p_a, shift=found.reach * factor))
            assert near.certified == (factor < 1)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        (
            Params(),
            "3 changed bits (keep 0.7) can make of it up to 0.397; the worst classifier reaches that. Certified",
        ),
        (Params(p_a=0.9), "It takes a miss below 0.0943."),
        (Params(keep=1.0), "no p_a below 1 would be"),
        (Params(keep=0.5), "certifies 50 changed bits and more"),
        (Params(p_a=0.5), "no majority to lose"),
        (Params(noise="gaussian"), "a change of L2 length 0.5 (sigma 0.5)"),
        (Params(noise="uniform"), "a change of L1 length 0.5 (width 2)"),
    ],
)
def test_the_sentence_reads_the_result(params, said):
    assert said in draw_worst_case(compute_worst_case(params)).sentence


def test_filled_bars_are_as_high_as_the_event_is_probable():
    found = compute_worst_case(Params(keep=0.7, changes=3, p_a=0.9))
    bars = [r for r in ET.fromstring(draw_worst_case(found).svg).iter() if r.tag.endswith("rect")]
    for colour, probability in (("#0072b2", 0.1), ("#d55e00", found.upper)):
        mine = [r for r in bars if colour in r.get("style")]
        outlined = sum(float(r.get("height")) for r in mine if "fill:none" in r.get("style"))
        filled = sum(float(r.get("height")) for r in mine if "fill:none" not in r.get("style"))
        assert filled / outlined == pytest.approx(probability, abs=1e-3)


def test_controls_follow_the_noise():
    panel = worst_case(runner=SyncRunner())

    def shown():
        return {name for name, row in panel.controls.rows.items() if row.layout.display != "none"}

    assert shown() == {"noise", "p_a", "keep", "changes"}
    panel.set(noise="gaussian")
    assert shown() == {"noise", "p_a", "sigma", "shift"}
    panel.set(noise="uniform")
    assert shown() == {"noise", "p_a", "width", "shift"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"kepe": 0.9}, "no setting 'kepe'"), ({"noise": "salt"}, "choose 'flips'"), ({"p_a": 0.2}, "p_a is 0.2")],
)
def test_bad_settings_are_one_sentence(settings, message):
    with pytest.raises(InputError, match=message):
        worst_case(runner=SyncRunner(), **settings)
