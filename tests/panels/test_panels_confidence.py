"""The panel of certified confidence: its figures are those of the recipe, and its area is its number."""

from __future__ import annotations

import re

import numpy as np
import pytest

from rsbd.certify.confidence import RANGE
from rsbd.data import load
from rsbd.ensemble.one_model import FixedModel
from rsbd.errors import InputError
from rsbd.panels import SyncRunner, confidence
from rsbd.panels.confidence import draw_confidence
from rsbd.panels.confidence.compute import ConfidenceComputation, ConfidenceParams
from rsbd.panels.engine import Cancelled
from rsbd.recipes import kumar

DATA = load("digits", side=8, view="unit", rows=300, points=30)
COMPUTE = ConfidenceComputation(DATA)


def area(ys, xs):
    return float(np.sum((ys[1:] + ys[:-1]) / 2 * np.diff(xs)))


def steps(compute, settings, cancel=lambda: False):
    """Return the previews of a computation, and its final result last."""
    shown, results = [], compute(ConfidenceParams(**settings), cancel, lambda done, total: None)
    while True:
        try:
            shown.append(next(results))
        except StopIteration as stop:
            return [*shown, stop.value]


def found(**settings):
    return steps(COMPUTE, settings)[-1]


@pytest.mark.parametrize("measure", ["score", "margin"])
def test_bounds_are_those_of_the_recipe(measure):
    recipe = kumar(DATA, 1.0, (0, 0.25, 0.5), measure=measure, num_selection=100, device="cpu")
    for j, radius in enumerate((0, 0.25, 0.5)):
        seen = found(measure=measure, radius=radius, point=3)
        assert seen.label == recipe.label[3]
        assert seen.here == pytest.approx((recipe.lower[3, j], recipe.naive[3, j]), abs=1e-12)
        assert seen.shares[0] == recipe.curve(DATA.y_test)[j]
        assert np.interp(radius, seen.radii, seen.lower) == pytest.approx(seen.here[0], abs=1e-9)


@pytest.mark.parametrize("measure", ["score", "margin"])
@pytest.mark.parametrize("point", [0, 7, 20])
def test_the_blue_area_is_the_certified_average(measure, point):
    seen = found(measure=measure, point=point)
    low, high, _ = RANGE[measure]
    assert low + area(seen.pushed, seen.at) == pytest.approx(seen.here[0], abs=0.02)
    assert low + seen.mean_kept * (high - low) == pytest.approx(seen.here[1])
    assert low + area(seen.reached, seen.at) == pytest.approx(seen.average, abs=0.02)
    assert seen.here[1] <= seen.here[0] + 1e-3
    assert (seen.pushed <= seen.lowered).all()


def test_only_a_new_sigma_and_more_copies_sample_again(monkeypatch):
    asked = []
    ask = FixedModel.confidences
    monkeypatch.setattr(FixedModel, "confidences", lambda *rest: (asked.append(rest[2]), ask(*rest))[1])
    bench = ConfidenceComputation(DATA)
    changes = ({}, {"radius": 0.4}, {"measure": "margin"}, {"point": 4}, {"copies": 100}, {"copies": 300})
    for settings in (*changes, {"sigma": 0.5, "copies": 100}, {"sigma": 0.5, "copies": 300}):
        steps(bench, settings)
    assert asked == [range(200), range(200, 1100), range(200), range(200, 400)]


def test_the_preview_is_the_certificate_of_its_own_copies():
    bench = ConfidenceComputation(DATA)
    preview, final = steps(bench, {"point": 3})
    assert (preview.copies, final.copies) == (100, 1000)
    assert preview.here == found(point=3, copies=100).here
    assert final.here == found(point=3).here
    drawn = draw_confidence(preview)
    assert drawn.sentence.startswith("Preview (100 of 1,000 copies): test image 3")
    assert drawn.alt.endswith("(preview, 100 of 1,000 copies)")
    assert drawn.note == "100 of 1,000 noisy copies"
    preview, final = steps(bench, {"point": 3, "copies": 3000})  # from the copies at hand
    assert (preview.copies, final.copies) == (1000, 3000)
    assert preview.here == found(point=3).here


def test_sampling_is_left_when_cancelled_and_goes_on_later():
    bench = ConfidenceComputation(DATA)
    with pytest.raises(Cancelled):
        steps(bench, {"copies": 3000}, lambda: True)
    assert steps(bench, {"copies": 300})[-1].here == found(copies=300).here


def test_the_sentence_promises_no_calibration():
    panel = confidence(DATA, copies=300, runner=SyncRunner())
    assert "not the probability of being right" in panel.sentence
    wrong = np.flatnonzero(kumar(DATA, 2.0, (0,), num_copies=100, device="cpu").label != DATA.y_test)
    panel.set(sigma=2.0, copies=100, point=int(wrong[0]))
    assert "which is wrong" in panel.sentence
    assert "in truth" in panel.svg
    panel.set(radius=2.0)
    assert "no test image is proved right" in panel.sentence


def test_images_only():
    with pytest.raises(InputError, match="shows images"):
        confidence(load("breast_cancer"), runner=SyncRunner())


def test_a_name_is_loaded_and_an_unknown_setting_named():
    assert confidence("digits", copies=100, runner=SyncRunner()).params.copies == 100
    with pytest.raises(InputError, match="no setting 'copy'"):
        confidence(DATA, copy=1)


def test_what_is_promised_is_rounded_down():
    for radius in (0.1, 0.25, 0.4, 0.9):
        seen = found(radius=radius, measure="margin")
        said = re.search(r"at least (-?\d\.\d\d)", draw_confidence(seen).sentence)
        assert said
        assert seen.here[0] - 0.01 <= float(said[1]) <= seen.here[0]
