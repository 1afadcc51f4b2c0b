"""A noise that the package has never seen, written in this one file, gets ensembles, certificates, curves and maps."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest
import torch

from rsbd import plots
from rsbd.bounds import simultaneous
from rsbd.certify import certified_map, certify, exact_radius, poisoned_rows, radius
from rsbd.data import Dataset, load
from rsbd.ensemble import collect
from rsbd.learners import LDA, MLP, Learner
from rsbd.learners.linear import Linear
from rsbd.noises import Bagging, Flip, Noise
from rsbd.noises.base import Channel
from rsbd.smoothing import Smoothing, Threat
from rsbd.tradeoff import Tradeoff, overlap


@dataclass(frozen=True)
class Ablate(Noise):
    """Show each coordinate with probability `show`, else grey (Levine and Feizi 2020): a hidden change does nothing."""

    norm: ClassVar[str] = "L0"
    show: Fraction

    def shift(self, size: float) -> Tradeoff:
        return overlap((1 - self.show) ** int(size))

    def sample(self, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        shown = torch.rand(x.shape, generator=generator, device=x.device) < float(self.show)
        return torch.where(shown, x, torch.full_like(x, 0.5))

    def outcomes(
        self, value: float
    ) -> list[tuple[float, Fraction]]:  # optional: tiny worlds can be enumerated
        return [(value, self.show), (0.5, 1 - self.show)]

    def channel(self) -> Channel:  # optional: it lets learners undo the noise
        share = float(self.show)
        return Channel(share, (1 - share) / 2, share * (1 - share) / 4)


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


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits", classes=(0, 1), rows=150, points=40)


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
    everything = radius(
        bounds, smoothing, max_radius=4
    )  # the flips of the labels are combined with the new noise
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
