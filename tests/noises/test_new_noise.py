"""Noises that the package does not have work everywhere: ensembles, certificates, curves, maps, audit, panel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product
from typing import Any, ClassVar
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from ablation import Ablate
from exact_radii import exact_radius

from rsbd import plots
from rsbd.audit import attack, exhaustive
from rsbd.bounds import simultaneous
from rsbd.certify import certified_map, certify, poisoned_rows, radius
from rsbd.data import Dataset, load
from rsbd.ensemble import collect
from rsbd.errors import InputError
from rsbd.learners import LDA, MLP, Learner
from rsbd.learners.linear.linear import Linear
from rsbd.noises import Bagging, Flip, Noise
from rsbd.noises.flip import bernoulli
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.tradeoff import Tradeoff, levels, overlap
from rsbd.words import percent


@dataclass(frozen=True)
class Smear(Noise):
    """Add exponential noise to every coordinate; a change of Linf length is a shift of all `features` of them."""

    norm: ClassVar[str] = "Linf"
    scale: float
    features: int

    def shift(self, size: float) -> Tradeoff:
        # Moved by s, an exponential law is e^(-s / scale) below itself: that share of both laws is common to them.
        kept = max(0.0, 1 - 1e-12 - float(-np.expm1(-self.features * size / self.scale)))
        return overlap(Fraction(kept)) if size else overlap(Fraction(1))

    def sample(self, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return x + self.scale * torch.empty_like(x).exponential_(generator=generator)


@dataclass(frozen=True)
class Blocks(Noise):
    """Show each block of `size` features of a row with probability `show`, else grey: coordinates share noise."""

    norm: ClassVar[str] = "L0"
    show: Fraction
    size: int = 2

    def shift(self, size: float) -> Tradeoff:
        return overlap((1 - self.show) ** int(size))  # at worst every changed coordinate is in a block of its own

    def sample(self, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        rows, features = x.shape
        shown = bernoulli(self.show, (rows, -(-features // self.size)), [generator])[0]
        return torch.where(shown.repeat_interleave(self.size, 1)[:, :features], x, torch.full_like(x, 0.5))

    def law(self, x: Sequence[float]) -> dict[tuple[float, ...], Fraction]:
        """Return the exact law of one noised row."""
        blocks, found = range(-(-len(x) // self.size)), {}
        for shown in product((True, False), repeat=len(blocks)):
            seen = tuple(value if shown[i // self.size] else 0.5 for i, value in enumerate(x))
            share = self.show ** sum(shown) * (1 - self.show) ** (len(blocks) - sum(shown))
            found[seen] = found.get(seen, Fraction(0)) + share
        return found


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits", side=8, classes=(0, 1), rows=150, points=40)


@pytest.mark.parametrize("size", [1.9, -1, float("nan")])
def test_part_of_a_coordinate_is_refused_whatever_the_noise_makes_of_it(size: float) -> None:
    """`int(1.9)` in a `shift` would certify an attack of 1.9 coordinates as one of 1."""
    with pytest.raises(InputError, match=r"changed coordinates|trigger"):
        Smoothing(test=Ablate(Fraction(1, 5))).tradeoff(Threat(trigger=size))


def test_what_is_drawn_has_the_law_that_is_certified() -> None:
    """Frequencies of `sample` agree with `outcomes`, and `shift` is no weaker than the worst pair of values."""
    noise, draws = Ablate(Fraction(1, 5)), 200_000
    seen = noise.sample(torch.ones(draws), torch.Generator().manual_seed(0))
    for value, probability in noise.outcomes(1.0):
        spread = (float(probability * (1 - probability)) / draws) ** 0.5
        assert abs(float((seen == value).float().mean()) - float(probability)) < 5 * spread
    before, after = (dict(noise.outcomes(value)) for value in (0.0, 1.0))
    outcomes = sorted({*before, *after})
    worst = levels([before.get(o, Fraction(0)) for o in outcomes], [after.get(o, Fraction(0)) for o in outcomes])
    assert noise.shift(1).dominates(worst)


def test_noise_that_coordinates_share_has_the_law_that_is_certified() -> None:
    """Frequencies agree with the law of a row, and `shift` is no weaker than any two rows that differ so much."""
    noise, draws = Blocks(Fraction(1, 3)), 50_000
    row = (1.0, 0.0, 1.0, 1.0, 0.0)
    seen = noise.sample(torch.tensor([row] * draws), torch.Generator().manual_seed(0)).tolist()
    drawn, law = Counter(map(tuple, seen)), noise.law(row)
    assert drawn.keys() == law.keys()
    for outcome, p in law.items():
        assert abs(drawn[outcome] / draws - float(p)) < 5 * (float(p * (1 - p)) / draws) ** 0.5
    tight = set()
    for one, two in combinations(product((0.0, 1.0), repeat=5), 2):
        before, after = noise.law(one), noise.law(two)
        outcomes = sorted({*before, *after})
        pair = levels([before.get(o, Fraction(0)) for o in outcomes], [after.get(o, Fraction(0)) for o in outcomes])
        size = sum(a != b for a, b in zip(one, two, strict=True))
        assert noise.shift(size).dominates(pair)
        tight |= {size} if pair.dominates(noise.shift(size)) else set()
    assert tight == {1, 2, 3}  # there are three blocks


def test_certificates_under_noise_that_coordinates_share_against_enumeration() -> None:
    noise, rows = Blocks(Fraction(1, 8)), list(product((0.0, 1.0), repeat=5))
    whiter = {row: sum(p for seen, p in noise.law(row).items() if sum(seen) > 2.6) for row in rows}
    certified = set()
    for row, size in product(rows, (1, 2, 3)):
        if noise.shift(size).certifies(min(whiter[row], 1 - whiter[row])):
            certified.add(size)
            near = [other for other in rows if sum(a != b for a, b in zip(row, other, strict=True)) <= size]
            assert len({whiter[other] > Fraction(1, 2) for other in near}) == 1
    assert {1, 2} <= certified


@pytest.mark.parametrize("learner", [Linear(), LDA(), MLP(hidden=(8,))], ids=["linear", "lda", "mlp"])
def test_ensembles_certificates_and_curves(digits: Dataset, learner: Learner) -> None:
    smoothing = Smoothing(features=Ablate(Fraction(1, 10)), labels=Flip("9/10"), test=Ablate(Fraction(1, 10)))
    votes = collect(digits, smoothing, learner, digits.x_test, 300)
    resumed = collect(
        digits,
        smoothing,
        learner,
        digits.x_test,
        300,
        resume=collect(digits, smoothing, learner, digits.x_test, 70),
    )
    assert np.array_equal(votes.counts, resumed.counts)
    bounds = simultaneous(votes.counts, 0.001)
    found = radius(bounds, smoothing, slots=("features", "test"))
    assert (found.norm, found.slots) == ("L0", ("features", "test"))
    curve = found.curve(digits.y_test, range(6))
    assert curve[0] > 0.5
    assert 0 < curve[2] <= curve[0]
    for miss, r in set(zip(bounds.miss.tolist(), found.radius.tolist(), strict=True)):
        assert (r >= 0) == (miss < 0.5)
        if r >= 0:
            law = Ablate(Fraction(1, 10)).shift(r)
            assert law.certifies(Fraction(miss))
            exact = exact_radius(Fraction(miss), Smoothing(test=Ablate(Fraction(1, 10))))
            assert r in (exact, exact - 1)
    everything = radius(bounds, smoothing, max_radius=4)  # the flips of the labels are combined with the new noise
    assert (everything.radius <= np.minimum(found.radius, 4)).all()
    table = certified_map(bounds, digits.y_test, smoothing, [0, 1, 2], [0, 1, 2])
    assert table[0, 0] >= table[1, 1] >= table[2, 2]
    holds = certify(bounds, smoothing, Threat(rows=1, trigger=1))
    assert table[1, 1] == pytest.approx(np.mean(holds & (bounds.label == digits.y_test)))
    rows = poisoned_rows(bounds, smoothing, Threat(trigger=1))
    assert ((rows.radius >= 1) == holds).all()
    assert plots.certified_accuracy(range(6), curve, norm=found.norm).get_xlabel()


def test_a_new_norm_gets_a_radius_by_search(digits: Dataset) -> None:
    smoothing = Smoothing(features=Smear(1.0, 64), test=Smear(1.0, 64))
    votes = collect(digits, smoothing, Linear(), digits.x_test, 300)
    bounds = simultaneous(votes.counts, 0.001)
    found = radius(bounds, smoothing)
    assert found.norm == "Linf"
    sure = found.radius > 0
    assert sure.mean() > 0.5
    truth = -np.log1p(-(0.5 - bounds.miss[sure])) / 64
    assert found.radius[sure] == pytest.approx(truth, rel=1e-5)
    assert (found.radius[sure] <= truth).all()
    assert 0 < found.accuracy(digits.y_test, float(np.median(found.radius[sure]))) < 1


def test_a_new_noise_in_bags(digits: Dataset) -> None:
    smoothing = Smoothing(rows=Bagging(20), features=Ablate(Fraction(1, 5)))
    bounds = simultaneous(collect(digits, smoothing, Linear(), digits.x_test, 300).counts, 0.001)
    threat = Threat(trigger=1, relabel=False, on_test=False)
    with_noise = poisoned_rows(bounds, smoothing, threat, digits.num_rows)
    without = radius(bounds, smoothing, num_rows=digits.num_rows)
    assert with_noise.radius.max() > without.radius.max() > 0


def ablate(share: float) -> Smoothing:
    return Smoothing(features=Ablate(Fraction(repr(share))), test=Ablate(Fraction(repr(share))))


def blocks(share: float) -> Smoothing:
    return Smoothing(features=Blocks(Fraction(repr(share)), 5), test=Blocks(Fraction(repr(share)), 5))


def smear(scale: float) -> Smoothing:
    return Smoothing(test=Smear(scale, 64))


@pytest.mark.parametrize(("smoothing", "far"), [(ablate(0.1), 30), (smear(2.0), 1.0)], ids=["L0", "Linf"])
@pytest.mark.slow
def test_audit_by_search(digits: Dataset, smoothing: Smoothing, far: float) -> None:
    middle = (slice(None), slice(1, 7), slice(1, 7))  # an attack is tried for each pixel
    digits = digits.replace(x=digits.x[:60][middle], y=digits.y[:60], x_test=digits.x_test[middle])
    votes = collect(digits, smoothing, Linear(), digits.x_test, 500)
    certificate = radius(simultaneous(votes.counts, 0.001), smoothing, ["test"])
    points = np.flatnonzero(certificate.radius > 0)[:3]
    report = attack(digits, smoothing, Linear(), certificate, points, num_models=500, scouts=64, seed=5)
    assert len(report.findings) == 3
    assert not report.broken
    beyond = attack(digits, smoothing, Linear(), certificate, points[:1], beyond=far, scouts=32, seed=5)
    assert beyond.broken


def test_audit_by_enumeration() -> None:
    tiny = Dataset("tiny", [[0, 1], [1, 0]], [0, 1], [[1, 1]], [1], ("a", "b"), values=2)
    noise = Smoothing(features=Ablate(Fraction(1, 4)), test=Ablate(Fraction(1, 4)))

    def whiter(x: np.ndarray, y: np.ndarray, point: np.ndarray) -> int:
        return int(x.sum() + point.sum() > 2.4)

    found = exhaustive(tiny, noise, whiter, Threat(rows=1, trigger=1, relabel=False))
    assert found.violation is None
    assert 0 < found.certified <= found.robust


@pytest.mark.parametrize(
    ("noise_of", "numbers", "unit"),
    [
        (ablate, ("setting", "show (share of pixels)", 0.05, 0.5, 0.05), "L0"),
        (blocks, ("setting", "show (share of blocks)", 0.05, 0.5, 0.05), "L0"),
        (smear, ("setting", "scale (pixel units)", 0.5, 5.0, 0.5), "Linf"),
    ],
    ids=["L0", "blocks", "Linf"],
)
def test_a_panel(digits: Dataset, noise_of: Callable[[float], Smoothing], numbers: tuple[Any, ...], unit: str) -> None:
    panels = pytest.importorskip("rsbd.panels", reason="panels need ipywidgets", exc_type=ImportError)
    slider = panels.Slider(*numbers)
    panel = panels.smoothed(noise_of, slider, digits, runner=panels.SyncRunner())
    for value in (slider.low, slider.low + slider.step, slider.high):
        panel.set(setting=value, num_models=200)
        panel.wait()
        assert f"{slider.label} {value:g}" in panel.alt
        assert panel.alt.endswith("(final)")
        assert unit in panel.sentence
        assert "With 200 models" in panel.sentence
        assert f"{unit} radius" in " ".join(ElementTree.fromstring(panel.svg).itertext())
    votes = collect(digits, noise_of(slider.high), Linear(), digits.x_test, 200)
    right = np.mean(votes.label == digits.y_test)
    assert f"{percent(right)} of test inputs are classified correctly" in panel.sentence


def test_a_panel_of_bags(digits: Dataset) -> None:
    panels = pytest.importorskip("rsbd.panels", reason="panels need ipywidgets", exc_type=ImportError)
    size = panels.Slider("setting", "rows in a bag", 5, 50, 5)
    panel = panels.smoothed(lambda rows: Smoothing(rows=Bagging(int(rows))), size, digits, runner=panels.SyncRunner())
    assert panel.params.setting == 25
    assert "change, insertion or removal of up to 1 training row alters" in panel.sentence
    assert "certified radius (training rows)" in panel.svg
