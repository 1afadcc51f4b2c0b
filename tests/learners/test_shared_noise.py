"""Scores under a shared noise are functions of the noised point alone, however it is split, to the last bit."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pytest
import torch
from torch import Tensor

from rsbd.learners import LDA, MLP, Linear, Problem, randomness
from rsbd.learners.base import largest_class
from rsbd.learners.shared_noise import MOST, draw_shared, noised_labels, noised_scores
from rsbd.noises import Flip, Gaussian, Noise, Smoothing, Uniform

MODELS, UNITS, FEATURES, POINTS = 3, 4, 30, 20


@dataclass(frozen=True, eq=False)
class Given(Noise):
    """A noise with a known draw, that says of its points what another noise says."""

    like: Noise
    scale: Tensor
    offset: Tensor
    norm = "L2"

    def shift(self, size: float) -> Any:
        return self.like.shift(size)

    def sample(self, x: Tensor, generator: torch.Generator) -> Tensor:
        return x * self.scale + self.offset.to(x.dtype)

    def affine_limits(self) -> tuple[float, float] | None:
        return self.like.affine_limits()

    def affine(self, num_features: int, generators: Any) -> tuple[Tensor, Tensor]:
        return self.scale.expand(len(generators), -1), self.offset.expand(len(generators), -1)


def streams(models: int = MODELS) -> list[torch.Generator]:
    return randomness.generators(0, range(models))


def layer(size: float) -> tuple[Tensor, Tensor]:
    r = torch.Generator().manual_seed(1)
    weights = size * torch.randn(MODELS, UNITS, FEATURES, generator=r)
    weights[0, 0] = 0
    biases = size * torch.randn(MODELS, UNITS, generator=r)
    biases[1, 1] = -torch.inf
    return weights, biases


@pytest.mark.parametrize("size", [1e-6, 0.3, 1e4])
@pytest.mark.parametrize("levels", [16, 255])
@pytest.mark.parametrize("noise", [Gaussian(0.5), Gaussian(0.07), Uniform(2), Uniform("1/3"), Flip(0.7)], ids=str)
def test_a_score_depends_on_the_noised_point_and_not_on_how_it_is_split(noise, levels, size):
    r = torch.Generator().manual_seed(2)
    (weights, biases), one = layer(size), torch.ones(FEATURES)
    ((scale,), (offset,)) = noise.affine(FEATURES, streams(1))
    flips = isinstance(noise, Flip)
    x = torch.randint(2 if flips else 2 * levels + 1, (POINTS, FEATURES), generator=r) / (1 if flips else levels)
    first = noised_scores(weights, biases, x, Given(noise, scale, offset), streams())
    seen = x * scale + offset.double()

    for i in range(POINTS):
        moved = torch.zeros(1, FEATURES) if not flips else 1 - x[i : i + 1]
        rest = Given(noise, one, seen[i] - moved[0])
        assert torch.equal(noised_scores(weights, biases, moved, rest, streams())[..., 0], first[..., i])
        off = Given(noise, one, seen[i].double() - 2.0**-40)  # points off the grid are noised one by one
        x0 = torch.full((1, FEATURES), 2.0**-40, dtype=torch.float64)
        assert draw_shared(noise, x0, streams()) is None
        assert torch.equal(noised_scores(weights, biases, x0, off, streams())[..., 0], first[..., i])
    plain = weights @ (x * scale).T + (weights @ offset.float())[..., None] + biases[..., None]
    assert (first - plain).nan_to_num().abs().max() < 2e-3 * size * FEATURES


def test_a_score_is_rounded_once_and_exactly():
    noise = Gaussian(0.5)
    weights, biases = layer(0.3)
    scale, offset = noise.affine(FEATURES, streams(1))
    x = torch.arange(FEATURES)[None] % 33 / 16
    scores = noised_scores(weights, biases, x, Given(noise, scale[0], offset[0]), streams())
    reach = MOST + noise.affine_limits()[1]
    for m in range(MODELS):
        for u in range(UNITS):
            if biases[m, u].isinf():
                assert scores[m, u, 0] == -torch.inf
                continue
            largest = weights[m, u].abs().sum() * reach + biases[m, u].abs()
            unit = Fraction(2.0 ** (int(torch.frexp(largest.clamp(min=2.0**-90)).exponent) - 23))

            def rounded(number: Fraction, unit: Fraction) -> Fraction:
                return (number / unit + Fraction(1, 2)).__floor__() * unit

            whole = [rounded(Fraction(w.item()), 16 * unit) for w in weights[m, u]]
            seen = [Fraction(v.item()) for v in x[0] + offset[0]]
            exact = sum((w * v for w, v in zip(whole, seen, strict=True)), Fraction(0))
            assert Fraction(scores[m, u, 0].item()) == rounded(exact, unit) + rounded(
                Fraction(biases[m, u].item()), unit
            )


@pytest.mark.parametrize("learner", [Linear(), LDA(), MLP((8,), epochs=1)], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("noise", [Gaussian(0.5), Uniform(2)], ids=str)
def test_points_on_the_grid_and_beside_it_see_one_law(learner, noise):
    """A point that is moved by less than anything counts is noised in another way, and gets the same votes."""
    r = torch.Generator().manual_seed(0)
    y = torch.arange(60) % 2
    x = ((y[:, None] + torch.randint(17, (60, 16), generator=r) / 16) / 2 * 16).round() / 16
    problem = Problem(x, y, 2, None, (16,), Smoothing(features=noise, test=noise))
    asked = randomness.generators(0, range(600))
    models = learner.train(problem, asked)
    point = torch.full((1, 16), 0.5)
    shares = [(models.predict(at, noise, asked) == 1).double().mean().item() for at in (point, point, point + 2.0**-20)]
    assert abs(shares[0] - shares[1]) < 0.12  # of 600 votes: 4 standard errors of the difference
    assert abs(shares[0] - shares[2]) < 0.12


def test_weights_that_diverged_score_nothing_in_either_way():
    noise, (weights, biases) = Gaussian(0.5), layer(1.0)
    weights[0, 1, 0], weights[2, 2, 3] = torch.inf, torch.nan
    x = torch.zeros(2, FEATURES)
    for points in (x, x + 2.0**-20):
        found = noised_scores(weights, biases, points, noise, streams())
        assert found[0, 1].isnan().all()
        assert found[2, 2].isnan().all()
        assert found[0, 0].isfinite().all()


def test_a_point_that_was_written_on_is_looked_at_again():
    x, noise = torch.zeros(2, 3), Gaussian(0.5)
    assert draw_shared(noise, x, streams()) is not None
    x += 2.0**-40
    assert draw_shared(noise, x, streams()) is None


def test_noise_that_is_too_fine_or_has_no_such_form_is_not_shared():
    x = torch.zeros(2, 3)
    assert draw_shared(Gaussian(1e-9), x, streams()) is None
    assert draw_shared(Flip(0.7, 3), x, streams()) is None
    assert draw_shared(Gaussian(0.5), x + 2, streams(), 1.0) is None


@pytest.mark.parametrize("classes", [1, 2, 3, 10])
@pytest.mark.parametrize("levels", [1, 16, 255])
@pytest.mark.parametrize("noise", [Gaussian(0.5), Uniform(1), Flip(0.7), Flip(0.7, 3), None], ids=str)
def test_labels_are_those_of_the_largest_exact_scores(noise, levels, classes):
    """Also where scores tie, where all weights are zero, and where some are not finite: beside NaN, class 0 wins."""
    r = torch.Generator().manual_seed(classes)
    x = torch.randint(levels + 1, (40, FEATURES), generator=r) / levels
    x = x.round() if isinstance(noise, Flip) else x
    weights, biases = (torch.randn(9, *shape, generator=r) for shape in ((classes, FEATURES), (classes,)))
    weights[1], biases[1] = weights[1, :1], biases[1, :1]  # all classes tie
    weights[2], biases[2] = 0, 0
    weights[3] = 0
    weights[4, -1], biases[4, -1] = weights[4, 0], biases[4, 0]
    weights[5, -1, 0] = torch.nan
    weights[6] *= 1e30
    weights[7], biases[7] = weights[7] * 1e-30, biases[7] * 1e-30
    biases[8, 0] = -torch.inf
    found, scores = (
        noised_labels(weights, biases, x, noise, streams(9)),
        noised_scores(weights, biases, x, noise, streams(9)),
    )
    assert torch.equal(found, scores.max(1).indices.where(~scores.isnan().any(1), 0))
    assert found.dtype == torch.int64


@pytest.mark.parametrize("move", [-(2.0**-31), 0.0, 2.0**-31])
def test_labels_of_points_near_a_border_are_exact(move):
    """The second class is above the first if the noised point is above a border, by less than float32 can tell."""
    noise, border = Gaussian(0.5), 0.25
    weights, biases = torch.tensor([[[0.0] * 8, [1.0] + [0.0] * 7]]), torch.tensor([[0.0, -border]])
    offset = torch.zeros(8, dtype=torch.float64)
    offset[0] = 2.0**-31 * 12345
    x = torch.zeros(3, 8)
    x[:, 0] = border + torch.tensor([-0.125, 0.0, 0.125])
    given = Given(noise, torch.ones(8), offset - offset * torch.eye(8)[0] + move * torch.eye(8, dtype=torch.float64)[0])
    found = noised_labels(weights, biases, x, given, streams(1))
    assert torch.equal(found, noised_scores(weights, biases, x, given, streams(1)).max(1).indices)
    assert found[0].tolist()[::2] == [0, 1]


@pytest.mark.parametrize("classes", [16_384, 16_385, 40_000])
def test_the_largest_of_many_classes_is_found(classes):
    scores = torch.zeros(1, classes, 2)
    scores[0, -1, 0] = scores[0, 5, 1] = 1
    assert largest_class(scores).tolist() == [[classes - 1, 5]]


def test_the_largest_of_whole_scores_is_found():
    assert largest_class(torch.tensor([[[2**24], [2**24 + 1]]])).tolist() == [[1]]
