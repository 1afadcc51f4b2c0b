"""Linear discriminants: the fast sampler draws what row-by-row noise draws, and models vote as promised."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import problems
import pytest
import torch
from scipy.stats import ks_2samp

from rsbd.learners import randomness
from rsbd.learners.base import Problem
from rsbd.learners.discriminant import moments
from rsbd.learners.discriminant.lda import LDA, Discriminants, shrink_scatter, undo_flips
from rsbd.learners.discriminant.moments import Moments, MomentSampler
from rsbd.learners.discriminant.pooling import Pooling
from rsbd.learners.discriminant.root import RootSampler
from rsbd.learners.linear.class_sums import sample_class_sums
from rsbd.noises import Flip, Gaussian
from rsbd.noises.smoothing import Smoothing

MODELS = 3000


def small(rows=60, features=5, classes=3, labels=None, constant=False, seed=0):
    draw = np.random.default_rng(seed)
    y = draw.choice(classes, rows, p=[0.5, 0.3, 0.2][:classes] / np.sum([0.5, 0.3, 0.2][:classes]))
    x = draw.normal(size=(rows, features)) @ draw.normal(size=(features, features)) * 0.3 + y[:, None] * draw.normal(
        size=features
    )
    if constant:
        x[:, 0], x[:, 1] = 0.5, 1 - x[:, 2]
    smoothing = Smoothing(features=Gaussian(0.7), labels=labels)
    return Problem(torch.tensor(x, dtype=torch.float32), torch.tensor(y), classes, None, (features,), smoothing)


digits = partial(problems.digits, rows=600, points=200)


def samples(problem, seed):
    """Sums of all rows, of which one in three is drawn, and the products of those that are."""
    sampler = MomentSampler(problem, Pooling.choose(problem.shape))
    assert sampler.others is not None
    assert len(sampler.some.x) == moments.ROWS
    return sampler.draw(randomness.generators(seed, range(MODELS)))[1]


def row_by_row(problem, seed):
    """The same of training sets that are noised row by row."""
    chosen = torch.linspace(0, len(problem.x) - 1, moments.ROWS).long()
    x, y = problem.noised_many(randomness.generators(seed, range(MODELS)))
    every, some = (Moments.of(x[:, own], y[:, own], problem.num_classes) for own in (slice(None), chosen))
    return replace(every, gram=some.gram)


@pytest.fixture
def few_rows(monkeypatch):
    """A third of the rows, or fewer, is drawn, and no root in place of them."""
    monkeypatch.setattr(RootSampler, "fits", staticmethod(lambda problem, sigma, unit: False))
    return lambda problem: monkeypatch.setattr(moments, "ROWS", max(3, len(problem.x) // 3))


def flat(drawn):
    """Every number that a learner can see, one row per model."""
    upper = torch.triu_indices(*drawn.gram.shape[1:])
    return torch.cat([drawn.counts, drawn.sums.flatten(1), drawn.gram[:, upper[0], upper[1]]], 1).double().numpy()


def moment_scores(a, b):
    """z-scores of the differences between the means, variances and covariances of two samples."""
    keep = (a.std(0) > 0) | (b.std(0) > 0)
    a, b = a[:, keep], b[:, keep]
    centre, spread = np.concatenate([a, b]).mean(0), np.concatenate([a, b]).std(0)
    a, b = (a - centre) / spread, (b - centre) / spread
    upper = np.triu_indices(a.shape[1])
    products = [s[:, upper[0]] * s[:, upper[1]] for s in (a, b)]

    def score(u, v):
        return (u.mean(0) - v.mean(0)) / np.sqrt(u.var(0) / len(u) + v.var(0) / len(v) + 1e-12)

    return np.concatenate([score(a, b), score(*products)])


def p_values(a, b):
    """Kolmogorov-Smirnov p-values of random projections and of what a discriminant makes of them."""
    directions = np.random.default_rng(1).normal(size=(flat(a).shape[1], 12)) / (1e-9 + flat(b).std(0))[:, None]
    views = [(flat(a) @ d, flat(b) @ d) for d in directions.T]
    for see in (
        lambda s: torch.linalg.eigvalsh(s.gram.double())[:, 0],
        lambda s: torch.linalg.eigvalsh(s.gram.double())[:, -1],
        lambda s: s.gram.diagonal(dim1=1, dim2=2).sum(-1),
        lambda s: torch.linalg.lstsq(s.gram.double(), s.sums.mT.double()).solution[:, 1, 0],
    ):
        views.append((see(a).numpy(), see(b).numpy()))
    return np.array([ks_2samp(u, v).pvalue for u, v in views])


def same_law(a, b):
    rms = np.sqrt(np.mean(moment_scores(flat(a), flat(b)) ** 2))
    return bool(rms < 1.25 and p_values(a, b).min() > 1e-4), rms


CASES = {
    "fixed labels": small(),
    "flipped labels": small(labels=Flip(0.8, 3)),
    "fewer rows than features": small(rows=14, features=8, classes=2),
    "constant and dependent features": small(constant=True),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_moments_have_the_law_of_row_by_row_noise(case, few_rows):
    few_rows(CASES[case])
    same, rms = same_law(samples(CASES[case], 0), row_by_row(CASES[case], 1))
    assert same
    assert 0.75 < rms < 1.25


def test_two_direct_samples_pass_the_same_test(few_rows):
    few_rows(CASES["fixed labels"])
    same, _ = same_law(row_by_row(CASES["fixed labels"], 2), row_by_row(CASES["fixed labels"], 3))
    assert same


@pytest.mark.parametrize("wrong", ["sigma 5 % larger", "drawn rows are noised twice", "no noise on the other rows"])
def test_a_slightly_wrong_law_is_noticed(wrong, few_rows, monkeypatch):
    problem = CASES["fixed labels"]
    few_rows(problem)
    direct = row_by_row(problem, 1)
    if wrong == "sigma 5 % larger":
        found = samples(replace(problem, smoothing=Smoothing(features=Gaussian(0.7 * 1.05))), 0)
    elif wrong == "drawn rows are noised twice":
        again = sample_class_sums(problem, randomness.generators(5, range(MODELS)))
        found = replace(samples(problem, 0), sums=again.sums)
    else:
        monkeypatch.setattr(Gaussian, "sample_sums", lambda self, sums, sizes, generators: sums)
        found = samples(problem, 0)
    same, _ = same_law(found, direct)
    assert not same


NOISES = {
    "gaussian": Smoothing(features=Gaussian(0.5), test=Gaussian(0.25)),
    "gaussian and flipped labels": Smoothing(features=Gaussian(0.5), labels=Flip(0.8, 10), test=Gaussian(0.5)),
    "flips, row by row": Smoothing(features=Flip(0.8, 17), test=Flip(0.9, 17)),
    "test only": Smoothing(test=Gaussian(0.25)),
}


@pytest.mark.parametrize("case", NOISES)
@pytest.mark.usefixtures("one_thread")
def test_a_model_does_not_depend_on_how_many_train_together(case, monkeypatch):
    monkeypatch.setattr(Pooling, "choose", staticmethod(lambda shape: Pooling(shape, 2)))
    smoothing = NOISES[case]
    problem, x, _ = digits(smoothing, rows=200)

    def run(chunk):
        weights, labels = [], []
        for start in range(0, 48, chunk):
            streams = randomness.generators(5, range(start, min(start + chunk, 48)))
            models = LDA().train(problem, streams)
            weights.append(models.weights)
            labels.append(models.predict(x, smoothing.test, streams))
        return torch.cat(weights), torch.cat(labels)

    weights, labels = run(48)
    for chunk in (1, 7):
        again = run(chunk)
        assert torch.equal(again[0], weights)
        assert torch.equal(again[1], labels)


@pytest.mark.parametrize(("case", "at_least"), [*zip(NOISES, (0.88, 0.87, 0.85, 0.88), strict=True)])
def test_the_majority_learns_the_digits(case, at_least):
    smoothing = NOISES[case]
    problem, x, y = digits(smoothing)
    streams = randomness.generators(0, range(60))
    labels = LDA().train(problem, streams).predict(x, smoothing.test, streams)
    assert (labels.mode(0).values == y).float().mean() > at_least


def test_undefended_it_is_plain_lda():
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    problem, x, _ = digits(Smoothing())
    streams = randomness.generators(0, range(1))
    ours = LDA().train(problem, streams).predict(x, None, streams)[0]
    means = torch.stack([problem.x[problem.y == c].mean(0) for c in range(10)])
    scatter = torch.cov((problem.x - means[problem.y]).T, correction=10)
    shrunk = shrink_scatter(scatter[None], len(problem.x) - 10)[0]
    share = 1 - shrunk[20, 21] / scatter[20, 21]
    theirs = LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=Pooled(float(share)))
    theirs.fit(problem.x, problem.y)
    assert (ours.numpy() == theirs.predict(x.numpy())).mean() > 0.99


class Pooled:
    """Shrunk scatter, as scikit-learn asks for it: one class at a time."""

    def __init__(self, share):
        self.share = share

    def fit(self, x):
        s = np.cov(x, rowvar=False)
        self.covariance_ = (1 - self.share) * s + self.share * np.trace(s) / len(s) * np.eye(len(s))
        return self


@pytest.mark.parametrize("noise", [Gaussian(0.5), Flip(0.8), Flip(0.8, 17)])
def test_folding_the_test_noise_into_the_weights_gives_the_labels_of_noised_points(noise, monkeypatch):
    monkeypatch.setattr(Pooling, "choose", staticmethod(lambda shape: Pooling(shape, 2)))
    problem, x, _ = digits(Smoothing(features=Gaussian(0.5)))
    streams, same = randomness.generators(3, range(5)), randomness.generators(3, range(5))
    models, twin = (LDA().train(problem, g) for g in (streams, same))
    labels = models.predict(x, noise, streams)
    pooling = twin.pooling
    for i, generator in enumerate(same):
        if isinstance(noise, Gaussian):
            inputs = pooling(x) + noise.affine(16, [generator])[1].float()
        elif noise.values == 2:
            scale, offset = noise.affine(64, [generator])
            inputs = pooling(scale * x + offset)
        else:
            inputs = pooling(noise.sample(x, generator))
        scores = inputs @ twin.weights[i].T + twin.biases[i]
        assert (scores.argmax(1) == labels[i]).float().mean() > 0.99  # all but near ties


def test_pooling_weights_are_orthonormal_and_spread_is_the_adjoint():
    pooling = Pooling.choose((3, 32, 32))
    assert pooling.size == 4
    weights = pooling.spread(torch.eye(3 * 64))
    torch.testing.assert_close(weights @ weights.T, torch.eye(3 * 64))
    x = torch.rand(5, 3 * 32 * 32)
    torch.testing.assert_close(x @ weights.T, pooling(x))


@pytest.mark.parametrize(("shape", "size"), [((28, 28), 4), ((8, 8), 1), ((30,), 1), ((29, 29), 1)])
def test_default_pooling(shape, size):
    assert Pooling.choose(shape).size == size


def test_undo_flips_recovers_the_classes_from_expected_counts():
    keep, counts = 0.7, torch.tensor([[50.0, 30.0, 20.0]])
    mixing = torch.full((3, 3), 0.15).fill_diagonal_(keep)
    sums = torch.randn(1, 3, 4)
    found = undo_flips(Moments(counts @ mixing, mixing @ sums, torch.empty(0)), Flip(keep, 3))
    torch.testing.assert_close(found[0], counts)
    torch.testing.assert_close(found[1], sums, atol=1e-4, rtol=1e-4)


def test_shrinkage_moves_towards_the_mean_eigenvalue_the_more_the_fewer_rows():
    x = torch.randn(20, 6, generator=torch.Generator().manual_seed(0)) * torch.arange(1, 7)
    scatter = (x.T @ x / 20)[None]
    values = torch.linalg.eigvalsh(scatter)
    # Chen et al. 2010, equation 23, in eigenvalues: tr S = sum v, tr S^2 = sum v^2.
    p, square, trace = 6, (values**2).sum(), values.sum() ** 2
    share = ((1 - 2 / p) * square + trace) / ((20 + 1 - 2 / p) * (square - trace / p))
    wanted = (1 - share) * values + share * values.mean()
    torch.testing.assert_close(torch.linalg.eigvalsh(shrink_scatter(scatter, 20)), wanted)
    spreads = [torch.linalg.eigvalsh(shrink_scatter(scatter, n)).std() for n in (2, 10, 100, 1000)]
    assert spreads == sorted(spreads)


def test_a_class_without_rows_is_never_chosen():
    problem, x, _ = digits(Smoothing(features=Gaussian(0.5), test=Gaussian(0.5)))
    few = problem.y != 3
    problem = replace(problem, x=problem.x[few], y=problem.y[few])
    streams = randomness.generators(0, range(20))
    labels = LDA().train(problem, streams).predict(x, Gaussian(0.5), streams)
    assert not (labels == 3).any()
    assert labels.unique().numel() == 9


def test_rows_without_any_spread_still_give_models():
    problem, _, _ = digits(Smoothing())
    one_each = torch.stack([problem.x[problem.y == c][0] for c in range(10)])
    problem = replace(problem, x=one_each[problem.y])
    labels = (
        LDA()
        .train(problem, randomness.generators(0, range(1)))
        .predict(one_each, None, randomness.generators(0, range(1)))
    )
    assert labels.tolist() == [list(range(10))]


@pytest.mark.parametrize("features", [Gaussian(0.3), Flip(0.9, 17)])
def test_test_noise_that_differs_from_training_noise_is_allowed_for(features):
    # Flips to the other side: what was bright is dark in a point under the test noise, and the learner knows.
    problem, x, y = digits(Smoothing(features=features, test=Flip(0.02)))
    x, problem = (x > 0.5).float(), replace(problem, x=(problem.x > 0.5).float())
    streams = randomness.generators(0, range(20))
    labels = LDA().train(problem, streams).predict(x, Flip(0.02), streams)
    assert (labels.mode(0).values == y).float().mean() > 0.8


def test_one_row_a_class_still_gives_models():
    problem = small(rows=3, features=6, classes=2)
    streams = randomness.generators(0, range(4))
    models = LDA().train(problem, streams)
    assert isinstance(models, Discriminants)
    assert models.weights.isfinite().all()


def test_moments_of_rows():
    rows, y = torch.randn(2, 6, 3), torch.arange(6).expand(2, -1) % 2
    drawn = Moments.of(rows, y, 2)
    torch.testing.assert_close(drawn.sums[1, 0], rows[1, ::2].sum(0))
    torch.testing.assert_close(drawn.gram[0], rows[0].T @ rows[0])
    assert drawn.counts.tolist() == [[3, 3], [3, 3]]
