"""Any torch module as a base learner."""

from __future__ import annotations

import threading
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import problems
import pytest
import torch
from copies import forkserver
from reversed_executor import Reversed
from torch import nn
from torch.nn import functional

from rsbd.data import load
from rsbd.ensemble import collect
from rsbd.errors import InputError
from rsbd.learners import Module, Problem, randomness
from rsbd.learners.networks.drawing import DrawFromGenerator, build_module
from rsbd.noises import Flip, Gaussian
from rsbd.noises.smoothing import Smoothing

NOISE = Smoothing(features=Gaussian(0.3), labels=Flip(0.9, 10), test=Gaussian(0.3))


class Residual(nn.Module):
    """Convolution, batch normalisation, a residual connection: what the library's own networks lack."""

    def __init__(self, width=8, classes=10):
        super().__init__()
        self.first = nn.Conv2d(1, width, 3, padding=1, bias=False)  # what is normalised needs no bias
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.norm, self.last = nn.BatchNorm2d(width), nn.Linear(width * 16, classes)

    def forward(self, x):
        x = functional.relu(self.norm(self.first(x)))
        return self.last(functional.avg_pool2d(x + self.second(x).tanh(), 2).flatten(1))


def plain(classes=10):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, classes))


digits = partial(problems.digits, NOISE, rows=300)


@pytest.mark.slow
@pytest.mark.parametrize(("factory", "models"), [(Residual, 4), (plain, 12)])
def test_the_majority_learns_the_digits(factory, models):
    problem, x, y = digits(rows=1000)
    streams = randomness.generators(0, range(models))
    labels = Module(factory, learning_rate=0.01).train(problem, streams).predict(x, NOISE.test, streams)
    assert labels.shape == (models, 300)
    assert (labels.mode(0).values == y).float().mean() > 0.88


def test_each_model_is_the_one_that_torch_trains_alone():
    """The same rows, initial weights and steps by autograd and torch's AdamW, batch statistics included."""
    problem, x, _ = problems.digits(Smoothing(features=Gaussian(0.3)), rows=300)
    learner = Module(Residual, epochs=3, weight_decay=0.1)
    models = learner.train(problem, randomness.generators(0, range(3)))
    scores = models.scores(x, None, randomness.generators(0, range(3)))
    for i, generator in enumerate(randomness.generators(0, range(3))):
        net = build_module(Residual, generator)
        batches = learner.batches(problem, [generator])
        adam = torch.optim.AdamW(net.parameters(), lr=0.001, weight_decay=0.1)
        for step in range(9):
            adam.param_groups[0]["lr"] = 0.001 * (1 - step / 9)
            rows, labels = batches[step % 3]
            adam.zero_grad()
            functional.cross_entropy(net(rows[0].T.reshape(-1, 1, 8, 8)), labels[0]).backward()
            adam.step()
        wanted = net.eval()(x.reshape(-1, 1, 8, 8)).detach().T
        torch.testing.assert_close(scores[i], wanted, atol=2e-4, rtol=1e-3)
        torch.testing.assert_close(models.state["norm.running_mean"][i], net.norm.running_mean)


def test_points_are_seen_under_each_models_own_noise():
    problem, x, _ = digits()
    streams, same = randomness.generators(0, range(3)), randomness.generators(0, range(3))
    learner = Module(plain, epochs=1)
    models, twin = learner.train(problem, streams), learner.train(problem, same)
    scores = models.scores(x, NOISE.test, streams)
    for i, generator in enumerate(same):
        clean = twin.scores(NOISE.test.sample(x, generator), None, same)[i]
        torch.testing.assert_close(scores[i], clean)


def test_frozen_weights_stay_as_they_were():
    def half():
        net = plain()
        net[1].weight.requires_grad_(False)
        return net

    models = Module(half, epochs=1).train(digits()[0], randomness.generators(0, range(2)))
    for i, generator in enumerate(randomness.generators(0, range(2))):
        start = build_module(half, generator)
        assert torch.equal(models.state["1.weight"][i], start[1].weight)
        assert not torch.equal(models.state["3.weight"][i], start[3].weight)


@pytest.mark.slow
@pytest.mark.parametrize("together", [1, 5])
def test_an_ensemble_is_the_same_in_parts_and_in_other_processes(together):
    data = load("digits", side=8, classes=(0, 1), rows=60, points=40)
    noise = Smoothing(features=Flip(0.8), labels=Flip(0.8), test=Flip(0.8))
    learner = Module(partial(plain, classes=2), epochs=3, together=together, name="plain")
    whole = collect(data, noise, learner, data.x_test, 12)
    part = collect(data, noise, learner, data.x_test, 7)
    assert np.array_equal(collect(data, noise, learner, data.x_test, 12, resume=part).counts, whole.counts)
    if together == 5:
        with ProcessPoolExecutor(1, forkserver()) as pool:
            apart = collect(data, noise, learner, data.x_test, 12, executor=pool)
        assert apart.manifest == whole.manifest
        assert np.array_equal(apart.counts, whole.counts)


def test_initial_weights_come_from_the_generator_and_leave_torchs_own_stream_alone():
    def special():
        net = plain()
        nn.init.orthogonal_(net[1].weight)
        nn.init.trunc_normal_(net[3].weight)
        net[1].bias.data = torch.randn(16) + torch.rand(16) + torch.randperm(16) + torch.randint(5, (16,))
        return net

    before = torch.get_rng_state()
    first, second, other = (
        build_module(special, g) for g in (*[randomness.generators(0, range(1))[0] for _ in "ab"], torch.Generator())
    )
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name])
        assert not torch.equal(tensor, other.state_dict()[name])
    assert torch.equal(torch.get_rng_state(), before)


