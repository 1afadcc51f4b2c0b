"""Many small networks at once: right gradients, right steps, models that do not depend on their company."""

from __future__ import annotations

import pytest
import torch
from problems import digits

from rsbd.errors import InputError
from rsbd.learners import randomness
from rsbd.learners.base import Problem
from rsbd.learners.networks.mlp import MLP, dense_gradients, forward_pass, initial_weights
from rsbd.learners.networks.network import Adam
from rsbd.noises import Flip, Gaussian, Uniform
from rsbd.noises.smoothing import Smoothing


def test_gradients_are_those_of_autograd():
    torch.manual_seed(0)
    layers = [(torch.randn(3, o, i).double(), torch.randn(3, o, 1).double()) for i, o in ((7, 6), (6, 5), (5, 4))]
    x, y = torch.randn(3, 7, 11).double(), torch.randint(0, 4, (3, 11))
    flat = [p.requires_grad_() for layer in layers for p in layer]
    loss = torch.nn.functional.cross_entropy(forward_pass(layers, x.mT)[-1], y, reduction="sum") / 11
    wanted = torch.autograd.grad(loss, flat)
    found = [torch.empty_like(p) for p in flat]
    with torch.no_grad():
        dense_gradients(layers)(x, y, found)
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("size", [3, 128])
def test_adam_steps_as_torch_does(size, decay):
    torch.manual_seed(0)
    ours, steps = torch.randn(4, size).double(), torch.randn(20, 4, size).double()
    theirs = ours.clone().requires_grad_()
    adam, reference = Adam(ours), torch.optim.AdamW([theirs], lr=0.01, weight_decay=decay)
    for gradient in steps:
        adam.step(gradient, 0.01, decay)
        theirs.grad = gradient
        reference.step()
    torch.testing.assert_close(ours, theirs.detach())


NOISES = {
    "gaussian": Smoothing(features=Gaussian(0.3), test=Gaussian(0.3)),
    "flips": Smoothing(features=Flip(0.9, 17), labels=Flip(0.9, 10), test=Flip(0.9, 17)),
    "mixed": Smoothing(features=Gaussian(0.3), labels=Flip(0.9, 10), test=Gaussian(0.5)),
}


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("hidden", [(16,), (12, 9)])
@pytest.mark.parametrize("case", NOISES)
def test_a_model_does_not_depend_on_how_many_train_together(case, hidden):
    smoothing = NOISES[case]
    problem, x, _ = digits(smoothing, rows=150)
    learner = MLP(hidden, epochs=2, batch=64)

    def run(chunk):
        tensors, labels = [], []
        for start in range(0, 48, chunk):
            streams = randomness.generators(5, range(start, min(start + chunk, 48)))
            models = learner.train(problem, streams)
            tensors.append([t for layer in models.layers for t in layer])
            labels.append(models.predict(x, smoothing.test, streams))
        return [torch.cat(t) for t in zip(*tensors, strict=True)], torch.cat(labels)

    tensors, labels = run(48)
    assert len(tensors) == 2 * (len(hidden) + 1)
    for chunk in (1, 7):
        again = run(chunk)
        assert all(torch.equal(a, b) for a, b in zip(again[0], tensors, strict=True))
        assert torch.equal(again[1], labels)


@pytest.mark.parametrize(("case", "at_least"), [("gaussian", 0.88), ("flips", 0.82), ("mixed", 0.80)])
def test_the_majority_learns_the_digits(case, at_least):
    smoothing = NOISES[case]
    problem, x, y = digits(smoothing)
    streams = randomness.generators(0, range(30))
    labels = MLP().train(problem, streams).predict(x, smoothing.test, streams)
    assert (labels.mode(0).values == y).float().mean() > at_least


def test_one_undefended_model_learns_the_digits():
    problem, x, y = digits(Smoothing())
    streams = randomness.generators(0, range(1))
    labels = MLP(epochs=20).train(problem, streams).predict(x, None, streams)
    assert labels.shape == (1, 300)
    assert (labels[0] == y).float().mean() > 0.93


def test_batches_hold_the_noised_rows_with_their_labels_once_each():
    problem, _, _ = digits(Smoothing(), rows=130)
    batches = MLP(batch=33).batches(problem, randomness.generators(0, range(3)))
    assert [y.shape[1] for _, y in batches] == [33, 33, 32, 32]
    x, y = torch.cat([a for a, _ in batches], -1), torch.cat([b for _, b in batches], -1)
    assert not torch.equal(y[0], y[1])
    rows = {(*map(float, row), int(label)) for row, label in zip(problem.x, problem.y, strict=True)}
    assert len(rows) == 130
    for i in range(3):
        assert {(*map(float, row), int(label)) for row, label in zip(x[i].T, y[i], strict=True)} == rows


