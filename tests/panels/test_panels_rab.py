"""The panel of RAB: its figures are the recipe's, and previews rest on bounds that may be watched."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import rsbd
from rsbd import bounds, ensemble
from rsbd.attacks import Blend
from rsbd.attacks.poisoning import Poisoning
from rsbd.certify import radius
from rsbd.data import load
from rsbd.errors import InputError
from rsbd.learners import LDA, HashedTestNoise
from rsbd.noises import Gaussian
from rsbd.panels import SyncRunner, engine
from rsbd.panels import rab as rab_panel
from rsbd.panels.engine import Cancelled
from rsbd.panels.rab import compute, draw_rab
from rsbd.panels.rab.compute import RabComputation, RabParams
from rsbd.recipes import rab
from rsbd.recipes.experiment import Experiment, Outcome

DIGITS = load("digits", side=8, view="unit", classes=(0, 1), points=40)


def bench():
    return RabComputation(DIGITS, 0, LDA())


def run(bench, params, cancel=lambda: False):
    stream, previews = bench(params, cancel, lambda done, total: None), []
    while True:
        try:
            previews.append(next(stream))
        except StopIteration as end:
            return previews, end.value


@pytest.fixture
def trained(monkeypatch):
    asked, stream = [], ensemble.stream

    def counted(*run, resume=None, **options):
        asked.append(run[4] - (resume.num_models if resume else 0))
        return stream(*run, resume=resume, **options)

    monkeypatch.setattr(ensemble, "stream", counted)
    return asked


def test_curves_are_those_of_the_recipe():
    _, found = run(bench(), RabParams(num_models=200))
    for name in ("clopper-pearson", "hoeffding"):
        proved = rab(DIGITS, 1.0, num_models=200, bound=name).certificate
        np.testing.assert_array_equal(found.curves[name], proved.curve(DIGITS.y_test, found.radii))
        assert found.at_attack[name] == proved.accuracy(DIGITS.y_test, found.budget)
    assert (found.curves["clopper-pearson"] >= found.curves["hoeffding"]).all()
    assert (found.curves["clopper-pearson"] > found.curves["hoeffding"]).any()


def test_the_attack_is_as_long_as_it_says():
    found = run(bench(), RabParams(num_models=100, trigger=0.7, poisoned=10))[1]
    assert found.rows == 10
    assert found.budget == pytest.approx(math.sqrt(10) * 0.7)
    clean, marked, noised = found.images
    assert np.linalg.norm(marked - clean) == pytest.approx(0.7, rel=1e-5)
    assert np.std(noised - marked) == pytest.approx(1.0, rel=0.3)
    assert "10 \u00d7 0.7 = 2.21" in draw_rab(found).svg


def test_a_strong_attack_is_seen_to_work_and_noise_to_weaken_it():
    found = run(bench(), RabParams(sigma=1.0, trigger=1.0, poisoned=10, num_models=200))[1]
    undefended, without_noise, smoothed = (rates.attack_success_rate for rates in found.outcome.rates.values())
    assert undefended == without_noise > 0.9  # the same learner: noise does the rest
    assert smoothed < 0.1
    assert found.at_attack["clopper-pearson"] == 0  # and yet nothing is proved


def test_alpha_trains_nothing_and_the_trigger_one_ensemble(trained):
    kept = bench()
    run(kept, RabParams(num_models=128))
    assert trained == [128, 128]
    run(kept, RabParams(num_models=128, alpha=0.1))
    assert len(trained) == 2
    run(kept, RabParams(num_models=128, trigger=0.5))
    assert trained == [128] * 3
    run(kept, RabParams(num_models=128, sigma=0.5))
    assert trained == [128] * 5
    _, grown = run(kept, RabParams(num_models=320))
    assert trained[5:] == [192, 192]
    _, fresh = run(bench(), RabParams(num_models=320))
    np.testing.assert_array_equal(grown.curves["hoeffding"], fresh.curves["hoeffding"])


def test_previews_stand_on_anytime_bounds(monkeypatch):
    monkeypatch.setattr(engine, "FIRST_PREVIEW", 0.0)
    monkeypatch.setattr(engine, "NEXT_PREVIEW", 0.0)
    kept = bench()
    seen, found = run(kept, RabParams(num_models=320))
    assert len(seen) >= 3
    for preview in seen:
        assert set(preview.curves) == {"anytime"}
        assert not preview.outcome.final
        said = f"(preview, {preview.models} of 320 models)"
        assert draw_rab(preview).alt.endswith(said)
        assert draw_rab(preview).sentence.startswith(f"Preview ({preview.models} of 320 models): ")
        ET.fromstring(draw_rab(preview).svg)
    assert set(found.curves) == {"clopper-pearson", "hoeffding"}


@pytest.mark.parametrize("final", [True, False])
def test_certificates_rest_on_the_bounds_they_are_named_after(final):
    noise = Gaussian(0.5)
    smoothing = rsbd.Smoothing(features=noise)
    votes = ensemble.collect(DIGITS, smoothing, HashedTestNoise(LDA(), noise), DIGITS.x_test, 100)
    poisoning = Poisoning(Blend(DIGITS.shape, 0.5), 0, 0.0)
    e = Experiment(DIGITS, poisoning, smoothing, num_models=100 if final else 200)
    found = compute.certificates(Outcome(e, None, None, votes, (100,), {}), RabParams(num_models=e.num_models))
    assert set(found) == ({"clopper-pearson", "hoeffding"} if final else {"anytime"})
    for name, certificate in found.items():
        bound = getattr(bounds, name.replace("-", "_"))
        np.testing.assert_array_equal(certificate.radius, radius(bound(votes.counts, 0.001), smoothing).radius)


def test_cancel_is_seen():
    with pytest.raises(Cancelled):
        run(bench(), RabParams(num_models=2000), lambda: True)


def test_nothing_poisoned_is_said():
    found = run(bench(), RabParams(num_models=100, poisoned=0))[1]
    assert found.budget == 0
    assert "no poisoned image" in draw_rab(found).alt
    assert "total length 0 (0 images" in draw_rab(found).sentence


def test_the_sentence_says_what_is_not_covered():
    said = draw_rab(run(bench(), RabParams(num_models=100))[1]).sentence
    assert "Labels and the test image are not covered" in said
    assert "also relabels" in said


def test_names_stand_inside_the_picture():
    for params in (
        RabParams(num_models=100),
        RabParams(num_models=100, sigma=2.0),
        RabParams(num_models=100, sigma=0.1),
    ):
        root = ET.fromstring(draw_rab(run(bench(), params)[1]).svg)
        for text in root.iter("{http://www.w3.org/2000/svg}text"):
            assert 0 <= float(text.get("x")) <= 1200
            assert 0 <= float(text.get("y")) <= 552


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dataset": load("digits", side=8, classes=(0, 1))}, "load its unit view"),
        ({"dataset": "breast_cancer"}, "shows images"),
        ({"kepe": 0.9}, "no setting 'kepe'"),
        ({"target": "7"}, "is not a class"),
        ({"sigma": 9.0}, "sigma is 9.0"),
    ],
)
def test_bad_settings_are_one_sentence(settings, message):
    with pytest.raises(InputError, match=message):
        rab_panel(runner=SyncRunner(), **settings)