def test_threads_that_draw_at_the_same_time_do_not_disturb_each_other():
    wanted = {i: build_module(plain, torch.Generator().manual_seed(i)).state_dict() for i in range(4)}
    wrong: list[int] = []

    def work(i):
        for _ in range(50):
            torch.rand(3)  # the global stream, as a user's own code might
            found = build_module(plain, torch.Generator().manual_seed(i)).state_dict()
            if any(not torch.equal(found[k], v) for k, v in wanted[i].items()):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_initial_weights_have_the_law_of_torchs_own():
    ours = torch.stack([build_module(plain, g)[1].weight.detach() for g in randomness.generators(0, range(200))])
    torch.manual_seed(0)
    theirs = torch.stack([plain()[1].weight.detach() for _ in range(200)])
    assert ours.std().item() == pytest.approx(theirs.std().item(), rel=0.01)
    assert abs(ours.mean()) < 5e-4
    assert abs(ours).max() <= 64**-0.5


def test_what_cannot_be_repeated_is_refused():
    with pytest.raises(InputError, match="no generator"), DrawFromGenerator(torch.Generator()):
        torch.native_dropout(torch.ones(3), 0.5, True)


def numpy_drawn():
    net = plain()
    net[1].bias.data = torch.tensor(np.random.rand(16), dtype=torch.float32)  # noqa: NPY002
    return net


@pytest.mark.parametrize(
    ("factory", "words"),
    [
        (numpy_drawn, "could not be repeated"),
        (partial(plain, 3), "scores of .* rows have shape"),
        (lambda: 3, "must return"),
    ],
    ids=["numpy", "classes", "no module"],
)
def test_modules_that_cannot_work_are_refused_in_training(factory, words):
    problem = digits()[0]
    with pytest.raises(InputError, match=words):
        Module(factory).train(problem, randomness.generators(0, range(2)))


@pytest.mark.parametrize("settings", [{"epochs": 0}, {"batch": 0}, {"learning_rate": 0}, {"together": 0}])
def test_bad_settings_are_refused_in_a_sentence(settings):
    with pytest.raises(InputError, match=r"(give|must)"):
        Module(plain, **settings)
    with pytest.raises(InputError, match="function or a class"):
        Module(plain())


def test_a_block_of_models_stays_within_its_memory():
    problem = digits()[0]
    assert Module(plain).block_size(problem) == 64
    assert Module(plain, together=9).block_size(problem) == 9
    large = Problem(torch.empty(13007, 784), problem.y, 10, None, (28, 28), Smoothing())
    assert Module(plain).block_size(large) == 3
    assert Module(partial(Residual, width=1000)).block_size(problem) == 1


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.last = nn.LSTM(8, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, x):
        return self.last(self.layer(x.reshape(len(x), 8, 8))[0][:, -1])


class Normal(nn.Module):
    """A linear layer on features that `change` prepares."""

    def __init__(self, change):
        super().__init__()
        self.change, self.layer = change, nn.Linear(64, 2)

    def forward(self, x):
        return self.layer(self.change(x.flatten(1), self.training))


def inside():
    class Inner(nn.Linear):
        pass

    return nn.Sequential(nn.Flatten(), Inner(64, 2))


APART = {
    "lstm": (Recurrent, "cannot batch one of its layers"),
    "item": (lambda: Normal(lambda x, _: x / (1 + x[:, :1].max().item())), "reads a number"),
    "if": (lambda: Normal(lambda x, _: x + 1 if x.sum() > 0 else x), "or an if"),
    "numpy": (lambda: Normal(lambda x, _: torch.tensor(x.numpy())), "as by numpy"),
    "bools": (lambda: Normal(lambda x, _: x + x[x > 2].sum()), "depends on numbers"),
    "functional dropout": (lambda: Normal(lambda x, on: nn.functional.dropout(x, 0.2, on)), "draws random numbers"),
    "dropout": (lambda: nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(64, 2)), "draws random numbers"),
    "class in the factory": (inside, ""),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", APART)
def test_what_torch_cannot_step_together_trains_one_by_one_and_says_so(case, caplog):
    """With the votes that a model has by itself, however many are asked for, and again."""
    factory, why = APART[case]
    data = load("digits", side=8, classes=(0, 1), rows=40, points=20)
    noise, learner = (
        Smoothing(features=Flip(0.9), test=Flip(0.9)),
        Module(factory, epochs=8, together=3, learning_rate=0.04),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = collect(data, noise, learner, data.x_test, 6)
    assert np.mean(found.label == data.y_test) > 0.7
    assert [why in record.message for record in caplog.records] == ([True] if why else [])
    again = Module(factory, epochs=8, together=3, learning_rate=0.04)  # which has not found out yet
    assert (collect(data, noise, again, data.x_test, 6, executor=Reversed()).counts == found.counts).all()


def test_one_by_one_and_together_train_the_same_networks():
    problem = digits()[0]
    together = Module(plain, epochs=3).train(problem, randomness.generators(0, range(3)))
    learner = Module(plain, epochs=3)
    learner.__dict__["apart"] = None
    apart = learner.train(problem, randomness.generators(0, range(3)))
    assert apart.apart
    assert (together.parameters() - apart.parameters()).abs().max() < 1e-4