def test_a_pass_is_shared_out_evenly_in_whole_vectors():
    for batch in (1, 16, 33, 64, 128):
        for rows in (1, 5, 16, 17, 33, 64, 65, 129, 1000, 1025, 13007):
            cuts = MLP(batch=batch).batch_sizes(rows)
            assert sum(cuts) == rows
            assert len(cuts) == -(-rows // batch)
            assert max(cuts) <= batch
            assert max(cuts) - min(cuts) < 32
            assert batch < 64 or rows < batch or all(cut % 16 == 0 for cut in cuts[:-1])
            assert batch == 1 or rows == 1 or min(cuts) > 1  # a single row has no spread to normalise by


def test_batches_carry_the_noise_of_the_problem():
    smoothing = Smoothing(features=Gaussian(0.5), labels=Flip(0.7, 10))
    problem, _, _ = digits(smoothing)
    clean, _, _ = digits(Smoothing())
    ((x, y),) = MLP(batch=1000).batches(problem, randomness.generators(0, range(20)))
    ((x0, y0),) = MLP(batch=1000).batches(clean, randomness.generators(0, range(20)))
    assert (x.var() - x0.var()).item() == pytest.approx(0.25, rel=0.02)
    share = [(y == c).float().mean().item() for c in range(10)]
    wanted = [0.7 * (y0 == c).float().mean().item() + 0.3 / 9 * (y0 != c).float().mean().item() for c in range(10)]
    assert share == pytest.approx(wanted, abs=0.01)


def test_rows_get_the_noise_that_they_lack_of_the_test_input():
    def weights(smoothing):
        return MLP(epochs=1).train(digits(smoothing)[0], randomness.generators(0, range(1))).layers[0][0]

    alike = weights(Smoothing(test=Uniform(1)))
    assert torch.equal(alike, weights(Smoothing(features=Uniform(1), test=Uniform(1))))
    assert not torch.equal(alike, weights(Smoothing()))
    assert not torch.equal(weights(Smoothing(test=Gaussian(0.4))), weights(Smoothing()))
    clean, _, _ = digits(Smoothing())
    for features, test, variance in ((Gaussian(0.3), 0.5, 0.25), (Gaussian(0.5), 0.4, 0.25), (None, 0.4, 0.16)):
        problem, _, _ = digits(Smoothing(features=features, test=Gaussian(test)))
        kept = problem.x.clone()
        (x, _), (x0, _) = (MLP(batch=1000).batches(p, randomness.generators(0, range(20)))[0] for p in (problem, clean))
        assert (x.var() - x0.var()).item() == pytest.approx(variance, rel=0.02)
        assert (x.mean() - x0.mean()).abs().item() < 0.005
        assert torch.equal(problem.x, kept)


@pytest.mark.parametrize("noise", [None, Gaussian(0.5), Flip(0.8), Flip(0.8, 17)])
def test_folding_the_test_noise_into_the_first_layer_gives_the_labels_of_noised_points(noise):
    problem, x, _ = digits(Smoothing(), rows=200)
    learner = MLP((8, 8), epochs=2)
    streams, same = randomness.generators(3, range(5)), randomness.generators(3, range(5))
    labels = learner.train(problem, streams).predict(x, noise, streams)
    layers = learner.train(problem, same).layers
    for i, generator in enumerate(same):
        pair = None if noise is None else noise.affine(64, [generator])
        points = x if noise is None else noise.sample(x, generator) if pair is None else pair[0][0] * x + pair[1][0]
        points = points.float()
        scores = forward_pass([(w[i : i + 1], b[i : i + 1]) for w, b in layers], points[None])[-1]
        assert (scores.argmax(1)[0] == labels[i]).float().mean() > 0.99  # all but near ties


def test_initial_weights_have_the_spread_of_he():
    first, zeros, second, _ = initial_weights([(64, 50), (50, 10)], randomness.generators(0, range(40))).parts
    assert first.std().item() == pytest.approx((2 / 64) ** 0.5, rel=0.02)
    assert second.std().item() == pytest.approx((2 / 50) ** 0.5, rel=0.02)
    assert not zeros.any()


def test_a_block_of_models_stays_within_its_memory():
    problem, _, _ = digits(Smoothing())
    assert MLP().block_size(problem) == 64
    large = Problem(torch.empty(13007, 784), problem.y, 2, None, (28, 28), Smoothing())
    assert MLP().block_size(large) == 3


@pytest.mark.parametrize(
    "settings",
    [
        {"hidden": ()},
        {"hidden": (0,)},
        {"epochs": 0},
        {"batch": 0},
        {"learning_rate": 0},
        {"weight_decay": -1},
    ],
)
def test_bad_settings_are_refused_in_a_sentence(settings):
    with pytest.raises(InputError, match=r"(give|must)"):
        MLP(**settings)
