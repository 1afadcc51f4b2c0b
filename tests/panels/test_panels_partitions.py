"""The panel of partitions and bags: the strip shows what the models really learn from, the curves what is proved."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
import torch

from rsbd import Threat, load
from rsbd.attacks import BadPatch
from rsbd.attacks.poisoning import Poisoning
from rsbd.bounds import simultaneous
from rsbd.certify import certify
from rsbd.ensemble import collect
from rsbd.errors import InputError
from rsbd.learners import randomness
from rsbd.learners.base import Problem
from rsbd.learners.linear import class_sums
from rsbd.learners.linear.linear import Linear
from rsbd.noises import Bagging, Partition
from rsbd.noises.smoothing import Smoothing
from rsbd.panels import Slider, SyncRunner, partitions
from rsbd.panels.engine import Cancelled
from rsbd.panels.partitions import draw_partitions
from rsbd.panels.partitions.compute import ALPHA, PartitionsComputation, PartitionsParams
from rsbd.recipes import bagging, dpa
from rsbd.words import percent

DATA = load("digits", side=8, classes=(0, 1), points=40)
COMPUTE = PartitionsComputation(DATA, 0)
METHODS = ("dpa", "finite", "bagging", "bagflip")


def found(**settings):
    return COMPUTE(PartitionsParams(**settings), lambda: False, lambda done, total: None)


def planted(rows: int):
    return Poisoning(BadPatch(3, pixels=9), 0, rows / DATA.num_rows).apply(DATA, 0)


@pytest.mark.parametrize(("method", "spread"), [("dpa", 1), ("finite", 3)])
def test_models_that_the_strip_calls_untouched_learn_the_same_rows(method: str, spread: int) -> None:
    shown = found(method=method, parts=20, spread=spread, poisoned=4)
    poisoned, _ = planted(4)
    contents = [
        [sorted(d.x[i].tobytes() + bytes([d.y[i]]) for i in rows) for rows in Partition(20, spread).members(d.x, d.y)]
        for d in (DATA, poisoned)
    ]
    same = np.array([a == b for a, b in zip(*contents, strict=True)])
    assert (same == ~(shown.holds | shown.lost)).all()
    assert not (shown.holds & shown.lost).any()
    assert 0 < shown.holds.sum() <= 4 * spread
    assert (shown.holds | shown.lost).sum() <= 8 * spread


def test_bags_of_the_strip_are_those_that_the_models_learn_from() -> None:
    """A model learns from class sums; those of the bags that the strip looks at are the same."""
    shown = found(method="bagging", size=10, poisoned=6, num_models=100)
    _, mask = planted(6)
    y = torch.from_numpy(mask.astype(np.int64))  # the label says who is poisoned
    x = torch.tensor(DATA.x.reshape(DATA.num_rows, -1))
    problem = Problem(x, y, 2, 2, DATA.shape, Smoothing(rows=Bagging(10)))
    sizes = class_sums.sample_class_sums(problem, randomness.generators(0, range(100))).sizes
    assert ((sizes[:, 1] > 0).numpy() == shown.holds).all()
    assert not shown.lost.any()


def test_share_of_bags_with_a_poisoned_row_is_the_formula() -> None:
    shown = found(method="bagging", size=20, poisoned=5, num_models=5000)
    expected = 1 - (1 - 5 / DATA.num_rows) ** 20
    assert shown.holds.mean() == pytest.approx(expected, abs=0.03)


def test_curves_are_those_of_the_recipes() -> None:
    r = np.arange(61)
    dealt = dpa(DATA, 30)
    shown = found(parts=30)
    assert (shown.changed == dealt.changed.curve(DATA.y_test, r)).all()
    assert (shown.second == dealt.certificate.curve(DATA.y_test, r)).all()
    assert shown.changed[:30] == pytest.approx(shown.second[::2][:30])  # a changed row counts twice
    drawn = bagging(DATA, 15, num_models=300)
    shown = found(method="bagging", size=15, num_models=300)
    assert (shown.changed == drawn.certificate.curve(DATA.y_test, r)).all()
    assert (shown.second >= shown.changed).all()


def test_bagflip_curves_are_certificates() -> None:
    shown = found(method="bagflip", size=20, keep=0.95, trigger=2, num_models=400)
    flip = COMPUTE.memo.get(("bagflip", 20, 400, ALPHA, 0, 0.95), lambda: None)
    right = flip.votes.label == DATA.y_test
    for rows in (0, 1, 3):
        small = certify(flip.bounds, flip.smoothing, Threat(rows, 2), DATA.num_rows)
        assert shown.changed[rows] == np.mean(small & right)
        wholly = Smoothing(rows=Bagging(20))
        will = certify(flip.bounds, wholly, Threat(rows, on_test=False), DATA.num_rows)
        assert shown.second[rows] == np.mean(will & right)


def test_inserted_rows_are_certified_as_bagging_says() -> None:
    votes = collect(DATA, Smoothing(rows=Bagging(12)), Linear(), DATA.x_test, 300)
    evidence = simultaneous(votes.counts, ALPHA)
    shown = found(method="bagging", size=12, num_models=300)
    for rows in (1, 5, 9):
        law = Bagging(12).shift(0, DATA.num_rows, inserted=rows)
        held = [law.certifies(float(miss)) for miss in evidence.miss]
        assert shown.second[rows] == np.mean(np.array(held) & (evidence.label == DATA.y_test))


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_every_control_that_a_method_shows_changes_the_picture(method: str) -> None:
    panel = partitions(DATA, method=method, runner=SyncRunner())
    for control in panel.controls.spec:
        if not isinstance(control, Slider) or panel.controls.rows[control.name].layout.display == "none":
            continue
        seen = set()
        before = getattr(panel.params, control.name)
        for value in (control.low, control.high):
            panel.set(**{control.name: value})
            panel.wait()
            ET.fromstring(panel.svg)
            assert f"{value:,g}" in panel.alt
            seen.add(panel.svg)
        assert len(seen) == 2, control.name
        panel.set(**{control.name: before})


def test_words_agree_with_the_picture() -> None:
    for method, poisoned in itertools.product(METHODS, (1, 7)):
        shown = found(method=method, poisoned=poisoned, num_models=200)
        picture = draw_partitions(shown)
        words = " ".join(ET.fromstring(picture.svg).itertext())
        untouched = int((~(shown.holds | shown.lost)).sum())
        assert f"untouched by the attack: {untouched:,}" in words
        assert f"{untouched:,} of {shown.params.models:,} models are untouched" in picture.sentence
        if method == "bagflip":
            assert "the same size of trigger on the test image" in picture.sentence
        else:
            assert "a trigger on it is not covered" in picture.sentence
        certain = method in ("dpa", "finite")
        sure = "with certainty: no" if certain else "each with probability 0.999"
        assert (sure if shown.changed[poisoned] else "nothing is proved") in picture.sentence


def test_a_plateau_that_is_one_class_is_said_to_be_one() -> None:
    """With 20 parts, 5 changed rows may turn 10 votes: a tie, which the lower label wins."""
    both = load("digits", classes=(0, 1))
    shown = PartitionsComputation(both, 0)(PartitionsParams(parts=20), lambda: False, lambda done, total: None)
    held = dpa(both, 20).changed.by_class(both.y_test, 5)
    assert (shown.by_class == held).all()
    assert held[0] > 0.5
    assert held[1] == 0
    picture, said = draw_partitions(shown), f'{percent(held[0])} of "0", 0 % of "1"'
    assert said in picture.sentence
    assert said in picture.alt
    assert said in " ".join(ET.fromstring(picture.svg).itertext())
    many = replace(shown, dataset=both.replace(classes=tuple("abcd")), by_class=np.array([0.5, 0.25, np.nan, 1]))
    assert "at least 25 % in each class" in draw_partitions(many).sentence


def test_it_stops_when_told_to() -> None:
    for method in ("dpa", "bagging"):
        with pytest.raises(Cancelled):
            PartitionsComputation(DATA, 0)(PartitionsParams(method=method), lambda: True, lambda done, total: None)


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="no setting 'part'"):
        partitions(part=3)
    with pytest.raises(InputError, match="method is 'boosting'"):
        partitions(method="boosting")
    with pytest.raises(InputError, match="shows images"):
        partitions("breast_cancer")
    with pytest.raises(InputError, match="load its binary view"):
        partitions(load("digits", side=8, view="unit", classes=(0, 1)))
    assert replace(PartitionsParams(), method="finite").models == 150
