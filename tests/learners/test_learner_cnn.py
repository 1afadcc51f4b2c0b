"""RAB's small convolutional network."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
import torch
from copies import forkserver
from problems import digits
from torch import nn

from rsbd.data import load
from rsbd.ensemble import collect
from rsbd.errors import InputError
from rsbd.learners import CNN, Problem, ResNet, randomness
from rsbd.learners.networks.images import LayerPlan
from rsbd.learners.networks.mlp import as_layers, initial_weights
from rsbd.noises import Flip, Gaussian
from rsbd.noises.smoothing import Smoothing

NOISES = {
    "gaussian": Smoothing(features=Gaussian(0.3), test=Gaussian(0.3)),
    "flips": Smoothing(features=Flip(0.9, 17), labels=Flip(0.9, 10), test=Flip(0.9, 17)),
    "mixed": Smoothing(features=Gaussian(0.3), labels=Flip(0.9, 10), test=Gaussian(0.5)),
}
SMALL = CNN((4, 6), 20, epochs=2)


def images(shape, rows=40, classes=3, smoothing=Smoothing()):  # noqa: B008  (frozen)
    g = torch.Generator().manual_seed(0)
    x = torch.rand(rows, int(np.prod(shape)), generator=g)
    return Problem(x, torch.arange(rows) % classes, classes, None, shape, smoothing)


def as_written(learner, shape, layers):
    """Write one model's network as in the paper: ReLU first, then pooling."""
    plan, parts = LayerPlan(learner, images(shape)), []
    for (w, b), (inputs, units) in zip(layers[: plan.convolutions], plan.sizes, strict=False):
        layer = nn.Conv2d(inputs // learner.kernel**2, units, learner.kernel, padding=plan.border)
        layer.weight.data, layer.bias.data = w.reshape(layer.weight.shape).clone(), b[:, 0].clone()
        parts += [layer, nn.ReLU(), nn.MaxPool2d(2)]
    parts.append(nn.Flatten())
    for w, b in layers[plan.convolutions :]:
        layer = nn.Linear(w.shape[1], w.shape[0])
        layer.weight.data, layer.bias.data = w.clone(), b[:, 0].clone()
        parts += [layer, nn.ReLU()]
    return nn.Sequential(*parts[:-1])


@pytest.mark.parametrize("shape", [(28, 28), (3, 32, 32), (8, 8), (17, 20)])
@pytest.mark.parametrize("learner", [CNN(), CNN((5,), 7, kernel=3)])
def test_many_networks_at_once_score_as_each_does_in_plain_torch(shape, learner):
    problem = images(shape)
    plan = LayerPlan(learner, problem)
    layers = as_layers(initial_weights(plan.sizes, randomness.generators(0, range(3))).parts)
    layers = [(w, torch.randn_like(b)) for w, b in layers]
    together = plan.scores(layers, problem.x.T.expand(3, -1, -1))
    for i in range(3):
        single = [(w[i], b[i]) for w, b in layers]
        wanted = as_written(learner, shape, single)(problem.x.reshape(-1, *(1, *shape)[-3:])).T
        torch.testing.assert_close(together[i], wanted, atol=1e-4, rtol=1e-4)
        alone = plan.scores([(w[i : i + 1], b[i : i + 1]) for w, b in layers], problem.x.T[None])[0]
        torch.testing.assert_close(alone, wanted, atol=1e-4, rtol=1e-4)


def test_a_network_is_trained_as_torch_trains_it():
    smoothing = Smoothing(features=Gaussian(0.3))
    problem = images((28, 28), rows=60, smoothing=smoothing)
    learner = CNN((4, 6), 20, epochs=2, batch=30, learning_rate=0.002, weight_decay=0.1)
    models = learner.train(problem, randomness.generators(0, range(2)))
    scores = models.scores(problem.x, None, randomness.generators(0, range(2)))
    for i, generator in enumerate(randomness.generators(0, range(2))):
        layers = as_layers(initial_weights(models.plan.sizes, [generator]).parts)
        net = as_written(learner, (28, 28), [(w[0], b[0]) for w, b in layers])
        batches = learner.batches(problem, [generator])
        adam = torch.optim.AdamW(net.parameters(), weight_decay=0.1)
        for step in range(4):
            adam.param_groups[0]["lr"] = 0.002 * (1 - step / 4)
            rows, labels = batches[step % 2]
            adam.zero_grad()
            nn.functional.cross_entropy(net(rows[0].T.reshape(-1, 1, 28, 28)), labels[0]).backward()
            adam.step()
        wanted = net(problem.x.reshape(-1, 1, 28, 28)).detach().T
        torch.testing.assert_close(scores[i], wanted, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("case", NOISES)
def test_a_model_does_not_depend_on_how_many_train_together(case):
    smoothing = NOISES[case]
    problem, x, _ = digits(smoothing, rows=150)

    def run(chunk):
        found = []
        for start in range(0, 8, chunk):
            streams = randomness.generators(5, range(start, min(start + chunk, 8)))
            found.append(SMALL.train(problem, streams).scores(x, smoothing.test, streams))
        return torch.cat(found)

    whole = run(8)
    assert whole.shape == (8, 10, 300)
    assert torch.equal(run(1), whole)
    assert torch.equal(run(3), whole)


@pytest.mark.slow
@pytest.mark.parametrize(("case", "at_least"), [("gaussian", 0.91), ("flips", 0.92), ("mixed", 0.75)])
def test_the_majority_learns_the_digits(case, at_least):
    smoothing = NOISES[case]
    problem, x, y = digits(smoothing)
    streams = randomness.generators(0, range(4))
    labels = CNN(hidden=128).train(problem, streams).predict(x, smoothing.test, streams)
    assert (labels.mode(0).values == y).float().mean() > at_least


@pytest.mark.parametrize("noise", [None, Gaussian(0.5), Flip(0.8), Flip(0.8, 17)])
def test_points_are_seen_under_each_models_own_noise(noise):
    problem, x, _ = digits(Smoothing(), rows=100)
    streams, same = randomness.generators(3, range(3)), randomness.generators(3, range(3))
    scores = SMALL.train(problem, streams).scores(x, noise, streams)
    models = SMALL.train(problem, same)
    for i, generator in enumerate(same):
        pair = None if noise is None else noise.affine(64, [generator])
        points = x if noise is None else noise.sample(x, generator) if pair is None else pair[0][0] * x + pair[1][0]
        points = points.float()
        wanted = models.plan.scores(models.parts[i], points.T[None])[0]
        torch.testing.assert_close(scores[i], wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.slow
def test_an_ensemble_is_the_same_in_parts_and_in_other_processes():
    data = load("digits", side=8, classes=(0, 1), rows=60, points=40)
    noise = Smoothing(features=Flip(0.8), labels=Flip(0.8), test=Flip(0.8))
    whole = collect(data, noise, SMALL, data.x_test, 12)
    part = collect(data, noise, SMALL, data.x_test, 7)
    assert np.array_equal(collect(data, noise, SMALL, data.x_test, 12, resume=part).counts, whole.counts)
    with ProcessPoolExecutor(1, forkserver()) as pool:
        apart = collect(data, noise, SMALL, data.x_test, 12, executor=pool)
    assert np.array_equal(apart.counts, whole.counts)


def test_small_images_get_a_border_and_large_ones_are_as_in_rab():
    assert LayerPlan(CNN(), images((28, 28))).sizes == ((25, 16), (400, 32), (512, 512), (512, 3))
    assert LayerPlan(CNN(), images((28, 28))).border == 0
    assert LayerPlan(CNN(), images((8, 8))).sizes[2] == (32 * 2 * 2, 512)
    assert LayerPlan(CNN(), images((3, 32, 32))).sizes[0] == (75, 16)


def test_blocks_are_one_model_on_a_cpu():
    assert CNN().block_size(images((28, 28))) == 1


@pytest.mark.parametrize("shape", [(30,), (3, 3)])
def test_what_is_no_image_is_refused_in_a_sentence(shape):
    with pytest.raises(InputError, match="use"):
        CNN().train(images(shape), randomness.generators(0, range(1)))


@pytest.mark.parametrize(
    "settings",
    [{"channels": ()}, {"channels": (0,)}, {"hidden": 0}, {"kernel": 4}, {"epochs": 0}, {"learning_rate": 0}],
)
def test_bad_settings_are_refused_in_a_sentence(settings):
    with pytest.raises(InputError, match=r"(give|must)"):
        CNN(**settings)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU on this machine")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("network", [CNN, ResNet])
def test_on_a_gpu_a_seed_gives_the_same_bits_again(network, precision):
    problem = images((28, 28), rows=300, smoothing=NOISES["gaussian"])
    problem = Problem(problem.x.cuda(), problem.y.cuda(), 3, None, (28, 28), NOISES["gaussian"])
    learner = network(epochs=2, precision=precision)

    def run():
        streams = randomness.generators(0, range(8), "cuda")
        return learner.train(problem, streams).scores(problem.x, NOISES["gaussian"].test, streams)

    assert torch.equal(run(), run())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU on this machine")
def test_on_a_gpu_models_have_the_law_of_the_cpus():
    """Grouped and single convolutions, CPU and GPU streams: as many models are right, within chance."""
    smoothing = Smoothing(features=Gaussian(0.3), labels=Flip(0.9, 10), test=Gaussian(0.3))
    problem, x, y = digits(smoothing, rows=500)
    learner, models, right = CNN((4, 6), 20, epochs=20), 96, []
    for device in ("cpu", "cuda"):
        moved = Problem(problem.x.to(device), problem.y.to(device), 10, None, (8, 8), smoothing)
        streams = randomness.generators(0, range(models), device)
        labels = learner.train(moved, streams).predict(x.to(device), smoothing.test, streams).cpu()
        right.append((labels == y).float().mean(1))  # one number a model: models are independent
    error = (sum(r.var() for r in right) / models) ** 0.5
    assert abs(right[0].mean() - right[1].mean()) < 4 * error
    assert right[0].mean() > 0.15 + 4 * error  # they have learned something that could differ
