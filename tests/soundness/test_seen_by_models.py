"""What models must not see: rows outside their bags, clean labels, one noise twice; and labels of points at borders."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from rsbd.data import round_inputs
from rsbd.learners import Linear, Problem, randomness
from rsbd.learners.determinism import reproducible
from rsbd.learners.discriminant import root
from rsbd.learners.discriminant.moments import MomentSampler
from rsbd.learners.discriminant.pooling import Pooling
from rsbd.learners.discriminant.root import RootSampler
from rsbd.learners.linear.class_sums import sample_class_sums
from rsbd.learners.shared_noise import MOST, _rounded, noised_labels, noised_scores
from rsbd.noises import Bagging, Flip, Gaussian, Smoothing, Uniform, lattice


@pytest.mark.parametrize("labels", [None, Flip(0.9, 2)], ids=["labels", "flipped labels"])
@pytest.mark.parametrize(("rows", "size"), [(3000, 400), (3000, 300), (100, 60)])
def test_a_bag_shows_nothing_of_other_rows(rows, size, labels):
    """Not even which features are 0 in all of them: products with other shapes round in other ways."""
    models, r = 64, torch.Generator().manual_seed(1)
    x, y = torch.zeros(rows, 64), torch.arange(rows) % 2
    x[:, 0] = torch.rand(rows, generator=r)
    smoothing, found = Smoothing(rows=Bagging(size), labels=labels), []
    for changed in (0.0, 0.5):
        x = x.clone()
        x[0, 1:] = changed
        problem = Problem(x, y, 2, None, (64,), smoothing)
        with reproducible():
            sums = sample_class_sums(problem, randomness.generators(0, range(models)))
            trained = Linear().train(problem, randomness.generators(0, range(models)))
        found.append((sums.sums, trained.parameters()))
    bags = smoothing.rows.draw(y, randomness.generators(0, range(models)))
    without = (bags != 0).all(1)
    assert 0 < without.sum() < models
    for before, after in zip(*found, strict=True):
        assert torch.equal(before[without], after[without])


def beside_labels(x, y, sigma=0.3, keep="0.999"):
    x = torch.as_tensor(x, dtype=torch.float64)
    problem = Problem(x, torch.as_tensor(y), 2, None, (x.shape[1],), Smoothing(None, Gaussian(sigma), Flip(keep, 2)))
    return RootSampler(problem, sigma, 1, torch.float64)


def test_noises_of_root_and_class_sums_are_independent():
    """Their laws alone do not tell: noise that is added twice can be subtracted."""
    draw, models, rows, size = np.random.default_rng(0), 3000, 8, 6  # few rows: their labels take few random bits
    own = beside_labels(round_inputs(draw.random((rows, size))), np.arange(rows) % 2, 1e-3)
    counts, sums, gram = own.draw(randomness.generators(0, range(models)))
    total = sums.sum(1)
    scatter = gram - total[:, :, None] * total[:, None] / rows - own.lack * torch.eye(size)
    values, vectors = torch.linalg.eigh(scatter)
    found = (vectors * values.clamp(min=0).sqrt()[:, None]) @ vectors.mT
    kept = (counts == rows // 2).all(1) & ((sums - sums.median(0).values).abs() < 0.05).flatten(1).all(1)  # no flips
    assert kept.sum() > 0.9 * models
    row, column = np.triu_indices(size)
    numbers = torch.cat([sums.flatten(1), found[:, row, column]], 1)[kept].numpy()
    apart = np.corrcoef(numbers.T) - np.eye(2 * size + len(row))
    assert np.abs(apart).max() < 6 / math.sqrt(len(numbers))


def test_nothing_that_a_root_is_made_with_tells_clean_labels():
    x, known = round_inputs(np.random.default_rng(0).random((60, 3))), []
    for y in (np.arange(60) % 2, np.zeros(60, dtype=np.int64), np.ones(60, dtype=np.int64)):
        own = vars(beside_labels(x, y))
        known.append({k: v.tolist() if isinstance(v, torch.Tensor) else v for k, v in own.items() if k != "flipped"})
    assert known[0] == known[1] == known[2]
    assert known[0]["lack"] > 0
    assert {"lack", "counts", "scales", "places", "noise", "wider", "whole", "rest"} <= known[0].keys()


@pytest.mark.parametrize("shape", [(28, 28), (24, 24)])
def test_blocks_of_images_with_noised_labels_change_by_no_more_than_their_pixels(monkeypatch, shape):
    monkeypatch.setattr(root, "_MANY", 0)
    draw, size, sigma, y = np.random.default_rng(0), math.prod(shape), 0.5, torch.arange(250) % 2
    smoothing = Smoothing(features=Gaussian(sigma), labels=Flip(0.9, 2))

    def own(x):
        return MomentSampler(Problem(torch.tensor(x), y, 2, None, shape, smoothing), Pooling.choose(shape))

    x = round_inputs(draw.random((250, size)))
    one_row = np.where(np.arange(250)[:, None] == 7, np.float32(1), x)
    for other in (1 - x, one_row, round_inputs(x * 0.999)):
        a, b = own(x), own(other)
        moved = ((a.root.whole + a.root.rest - b.root.whole - b.root.rest).norm() / a.root.noise.sigma) ** 2
        wide = a.root.flipped.smoothing.features.sigma
        for labels in (torch.zeros(250), y, torch.tensor(draw.integers(0, 2, 250)), torch.arange(250) == 7):
            members = torch.stack([labels == 0, labels == 1]).double()
            sums = members @ (a.root.flipped.x.double() - b.root.flipped.x.double())
            each = (sums / members.sum(1).clamp(min=1).sqrt()[:, None]).norm() / wide
            assert moved + each**2 <= (np.linalg.norm(x.astype(float) - other) / sigma) ** 2


@dataclass(frozen=True, eq=False)
class Far(Gaussian):
    """Gaussian noise of which only far draws are looked at."""

    def affine(self, num_features, generators):
        draw = np.random.default_rng(generators[0].initial_seed() % 2**32)
        far = draw.uniform(10, 15.9, (len(generators), num_features)) * self.sigma
        return torch.ones(1, 1).expand(far.shape), torch.tensor(np.rint(far * 2**20) / 2**20)


@pytest.mark.parametrize("noise", [Far(0.5), Far(8.0)], ids=str)
def test_labels_at_a_border_are_those_of_exact_scores(noise):
    """Biases undo what weights and noise do to a point, so that float32 would be wrong by several units."""
    models, features, r = 200, 2000, torch.Generator().manual_seed(0)
    weights = torch.rand(models, 2, features, generator=r) ** 4 * torch.tensor([[-1.0], [1.0]])
    x, biases = torch.zeros(1, features), torch.zeros(models, 2)

    def streams():
        return randomness.generators(0, range(models))

    for _ in range(3):  # biases change the unit, and so the scores
        biases = biases - noised_scores(weights, biases, x, noise, streams())[..., 0]
    unit = _rounded(weights, biases, MOST + noise.affine_limits()[1])[0].units.amax((1, 2)).float()
    for steps in (-2, -1, 0, 1, 2):
        near = biases + steps * unit[:, None] * torch.tensor([0, 1])
        scores = noised_scores(weights, near, x, noise, streams())
        assert ((scores[:, 1] - scores[:, 0]).abs() <= 4 * unit[:, None]).all()
        assert torch.equal(noised_labels(weights, near, x, noise, streams()), scores.max(1).indices)


@pytest.mark.parametrize("noise", [Gaussian(0.3), Uniform("1/3")], ids=str)
def test_short_floats_get_noise_of_the_same_law_or_none(noise):
    """A scale that is rounded to the type of the points is another noise."""
    x = (torch.rand(1, 50_000, generator=torch.Generator().manual_seed(0)) * 16).round() / 16
    wide = noise.sample_many(x, randomness.generators(0, range(1)))
    try:
        short = noise.sample_many(x.half(), randomness.generators(0, range(1)))
    except (TypeError, ValueError):  # refused
        return
    assert torch.equal(short, wide.half())


def test_undecided_sums_have_the_scale_of_their_own_group(monkeypatch):
    sums, sizes = torch.rand(3, 4, 2000, generator=torch.Generator().manual_seed(0)), torch.tensor([[3.0, 50, 900, 7]])
    sizes, noise = sizes.expand(3, -1), Gaussian(0.5)
    drawn = noise.sample_sums(sums, sizes, randomness.generators(0, range(3)))
    monkeypatch.setattr(lattice, "_ROOM_32", 100.0)  # then no number is decided in float32
    again = noise.sample_sums(sums, sizes, randomness.generators(0, range(3)))
    assert (again != drawn).float().mean() < 0.02  # the few that were undecided get other further bits


@pytest.mark.parametrize("labels", [Flip("0.999", 2), None], ids=["beside a root", "of other rows"])
def test_drawn_sums_do_not_tell_the_type_in_which_clean_sums_are_exact(labels):
    """Float32 holds the sums of white images, and one other pixel makes them need float64: large sums round alike."""
    smoothing = Smoothing(features=Gaussian(1e-3 if labels else 1e-5), labels=labels)
    x, y = torch.full((10_000, 576), 2.0), torch.zeros(10_000, dtype=torch.int64)
    problem = Problem(x, y, 2, None, (24, 24), smoothing)
    own = MomentSampler(problem, Pooling.choose((24, 24)))
    assert own.pooling.size == 3  # no power of two

    def sums(kind):
        if labels:
            own.root.flipped = replace(own.root.flipped, x=own.root.flipped.x.to(kind))
            return own.draw(randomness.generators(0, range(20)))[1].sums
        others = replace(own.others, x=own.others.x.to(kind))
        return own._pool(sample_class_sums(others, randomness.generators(0, range(20))).sums)

    assert torch.equal(sums(torch.float32), sums(torch.float64))
