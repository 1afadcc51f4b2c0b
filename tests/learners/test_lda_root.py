"""The root that LDA learns from: it changes by no more than the rows, and has the certified trade-off, enumerated."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache
from itertools import product
from types import SimpleNamespace

import numpy as np
import problems
import pytest
import torch
from scipy.stats import chisquare, ks_2samp

from rsbd.data import round_inputs
from rsbd.errors import InputError
from rsbd.learners import LDA, Problem, randomness
from rsbd.learners.discriminant import root
from rsbd.learners.discriminant.moments import MomentSampler
from rsbd.learners.discriminant.pooling import Pooling
from rsbd.learners.discriminant.root import RootSampler, exact_gram, means_and_scatter, symmetric_root
from rsbd.noises import Bagging, Flip, Gaussian, Smoothing, Threat
from rsbd.noises.lattice import normal_below
from rsbd.tradeoff import gaussian

SMALLEST = 2.0**-31  # change of an input
ONE = 2**126


def world(x, y=None, sigma=0.5, classes=None, labels=None):
    x = torch.as_tensor(np.asarray(x), dtype=torch.float64)
    y = torch.zeros(len(x), dtype=torch.int64) if y is None else torch.as_tensor(y)
    smoothing = Smoothing(features=Gaussian(sigma), labels=labels)
    return Problem(x, y, classes or int(y.max()) + 1, None, (x.shape[1],), smoothing)


@pytest.fixture
def few_are_many(monkeypatch):
    """A root is drawn beside noised labels for few rows too."""
    monkeypatch.setattr(root, "_MANY", 0)


def sampler(problem):
    sigma = problem.smoothing.features.sigma
    assert RootSampler.fits(problem, sigma, 1)
    return RootSampler(problem, sigma, 1, torch.float64)


def released(own):
    """The numbers that carry the noise, exactly."""
    own = own if isinstance(own, RootSampler) else sampler(own)
    return np.array([Fraction(w) + Fraction(r) for w, r in zip(own.whole.tolist(), own.rest.tolist(), strict=True)])


def on_grid(x):
    return np.rint(np.asarray(x) / SMALLEST) * SMALLEST


def stretched(x, other, y=None, sigma=0.5):
    """By how much longer the change of the released numbers is than the change of the rows."""
    a, b = (released(world(part, y, sigma)) for part in (x, other))
    moved = sum((Fraction(v) - Fraction(w)) ** 2 for v, w in zip(np.ravel(x), np.ravel(other), strict=True))
    return math.sqrt(Fraction(sum((a - b) ** 2)) / moved)


@pytest.mark.parametrize("bits", [1, 17, 18, 36, 52])
def test_the_product_in_parts_is_exact(bits):
    numbers = np.random.default_rng(bits).integers(-(2**bits), 2**bits, (50, 6))
    plain = numbers.astype(object)
    assert (exact_gram(numbers) == plain.T @ plain).all()
    assert exact_gram(numbers * 0) == 0


def test_means_and_scatter_agree_with_fractions():
    x, y = on_grid(np.random.default_rng(0).random((30, 4))), np.arange(30) % 3
    means, scatter = means_and_scatter(torch.tensor(x), torch.tensor(y), [10, 10, 10, 0])
    rows = np.array([[Fraction(v) for v in row] for row in x.tolist()])
    centred = np.concatenate([rows[y == c] - rows[y == c].sum(0) / 10 for c in range(3)])
    assert (
        max(abs(Fraction(s, ONE) - t) for s, t in zip(scatter.ravel(), (centred.T @ centred).ravel(), strict=True))
        < 1e-30
    )
    assert (means[3] == 0).all()
    for c, i in product(range(3), range(4)):
        wanted = rows[y == c].sum(0)[i] ** 2 / 10
        assert abs(Fraction(means[c, i], ONE) ** 2 - wanted) < 1e-30


@pytest.mark.parametrize("least", [1e-5, 0.1, 40.0])
@pytest.mark.parametrize("stretch", [0.0, 1e-9, 1.0, 1e4])
def test_a_root_of_two_features_is_the_one_in_closed_form(least, stretch):
    x = np.random.default_rng(3).random((40, 2)) * [1, stretch]
    _, scatter = means_and_scatter(torch.tensor(on_grid(x)), torch.zeros(40, dtype=torch.int64), [40])
    square = scatter + np.diag([int(Fraction(least) * ONE)] * 2).astype(object)
    found, error = symmetric_root(square, least)
    with localcontext() as context:
        context.prec = 80
        (a, b), (_, d) = ([Decimal(v) / ONE for v in row] for row in square)
        own = (a * d - b * b).sqrt()
        wanted = np.array([a + own, b, b, d + own]) / (a + d + 2 * own).sqrt()
        off = sum((Decimal(v) / ONE - w) ** 2 for v, w in zip(found.ravel(), wanted, strict=True)).sqrt()
    assert off <= error < 2.0**-43


@pytest.mark.filterwarnings("ignore:invalid value")
def test_an_error_without_proof_is_infinite():
    square = np.diag([ONE, -ONE]).astype(object)  # without a real root
    assert symmetric_root(square, 0.5)[1] > 0.1


CHANGES = {
    "anything": lambda draw, x: draw.random(x.shape),
    "one number by the least": lambda draw, x: x + SMALLEST * (np.arange(x.size).reshape(x.shape) == 3),
    "all by about the least": lambda draw, x: x + SMALLEST * draw.integers(-1, 2, x.shape),
    "one row": lambda draw, x: np.where(np.arange(len(x))[:, None] == 1, draw.random(x.shape[1]), x),
    "one class": lambda draw, x: np.where(np.arange(len(x))[:, None] % 3 == 1, x + 0.2, x),
    "turned over": lambda draw, x: 1 - x,
    "other order": lambda draw, x: x[::-1],
    "no spread": lambda draw, x: np.full_like(x, 0.5),
    "nearly no spread": lambda draw, x: x.mean(0) + 1e-7 * draw.normal(size=x.shape),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("sigma", [0.001, 0.3, 30.0])
def test_released_numbers_change_by_no_more_than_the_rows(change, sigma):
    draw, wider = np.random.default_rng(7), sampler(world(np.ones((9, 3)), sigma=sigma)).noise.sigma / sigma
    assert 1 < wider < 1.001
    for spread in (1, 0.01):
        x = on_grid(draw.random((12, 4)) * spread)
        other = on_grid(CHANGES[change](draw, x))
        assert stretched(x, other, np.arange(12) % 3, sigma) <= wider


def test_a_search_for_worse_changes_comes_near_the_bound_and_not_above():
    draw, worst = np.random.default_rng(0), 0.0
    y = np.arange(6) % 2
    for _ in range(3):
        x, other = draw.random((6, 3)), draw.random((6, 3))
        best = stretched(on_grid(x), on_grid(other), y, 0.05)
        for step in np.geomspace(0.3, 0.01, 60):
            a, b = (part + step * draw.normal(size=(6, 3)) for part in (x, other))
            if (found := stretched(on_grid(a), on_grid(b), y, 0.05)) > best:
                x, other, best = a, b, found
        worst = max(worst, best)
    assert 0.9 < worst <= 1.0


@pytest.mark.usefixtures("few_are_many")
@pytest.mark.parametrize("change", CHANGES)
def test_beside_noised_labels_all_that_a_model_sees_changes_by_no_more_than_the_rows(change):
    """Root and class sums together, in units of their noises, for all noised labels and any clean ones."""
    draw, sigma, flip, worst = np.random.default_rng(7), 0.3, Flip(0.9, 2), 0.0
    for spread in (1, 0.01):
        x = on_grid(draw.random((10, 4)) * spread)
        other = on_grid(CHANGES[change](draw, x))
        a, b = (sampler(world(part, np.arange(10) % 2, sigma, 2, flip)) for part in (x, other))
        moved = (x - other).ravel()
        apart = float(sum((released(a) - released(b)) ** 2)) / a.noise.sigma**2
        assert a.flipped.smoothing.labels is flip
        for y in product((0, 1), repeat=10):
            members = np.eye(2)[list(y)]
            sums = (members.T @ (x - other)) / np.sqrt(members.sum(0).clip(1))[:, None]
            worst = max(
                worst, apart + (sums**2).sum() / a.flipped.smoothing.features.sigma**2 - moved @ moved / sigma**2
            )
            assert worst <= 0
        again = sampler(world(x, draw.integers(0, 2, 10), sigma, 2, flip))
        assert torch.equal(a.whole, again.whole)  # which must not tell the clean labels
        assert torch.equal(a.rest, again.rest)


@pytest.mark.usefixtures("few_are_many")
def test_beside_noised_labels_moments_have_the_law_of_root_and_sums():
    draw, models, sigma, rows = np.random.default_rng(2), 4000, 0.3, 60
    x, y = on_grid(draw.random((rows, 3))), np.arange(rows) % 2
    own = sampler(world(x, y, sigma, labels=Flip(0.8, 2)))
    counts, sums, gram = (part.numpy() for part in own.draw(randomness.generators(0, range(models))))
    wide = own.flipped.smoothing.features.sigma
    assert (own.noise.sigma, wide) == pytest.approx((2.25 * sigma, 1.117 * sigma), rel=2e-3)
    flipped = np.eye(2)[np.where(draw.random((models, rows)) < 0.2, 1 - y, y)]
    sizes = flipped.sum(1)
    wanted = flipped.transpose(0, 2, 1) @ x + np.sqrt(sizes)[..., None] * wide * draw.normal(size=(models, 2, 3))
    centred = x - x.mean(0)
    values, vectors = np.linalg.eigh(centred.T @ centred + 3 * sigma**2 * np.eye(3))
    noise = draw.normal(size=(models, 3, 3)) * own.noise.sigma
    roots = vectors * np.sqrt(values) @ vectors.T + (noise + noise.transpose(0, 2, 1)) / math.sqrt(2)
    spread = roots @ roots + own.lack * np.eye(3)
    total = sums.sum(1)
    found = gram - total[:, :, None] * total[:, None] / rows
    views = [(counts[:, 0], sizes[:, 0])]
    views += [(sums[:, c, i], wanted[:, c, i]) for c in range(2) for i in range(3)]
    views += [(found[:, i, j], spread[:, i, j]) for i in range(3) for j in range(i + 1)]
    views += [tuple(np.linalg.eigvalsh(part)[:, k] for part in (found, spread)) for k in range(3)]
    assert min(ks_2samp(a, b).pvalue for a, b in views) > 1e-4
    within = found + (total[:, :, None] * total[:, None] / rows) - sums.transpose(0, 2, 1) @ (sums / counts[..., None])
    clean = x - np.stack([x[y == c].mean(0) for c in range(2)])[y]
    mixed = 0.36 * np.trace(clean.T @ clean) + 0.64 * np.trace(centred.T @ centred)  # about that under noised labels
    assert np.trace(within.mean(0)) == pytest.approx(mixed + 3 * (rows - 2) * sigma**2, rel=0.03)


def test_a_scatter_that_noise_makes_indefinite_still_gives_models(few_are_many):
    """Rows without spread in their classes, far from each other, and little noise: the sums weigh too much."""
    y = np.arange(60) % 2
    problem = world(np.repeat(y[:, None], 3, 1) * 2.0, y, 0.01, labels=Flip("0.999", 2))
    failed, plain = [], torch.linalg.cholesky_ex
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.linalg, "cholesky_ex", lambda a: (found := plain(a), failed.append(found.info))[0])
        models = LDA().train(problem, randomness.generators(0, range(100)))
    assert 0 < (failed[0] > 0).sum() < 100
    assert (models.predict(problem.x[:2], None, randomness.generators(0, range(100))) == torch.arange(2)).all()


@cache
def chances(centre, noise, cells):
    """Probability of each number of steps, from the exact distribution function."""
    step = Fraction(noise.lattice.step)
    below = [normal_below(((Fraction(k) - Fraction(1, 2)) * step - centre) / Fraction(noise.sigma)) for k in cells]
    return np.diff(np.array([0, *below[1:], 1], dtype=object)).astype(float)


def test_enumerated_no_event_gains_more_than_is_certified():
    """Two rows of one feature on a grid, one class: all of the law, against all other rows within the radius."""
    sigma, cells = 0.5, range(-110, 143)
    base = [[0.0], [0.5]]
    noise = sampler(world(base, sigma=sigma)).noise
    laws = {}

    def law(x):
        parts = [chances(centre, noise, cells) for centre in released(world(x, sigma=sigma))]
        return np.multiply.outer(*parts).ravel()

    p = law(base)
    grid = np.arange(-2, 7) / 4
    tight = 0.0
    for first, second in product(grid, grid):
        size = math.hypot(first, second - 0.5)
        if not 0 < size <= 0.8:
            continue
        q = laws[first, second] = law([[first], [second]])
        order = np.argsort(-q / np.maximum(p, 1e-300), kind="stable")
        miss, gained = np.cumsum(p[order]), np.cumsum(q[order])
        certified = gaussian(size / sigma).upper(np.minimum(miss, 1.0))
        assert (gained <= certified + 1e-9).all()
        tight = max(tight, float((gained / certified)[(miss > 0.05) & (miss < 0.2)].max()))
    assert len(laws) > 15
    assert tight > 0.97  # of the best attack, nearly all is used


def test_draws_have_the_enumerated_law():
    problem = world([[0.0], [0.5], [0.25]], [0, 1, 1], sigma=0.5)
    own, models = sampler(problem), 20000
    counts, sums, gram = own.draw(randomness.generators(0, range(models)))
    assert counts[0].tolist() == [1, 2]
    spread, first, second = released(problem)
    for found, centre in ((sums[:, 0, 0], first), (sums[:, 1, 0] / math.sqrt(2), second)):
        steps = (found / own.noise.lattice.step).round().long()
        expected = chances(centre, own.noise, range(-260, 261)) * models
        observed = torch.bincount(steps + 260, minlength=521).numpy()
        some = expected > 5
        pairs = [np.append(v[some], v[~some].sum()) for v in (observed, expected)]
        assert chisquare(*pairs).pvalue > 1e-4
    scatter = gram[:, 0, 0] - (sums[:, :, 0] ** 2 / counts).sum(1)
    steps = ((scatter - own.lack).sqrt() / math.sqrt(2) / own.noise.lattice.step).round().long()
    law = chances(spread, own.noise, range(-260, 261))
    expected = models * np.append(law[260], law[261:] + law[259::-1])
    observed = torch.bincount(steps, minlength=261).numpy()
    some = expected > 5
    assert chisquare(*(np.append(v[some], v[~some].sum()) for v in (observed, expected))).pvalue > 1e-4


def test_moments_have_the_law_of_a_root_under_real_noise():
    draw, models = np.random.default_rng(2), 3000
    x, y = on_grid(draw.random((40, 4))), np.arange(40) % 2
    own = sampler(world(x, y, sigma=0.3))
    sums, gram = (part.numpy() for part in own.draw(randomness.generators(0, range(models)))[1:])
    means = np.stack([x[y == c].mean(0) for c in range(2)])
    values, vectors = np.linalg.eigh((x - means[y]).T @ (x - means[y]) + 4 * 0.3**2 * np.eye(4))
    noise = draw.normal(size=(models, 4, 4)) * own.noise.sigma
    roots = vectors * np.sqrt(values) @ vectors.T + (noise + noise.transpose(0, 2, 1)) / math.sqrt(2)
    other = 20 * means + math.sqrt(20) * own.noise.sigma * draw.normal(size=(models, 2, 4))
    wanted = roots @ roots + other.transpose(0, 2, 1) @ other / 20 + own.lack * np.eye(4)
    views = [(sums[:, c, i], other[:, c, i]) for c in range(2) for i in range(4)]
    views += [(gram[:, i, j], wanted[:, i, j]) for i in range(4) for j in range(i + 1)]
    views += [tuple(np.linalg.eigvalsh(part)[:, k] for part in (gram, wanted)) for k in range(4)]
    assert min(ks_2samp(a, b).pvalue for a, b in views) > 1e-4
    noised = own.lack + 4 * 0.3**2 + 5 * own.noise.sigma**2
    assert noised == pytest.approx(38 * 0.3**2)  # as much as noised rows add to the diagonal of their scatter


def test_whether_a_root_is_drawn_does_not_depend_on_rows():
    problem = world(np.random.default_rng(0).random((50, 5)), sigma=0.5)
    wanted = {0.0005: False, 0.002: True, 0.5: True, 40.0: False}
    assert {sigma: RootSampler.fits(problem, sigma, 1) for sigma in wanted} == wanted
    assert not RootSampler.fits(problem, 0.002, 4)
    flips = Smoothing(labels=Flip(0.9, 2))
    for smoothing in (Smoothing(rows=Bagging(20)), flips):
        assert not RootSampler.fits(replace(problem, smoothing=smoothing), 0.5, 1)
    for rows, sigma, fits in ((9999, 0.5, False), (10000, 0.5, True), (10000, 14.0, True), (10000, 15.0, False)):
        some = SimpleNamespace(x=torch.empty((rows, 5), device="meta"), smoothing=flips)
        assert RootSampler.fits(some, sigma, 1) == fits
    shapes = {
        (5, 5): False,
        (6, 5): True,
        (2000, 999): True,
        (2000, 1000): False,
        (2**20 - 1, 2): True,
        (2**20, 2): False,
    }
    for shape, fits in shapes.items():
        some = SimpleNamespace(x=torch.empty(shape, device="meta"), smoothing=Smoothing())
        assert RootSampler.fits(some, 0.5, 1) == fits
    some = SimpleNamespace(x=torch.empty((2**16, 2), device="meta"), smoothing=Smoothing())
    assert not RootSampler.fits(some, 4.0, 4)


EXTREMES = {
    "all alike": lambda draw, rows, size: np.full((rows, size), 2.0),
    "nothing": lambda draw, rows, size: np.zeros((rows, size)),
    "rank one": lambda draw, rows, size: np.outer(draw.integers(0, 2, rows), draw.integers(0, 3, size)),
    "saturated": lambda draw, rows, size: 2 * draw.integers(0, 2, (rows, size)),
    "one half, the other half": lambda draw, rows, size: np.repeat([0, 2], rows // 2)[:, None] * np.ones(size),
    "one row": lambda draw, rows, size: 2.0 * (np.arange(rows) == 5)[:, None] * np.ones(size),
    "nearly alike": lambda draw, rows, size: on_grid(1 + 1e-4 * draw.normal(size=(rows, size))),
    "a hair": lambda draw, rows, size: SMALLEST * draw.integers(0, 2, (rows, size)),
    "scales far apart": lambda draw, rows, size: on_grid(draw.random((rows, size)) * 2 / 10 ** np.linspace(0, 9, size)),
    "scales far apart, mixed": lambda draw, rows, size: on_grid(
        (draw.random((rows, size)) / 10 ** np.linspace(0, 9, size)) @ np.linalg.qr(draw.normal(size=(size, size)))[0]
    ),
}


@pytest.mark.parametrize("extreme", EXTREMES)
@pytest.mark.parametrize(("rows", "size"), [(20, 1), (2**15, 4), (400, 64)])
@pytest.mark.usefixtures("few_are_many")
def test_no_rows_with_features_from_0_to_2_are_refused(extreme, rows, size):
    """An attacker within the radius must not be able to make training fail."""
    x = EXTREMES[extreme](np.random.default_rng(0), rows, size)
    for y in (np.arange(rows) % 2, np.zeros(rows, dtype=int)):
        for sigma in (2.0**-10, 2.0**5):
            assert sampler(world(x, y, sigma, classes=3)).rest.isfinite().all()
    for sigma in (2.0**-10, 2.0**5 / 2.25):
        assert sampler(world(x, y, sigma, 3, Flip(0.8, 3))).rest.isfinite().all()


@pytest.mark.slow
@pytest.mark.parametrize("extreme", ["saturated", "rank one", "scales far apart"])
def test_nor_are_the_largest_training_sets(extreme):
    for rows, size in ((2**20 - 1, 2), (600, 500)):
        x = EXTREMES[extreme](np.random.default_rng(0), rows, size)
        assert sampler(world(x, np.arange(rows) % 2, 2.0**-10)).rest.isfinite().all()


@pytest.mark.parametrize("shape", [(3, 32, 32), (3, 8, 8), (28, 28), (64, 64)])
def test_images_with_channels_and_blocks_change_by_no_more_than_their_pixels(shape):
    draw, size, y = np.random.default_rng(0), math.prod(shape), torch.arange(250) % 2
    smoothing = Smoothing(features=Gaussian(0.5))

    def numbers(x):
        sampler = MomentSampler(Problem(torch.tensor(x), y, 2, None, shape, smoothing), Pooling.choose(shape))
        assert sampler.root.noise.sigma >= 0.5 * sampler.pooling.size
        return sampler.root.whole + sampler.root.rest, sampler.root.noise.sigma

    x = round_inputs(draw.random((250, size)))
    for other in (1 - x, np.where(np.arange(250)[:, None] == 7, np.float32(1), x), round_inputs(x + 1e-6)):
        (a, sigma), (b, _) = numbers(x), numbers(other)
        assert (a - b).norm() / sigma <= np.linalg.norm(x.astype(float) - other) / 0.5


def test_inputs_of_a_data_set_need_no_further_rounding():
    x = np.random.default_rng(0).random((50, 5)) * 1e-3
    rounded = round_inputs(x).astype(float)
    assert not np.array_equal(rounded, x)
    for part in ("whole", "rest"):
        assert torch.equal(getattr(sampler(world(on_grid(rounded))), part), getattr(sampler(world(rounded)), part))


def test_labels_must_not_change_unless_they_carry_noise():
    with pytest.raises(InputError, match="the training labels, where there is no noise"):
        Smoothing(features=Gaussian(0.5)).tradeoff(Threat(rows=1, trigger=0.1, on_test=False))
    labels = Smoothing(features=Gaussian(0.5), labels=Flip(0.9, 2))
    problem = replace(world(np.random.default_rng(0).random((50, 5))), smoothing=labels)
    assert MomentSampler(problem, Pooling.choose((5,))).root is None  # whose classes would depend on clean labels


def test_rows_of_large_numbers_are_refused(monkeypatch):
    draw = np.random.default_rng(0).random((50, 5))
    with pytest.raises(InputError, match="scale the inputs"):
        sampler(world(draw * 2.0**30))
    assert sampler(world(draw * 2.0**15, sigma=0.001)).rest.isfinite().all()
    monkeypatch.setattr(root, "_MOST", 0.0)
    with pytest.raises(InputError, match=r"50 rows of numbers up to 0.9.*scale the inputs"):
        sampler(world(draw))


def test_images_are_released_as_sums_of_their_blocks():
    problem, _, _ = problems.digits(Smoothing(features=Gaussian(0.5)), rows=300, points=10)
    own = MomentSampler(problem, Pooling(problem.shape, 2))
    counts, sums, gram = own.root.draw(randomness.generators(0, range(500)))
    blocks = own.pooling(problem.x)
    means = torch.stack([blocks[problem.y == c].sum(0) for c in range(10)])
    torch.testing.assert_close(sums.mean(0), means, atol=0.5, rtol=0)
    assert (sums.std(0) / counts[0].sqrt()[:, None]).mean() == pytest.approx(0.5, rel=0.02)
    noised = (blocks.T @ blocks).diagonal() + 300 * 0.25
    torch.testing.assert_close(gram.mean(0).diagonal(), noised, rtol=0.02, atol=1)


def test_the_learner_takes_the_root_where_it_fits():
    problem, x, y = problems.digits(Smoothing(features=Gaussian(0.5), test=Gaussian(0.25)), rows=600, points=200)
    streams = randomness.generators(0, range(60))
    labels = LDA().train(problem, streams).predict(x, problem.smoothing.test, streams)
    assert (labels.mode(0).values == y).float().mean() > 0.88
