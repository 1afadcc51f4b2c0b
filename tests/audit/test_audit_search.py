"""Attacks on real data within the radius of every method and noise: none succeeds, all are tried in earnest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from edited_rows import edited
from exact_judges import Nearest, NoisedLabels
from linear_rule import LinearRule

from rsbd.audit import AuditReport, Finding, attack
from rsbd.bounds import Bounds, kept_votes, simultaneous
from rsbd.certify import Certificate, poisoned_rows, radius
from rsbd.data import Dataset, load
from rsbd.ensemble import collect
from rsbd.errors import InputError
from rsbd.evasion import AnyPatch, AnyPixels
from rsbd.learners import LDA, MLP, HashedTestNoise, Linear, RobustLinear
from rsbd.noises import Bagging, Flip, Gaussian, Partition, Uniform
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.recipes import bagflip, bagging, dpa, pecan, rab, rab_knn, rosenfeld, wang
from rsbd.recipes.rosenfeld import LeastSquares


def middle(data: Dataset) -> Dataset:
    """Keep the 4x4 pixels in the middle, which tell 0 from 1: an attack is tried for each pixel."""
    return data.replace(x=data.x[:, 2:6, 2:6], x_test=data.x_test[:, 2:6, 2:6])


BITS = load("digits", side=8, classes=(0, 1), rows=60, points=30)
GRAY = middle(load("digits", side=8, view="gray", classes=(0, 1), rows=60, points=20))
MORE = load("digits", side=8, classes=(0, 1), rows=200, points=30)
REAL = load("digits", side=8, view="unit", classes=(0, 1), rows=60, points=30)
Case = tuple[Dataset, Any, Any, Certificate, dict[str, Any]]


def ensemble(data: Dataset, smoothing: Smoothing, learner: Any, **more: Any) -> Case:
    votes = collect(data, smoothing, learner, data.x_test, 500)
    return data, smoothing, learner, radius(simultaneous(votes.counts, 0.001), smoothing), more


def wang_rows() -> Case:
    data, threat = MORE, Threat(trigger=1, on_test=False)
    found = wang(data, keep_features=0.7, keep_labels=0.7, keep_test=0.95, num_models=1000)
    certificate = poisoned_rows(found.bounds, found.smoothing, threat, max_radius=20)
    return data, found.smoothing, Linear(), certificate, {"threat": threat}


def gaussian_rows() -> Case:
    data, threat = REAL, Threat(trigger=0.5, relabel=False)
    smoothing = Smoothing(features=Gaussian(1.0), test=Gaussian(0.5))
    votes = collect(data, smoothing, LDA(), data.x_test, 500)
    certificate = poisoned_rows(simultaneous(votes.counts, 0.001), smoothing, threat)
    return data, smoothing, LDA(), certificate, {"threat": threat}


def bags(edit: str = "") -> Case:
    found = bagging(BITS, size=10, num_models=500)
    return BITS, found.smoothing, Linear(), edited(found, edit) if edit else found.certificate, {}


def flipped_bags() -> Case:
    found = bagflip(BITS, size=20, keep=0.9, num_models=1000)
    return BITS, found.smoothing, Linear(), found.certificate, {"threat": Threat(trigger=1)}


def bags_with_gaussian_noise() -> Case:
    data, threat = REAL, Threat(trigger=0.25, relabel=False, on_test=False)
    smoothing = Smoothing(rows=Bagging(20), features=Gaussian(1.0))
    evidence = simultaneous(collect(data, smoothing, Linear(), data.x_test, 1000).counts, 0.001)
    certificate = poisoned_rows(evidence, smoothing, threat, data.num_rows)
    return data, smoothing, Linear(), certificate, {"threat": threat}


def parts(spread: int, deal: str = "content") -> Callable[[], Case]:
    dealt = Partition(10, spread, deal)
    return lambda: (BITS, dealt, Linear(), dpa(BITS, 10, spread=spread, deal=deal).certificate, {})


def labels() -> Case:
    found = rosenfeld(BITS, keep=0.8)
    return BITS, found.smoothing, NoisedLabels(Flip(0.8), found.penalty), found.certificate, {}


def labels_of_three() -> Case:
    data = load("digits", side=8, classes=(0, 1, 2), rows=290, points=30)
    found = rosenfeld(data, keep=0.9)
    return data, found.smoothing, NoisedLabels(Flip(0.9, 3), found.penalty), found.certificate, {}


def nearest(number: int) -> Case:
    found = rab_knn(REAL, sigma=0.5, neighbours=number)
    return REAL, found.smoothing, Nearest(0.5, neighbours=number), found.certificate, {}


def rab_votes() -> Case:
    data = middle(REAL)
    found = rab(data, sigma=1.0, num_models=500)
    return data, found.smoothing, HashedTestNoise(LDA(), Gaussian(1.0)), found.certificate, {}


def parts_and_triggers() -> Case:
    dealt = Partition(10, deal="position")
    return BITS, dealt, RobustLinear(), pecan(BITS, AnyPatch(1), parts=dealt).certificate, {}


def flipped_bags_and_triggers() -> Case:
    smoothing = Smoothing(Bagging(20), Flip(0.9), Flip(0.9))
    threat = Threat(trigger={"features": 1, "test": AnyPixels(1)})
    votes = collect(BITS, smoothing, Linear(), BITS.x_test, 500, triggers=[AnyPixels(1)])
    evidence = kept_votes(votes.against(AnyPixels(1)), 0.001)
    certificate = poisoned_rows(evidence, smoothing, threat, BITS.num_rows)
    return BITS, smoothing, Linear(), certificate, {"threat": threat}


G, U = Gaussian(0.5), Uniform(2)
CASES: dict[str, Callable[[], Case]] = {
    "gray levels": lambda: ensemble(GRAY, Smoothing(labels=Flip(0.8), test=Flip(0.4, 17)), Linear()),
    "Cohen, the exact worst direction": lambda: ensemble(REAL, Smoothing(test=G), LDA()),
    "Cohen, a network": lambda: ensemble(REAL, Smoothing(test=G), MLP(hidden=(8,), epochs=5)),
    "uniform on the point": lambda: ensemble(REAL, Smoothing(test=U), LDA()),
    "uniform on rows": lambda: ensemble(REAL, Smoothing(features=U), Linear()),
    "Gaussian on rows and point": lambda: ensemble(middle(REAL), Smoothing(features=G, test=G), LDA()),
    "RAB": rab_votes,
    "RAB, nearest neighbour": lambda: nearest(1),
    "RAB, three neighbours": lambda: nearest(3),
    "poisoned rows, flips": wang_rows,
    "poisoned rows, Gaussian": gaussian_rows,
    "bagging": bags,
    "bagging, insertions": lambda: bags("inserted"),
    "bagging, removals": lambda: bags("removed"),
    "BagFlip": flipped_bags,
    "bags with Gaussian noise": bags_with_gaussian_noise,
    "DPA": parts(1),
    "DPA by position": parts(1, "position"),
    "Finite Aggregation": parts(3),
    "parts and any patch": parts_and_triggers,
    "BagFlip and any pixel": flipped_bags_and_triggers,
    "Rosenfeld": labels,
    "Rosenfeld, three classes": labels_of_three,
}
FAR = {
    "Cohen, the exact worst direction": 0.4,
    "DPA": 4,
    "DPA by position": 4,
    "gray levels": 40,
    "poisoned rows, flips": 80,
}
UNBROKEN = (
    "poisoned rows, Gaussian",
    "bags with Gaussian noise",
)  # even a trigger on every row stays too short to be learned


def certified(certificate: Certificate, most: int) -> np.ndarray:
    """Points with radii above 0, the least certified first: they are the easiest to break."""
    held = np.flatnonzero(certificate.radius > 0)
    return held[np.argsort(certificate.radius[held], kind="stable")][:most]


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_within_the_radius_nothing_breaks_and_beyond_it_something_does(name: str) -> None:
    data, defence, learner, certificate, more = CASES[name]()
    points = certified(certificate, 1 if isinstance(learner, Nearest) else 3)
    assert len(points)
    setting = {"num_models": 1000, "scouts": 64, "seed": 7, **more}
    report = attack(data, defence, learner, certificate, points, **setting)
    assert not report.broken, report.findings
    assert "changed 0 predictions" in report.sentence
    assert all(finding.attack for finding in report.findings)
    assert min(finding.after - finding.before for finding in report.findings) < 0  # the search is no sham
    if name in UNBROKEN:
        return
    far = FAR.get(name, 20 if (certificate.norm == "L0" or "rows" in certificate.norm) else 5)
    setting["scouts"] = 32  # enough where an attack succeeds
    assert attack(data, defence, learner, certificate, points[:1], beyond=far, **setting).broken


def test_a_linear_rule_is_certified_up_to_where_it_turns() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        weights, margin = tuple(rng.normal(size=3)), float(rng.uniform(0.1, 1.0))
        for rule in (
            LinearRule(Gaussian(0.7), weights, margin),
            LinearRule(Uniform(4), (weights[0],), margin * abs(weights[0])),
        ):
            miss = np.array([rule.miss(0.0)])
            slot = Smoothing(test=rule.noise)
            found = radius(Bounds(np.array([0]), miss, miss, 0.0), slot).radius[0]
            assert found <= rule.turns_at
            assert found == pytest.approx(rule.turns_at, rel=1e-9)
            for size in np.linspace(0, 1.5 * rule.turns_at, 7):
                law = rule.noise.shift(float(size))
                assert law.upper(float(miss[0])) >= rule.miss(float(size)) - 1e-15


@pytest.mark.slow
def test_the_direction_found_for_a_linear_model_is_against_its_weights() -> None:
    """Cohen with one linear model: the attack at the radius leaves just what the closed form says."""
    data, defence, learner, certificate, _ = CASES["Cohen, the exact worst direction"]()
    points = certified(certificate, 2)
    votes = collect(data, defence, learner, data.x_test[points], 4000, 3)
    shares = votes.counts.max(1) / 4000
    report = attack(data, defence, learner, certificate, points, num_models=4000)
    from scipy.special import ndtr, ndtri

    for share, finding, shift in zip(shares, report.findings, certificate.radius[points], strict=True):
        assert finding.after == pytest.approx(ndtr(ndtri(share) - shift / 0.5), abs=0.05)
    # Where the radius is short, the votes cannot tell the worst direction from its neighbours.
    assert any("weights" in finding.attack for finding in report.findings)


def test_the_worst_labels_are_the_worst_of_all_pairs() -> None:
    rng = np.random.default_rng(1)
    x = rng.random((9, 3)).astype(np.float32)
    data = Dataset("few", x, (x[:, 0] > 0.5).astype(int), x[:1], [1], ("a", "b"))
    judge = NoisedLabels(Flip(0.8), penalty=0.3)
    influence = LeastSquares.fit(x, 0.3).influence(x[:1])[0]
    every = (np.arange(2**9)[:, None] >> np.arange(9)) & 1
    vote = every @ influence > 0.5

    def probability(y: np.ndarray) -> float:
        return float(np.where(every == y, 0.8, 0.2).prod(axis=1) @ vote)

    certificate = Certificate(np.array([1]), np.array([2]), 0.0, "L0", ("labels",))
    report = attack(data, Smoothing(labels=Flip(0.8)), judge, certificate, [0])
    turned = {change.row for change in report.findings[0].changes}
    flipped = [np.where(np.isin(np.arange(9), pair), 1 - data.y, data.y) for pair in _pairs(9)]
    best = min(probability(y) for y in flipped)
    assert probability(np.where(np.isin(np.arange(9), list(turned)), 1 - data.y, data.y)) == pytest.approx(best)


def test_points_are_attacked_each_by_its_own_worst_changes() -> None:
    data, defence, judge, certificate, _ = CASES["Rosenfeld"]()
    points = [*certified(certificate, 1), int(certificate.radius.argmax())]
    assert certificate.radius[points[0]] < certificate.radius[points[1]]
    together = attack(data, defence, judge, certificate, points)
    alone = [attack(data, defence, judge, certificate, [point]).findings[0] for point in points]
    assert [finding.changes for finding in together.findings] == [finding.changes for finding in alone]
    assert [len(finding.changes) for finding in together.findings] == [finding.radius for finding in together.findings]


def test_only_what_the_certificate_speaks_of_is_attacked() -> None:
    tiny = BITS.replace(x=BITS.x[:8], y=BITS.y[:8])
    certificate = Certificate(BITS.y_test, np.ones(30, np.int64), 0.001, "L0", ("labels",))
    noise = Smoothing(labels=Flip(0.8), test=Flip(0.8))
    report = attack(tiny, noise, Linear(), certificate, [0], num_models=8, scouts=8)
    assert [change.slot for change in report.findings[0].changes] == ["labels"]
    assert report.tried == 8


def _pairs(n: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(n) for j in range(i)]


@pytest.mark.slow
def test_claims_that_are_too_bold_are_caught() -> None:
    for name, claim in (("DPA", 12), ("bagging", 30), ("RAB", 20.0)):
        data, defence, learner, certificate, more = CASES[name]()
        boast = replace(certificate, radius=np.full_like(certificate.radius, claim))
        points = certified(certificate, 2)
        assert attack(data, defence, learner, boast, points, scouts=64, **more).broken, name


def test_what_is_not_certified_cannot_pass_an_audit() -> None:
    """Nothing would be tried, and the report would read as if all had held."""
    certificate = Certificate(np.array([0, -1, 1]), np.array([0, -1, 2]), 0.001, "rows", ("rows",))
    for points in ([], [1], [0, 1], [3], [-1]):
        with pytest.raises(InputError, match="give numbers of certified points"):
            attack(BITS, Smoothing(Bagging(10)), Linear(), certificate, points, num_models=8)
    with pytest.raises(InputError, match="counts pixels"):
        attack(BITS, Partition(5), Linear(), replace(certificate, norm="pixels"), [0])
    for norm in ("rows", "L0"):
        safe = replace(certificate, norm=norm, slots=("labels",))
        report = attack(BITS, Smoothing(labels=Flip(0.8)), Linear(), safe, [0], num_models=8, scouts=2)
        (finding,) = report.findings
        assert (report.tried, finding.changes, finding.before) == (0, (), finding.after)


@pytest.mark.parametrize(("after", "broken"), [((0.4, 0.05, 0.55), True), ((0.4, 0.15, 0.45), False)])
def test_a_prediction_is_broken_where_another_label_leads_by_more_than_chance(
    after: tuple[float, ...], broken: bool
) -> None:
    data = load("digits", side=8, classes=(0, 1, 2), rows=60, points=3)
    asked, turned_into = [], set()

    class Told:
        def __call__(self, dataset: Dataset, x: np.ndarray, num_models: int, seed: int) -> np.ndarray:
            asked.append((num_models, seed))
            if len(dataset.y) == len(data.y):
                turned_into.update(dataset.y[dataset.y != data.y].tolist())
            return np.tile((0.8, 0.05, 0.15) if dataset is data else after, (len(x), 1))

        def margin(self, num_models: int) -> float:
            return 100 / num_models

    certificate = Certificate(np.array([1, 0]), np.array([0, 2]), 0.001, "rows", ("rows",))
    setting = {"num_models": 1000, "scouts": 64, "seed": 7}
    (found,) = attack(data, Smoothing(Bagging(10)), Told(), certificate, [1], **setting).findings
    assert turned_into == {2}  # the runner-up
    assert (found.before, found.after, found.broken) == (0.8, 0.4, broken)
    # Fresh votes judge: those of the scouts picked the attack.
    assert asked == [(1000, 7), *[(64, 8)] * (len(asked) - 2), (1000, 7)]


def test_a_report_counts_what_broke_and_what_it_cost() -> None:
    held, broke = Finding(0, 1, (), 0.9, 0.8, False), Finding(1, 1, (), 0.7, 0.3, True)
    report = AuditReport((held, broke), "L0", 0, 1234)
    assert report.broken == 1
    assert "1,234 attacks in all" in report.sentence
    assert "the worst cost 25 % of the votes on average and changed 1 prediction." in report.sentence


def test_a_report_is_a_sequence_with_a_sentence() -> None:
    data, defence, learner, certificate, _ = CASES["bagging"]()
    report = attack(data, defence, learner, certificate, certified(certificate, 2), num_models=100, scouts=20)
    assert isinstance(report, AuditReport)
    assert len(report.findings) == 2
    assert report.findings[0].radius == certificate.radius[report.findings[0].point]
    assert "2 certified points were attacked at their certified radius (rows)" in report.sentence
    with pytest.raises(InputError, match="takes no options"):
        attack(data, Partition(5), Linear(), dpa(data, 5).certificate, [0], device="cpu")
