"""The panel of evidence: real votes in their order, exact bounds at each count, and the limits of each radius."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import Any

import ipywidgets as ipw
import numpy as np
import pytest

from rsbd import Linear, Smoothing, bounds, collect, load
from rsbd.certify import radius
from rsbd.errors import InputError
from rsbd.panels import SyncRunner, evidence
from rsbd.panels.evidence import draw_evidence
from rsbd.panels.evidence.compute import LEAST, STEPS, EvidenceComputation, EvidenceParams, EvidenceResult, limits_of

DATA = load("digits", side=8, classes=(0, 1), rows=60, points=20)
TEN = load("digits", side=8, rows=60, points=20)


def last(steps: Any) -> EvidenceResult:
    """Return the final result of a computation that may yield previews."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def compute(data: Any, **settings: Any) -> EvidenceResult:
    params = EvidenceParams(**{"point": 0, "num_models": 200, **settings})
    return last(EvidenceComputation(data, Linear())(params, lambda: False, lambda done, total: None))


def test_votes_are_counted_one_by_one_and_then_more_at_a_time_up_to_all() -> None:
    for planned in (100, 1000, 5000):
        counted = [EvidenceParams(num_models=planned, step=step).counted for step in range(1, STEPS + 1)]
        assert counted[:12] == list(range(1, 13))
        assert counted[-1] == planned
        assert (np.diff(counted, 2)[11:] >= -1).all()
        assert min(np.diff(counted)) > 0


@pytest.mark.parametrize("step", [1, 5, 20, STEPS])
def test_a_step_shows_the_votes_of_the_first_models_and_their_exact_bounds(step: int) -> None:
    found = compute(DATA, step=step)
    votes = collect(DATA, Smoothing.flips(DATA, 0.8), Linear(), DATA.x_test, num_models=found.params.counted, seed=0)
    assert (found.counts == votes.counts).all()
    exact = bounds.simultaneous(votes.counts, 0.001)
    assert (found.bounds.miss == exact.miss).all()
    assert (found.certificate.radius == radius(exact, Smoothing.flips(DATA, 0.8)).radius).all()


@pytest.mark.parametrize("data", [DATA, TEN], ids=["two classes", "ten classes"])
@pytest.mark.parametrize("keep", [0.6, 0.8, 0.9])
def test_a_prediction_is_certified_at_a_radius_exactly_if_its_miss_is_below_the_limit(data: Any, keep: float) -> None:
    limits = limits_of(Smoothing.flips(data, keep))
    assert limits[-1] < LEAST
    assert (np.diff(limits) < 0).all()
    misses = np.concatenate([np.geomspace(LEAST, 0.6, 200), [np.nextafter(limit, 0) for limit in limits], limits])
    held = bounds.Bounds(np.zeros(len(misses), dtype=int), misses, misses, 0.001)
    reached = radius(held, Smoothing.flips(data, keep)).radius
    for size, limit in enumerate(limits):
        clear = np.abs(misses - limit) > 1e-9  # floats round outward
        assert ((reached >= size) == (misses < limit))[clear].all()


def test_clear_votes_under_much_noise_are_said_to_reach_far() -> None:
    """At keep 0.6 votes that all agree are certified beyond radius 60; the sentence names the limit after that."""
    computation, params = EvidenceComputation(DATA, Linear()), EvidenceParams(0.6, 5000, 0.1, point=0)
    smoothing = computation.smoothing(params)
    votes = collect(DATA, smoothing, Linear(), DATA.x_test, num_models=2, seed=0)
    alike = replace(votes, counts=np.tile([5000, 0], (DATA.num_points, 1)), models=((0, 5000),))
    found = computation.result(params, smoothing, alike)
    reach = int(found.certificate.radius[0])
    assert reach > 60
    assert f"radius {reach + 1} takes one below" in draw_evidence(found).sentence


def test_previews_hold_whenever_they_are_read() -> None:
    computation, params = EvidenceComputation(DATA, Linear()), EvidenceParams(point=0, num_models=200)
    smoothing = computation.smoothing(params)
    votes = collect(DATA, smoothing, Linear(), DATA.x_test, num_models=100, seed=0)
    early = computation.result(params, smoothing, votes)
    assert (early.bounds.miss == bounds.anytime(votes.counts, 0.001).miss).all()


def test_only_the_planned_number_is_called_a_certificate() -> None:
    panel = evidence(DATA, num_models=300, runner=SyncRunner())
    first = panel.svg
    assert "only the bound after the planned number" not in panel.sentence
    panel.set(step=12)
    assert "if 12 models had been planned" in panel.sentence
    assert "only the bound after the planned number is a certificate" in panel.sentence
    assert "12 votes counted" in panel.alt
    panel.set(step=STEPS)
    assert panel.svg == first


def test_more_models_lower_the_misses_and_more_noise_raises_the_limits() -> None:
    few, many, noisy = compute(DATA), compute(DATA, num_models=800), compute(DATA, keep=0.7)
    assert many.bounds.miss.min() < few.bounds.miss.min()
    assert all(more > less for more, less in zip(noisy.limits[1:], few.limits[1:], strict=False))


def test_play_shows_every_step_and_ends_on_the_final_picture() -> None:
    panel = evidence(DATA, num_models=100)
    panel.wait()
    end, seen = panel.svg, []
    panel.picture.observe(lambda change: seen.append(change["new"]), names="alt")
    *_, player = panel.controls.rows["step"].children
    assert isinstance(player, ipw.ToggleButton)
    player.value = True
    deadline = time.monotonic() + 30
    while player.value:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert [int(re.search(r"step (\d+):", alt)[1]) for alt in seen if "(final)" in alt] == [*range(1, STEPS + 1)]
    assert panel.svg == end
    panel.close()


def test_a_second_press_stops_and_a_slider_moved_by_hand_plays_on_from_there() -> None:
    panel = evidence(DATA, num_models=100, runner=SyncRunner())
    _, slider, player = panel.controls.rows["step"].children
    panel.set(step=20)
    player.value = True
    assert slider.value == 21  # the rest follows on a timer
    slider.value = 27
    player.value = False
    panel.controls.advance()
    assert slider.value in (27, 28)
    assert not panel.controls.playing
    panel.close()


def test_the_picture_of_many_classes_names_the_two_with_most_votes() -> None:
    panel = evidence(TEN, num_models=100, point=3, runner=SyncRunner())
    assert re.search(r"Test image 3: [\d,]+ for “\d”, [\d,]+ for “\d”, [\d,]+ for others, ", panel.alt)


def test_continuous_images_are_refused() -> None:
    with pytest.raises(InputError, match="is continuous: load its binary view"):
        evidence(load("digits", view="unit"))
