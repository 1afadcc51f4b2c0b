"""Bad settings are one sentence, said before any work: labels, numbers, kinds of things, noises and modules."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import rsbd
from rsbd import (
    CNN,
    LDA,
    MLP,
    BadPatch,
    Bagging,
    Blend,
    Dataset,
    Experiment,
    Features,
    Flip,
    Gaussian,
    Linear,
    Module,
    Noise,
    Pixels,
    Poisoning,
    ResNet,
    Smoothing,
    Threat,
    Uniform,
    attack_success_rate,
    bounds,
    clean_accuracy,
    collect,
    load,
    recipes,
)  # fmt: skip
from rsbd.errors import InputError
from rsbd.learners import determinism
from rsbd.learners.undefended import predict_without_noise
from rsbd.noises.base import Channel
from rsbd.recipes.fixed_model import cohen

BITS = load("digits", side=8, classes=(0, 1), rows=40, points=10)
UNIT = BITS.replace(values=None)
TEST = Smoothing(test=Flip(0.8))
EVIDENCE = bounds.simultaneous([[1000, 0]], 0.001)
X = np.zeros((4, 2), np.float32)


def dataset(**changes: Any) -> Dataset:
    given = {"x": X, "y": [0, 1, 0, 1], "x_test": X[:2], "y_test": [0, 1], "classes": ("a", "b")}
    return Dataset("table", **{**given, **changes})


class Column:
    """A column or frame of pandas: not an array, but it can become one."""

    def __init__(self, values: Any) -> None:
        self.values = np.array(values)
        self.values.setflags(write=False)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.values if dtype is None else self.values.astype(dtype)


@pytest.mark.parametrize(
    ("y", "classes", "means"),
    [
        (["b", "a", "b", "b"], ("a", "b"), [1, 0, 1, 1]),
        (Column(np.array(["b", "a", "b", "b"], object)), ("a", "b"), [1, 0, 1, 1]),
        (["1", "0", "1", "0"], ("1", "0"), [0, 1, 0, 1]),  # names, and not numbers
        (["7", "1", "7", "1"], (1, 7), [1, 0, 1, 0]),
        ([1, 0, 1, 0], ("1", "0"), [1, 0, 1, 0]),  # numbers, and not names
        ([1.0, 0.0, 1.0, 0.0], ("a", "b"), [1, 0, 1, 0]),
        ([True, False, True, False], ("a", "b"), [1, 0, 1, 0]),
        (np.array([1, 0, 1, 0], np.uint8), ("a", "b"), [1, 0, 1, 0]),
        (Column(np.array([1, 0, 1.0, 0], object)), ("a", "b"), [1, 0, 1, 0]),
    ],
)
def test_labels_are_read_as_they_are_meant(y: Any, classes: Any, means: list[int]) -> None:
    assert dataset(y=y, classes=classes).y.tolist() == means
    assert dataset(x_test=X, y_test=y, classes=classes).y_test.tolist() == means


NO_LABELS = [
    [0.7, 1.2, 0, 1], [np.nan, 1, 0, 1], [np.inf, 1, 0, 1], [1e300, 1, 0, 1], [None, 1, 0, 1], ["a", "b", "c", "a"],
    ["a", "b", 0.5, "a"], [1j, 0, 1, 0], np.array([2**64 - 1, 0, 1, 0], np.uint64),
    np.array([0, 1, 0, 1], "datetime64[s]"), np.array([b"a", b"b", b"a", b"a"]), Column([0.5, 1, 0, 1]),
]  # fmt: skip


@pytest.mark.parametrize("y", NO_LABELS, ids=[f"{i}" for i in range(len(NO_LABELS))])
@pytest.mark.parametrize("field", ["y", "y_test"])
def test_what_is_no_label_is_refused(y: Any, field: str) -> None:
    with pytest.raises(InputError, match=f"^{field} holds .*, which is no label: give whole numbers .* among a, b$"):
        dataset(**{field: y, **({"x_test": X} if field == "y_test" else {})})


def net(forward: Callable[[nn.Linear, Tensor], Any]) -> Callable[[], nn.Module]:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(64, 2)

        def forward(self, x: Tensor) -> Any:
            return forward(self.layer, x.flatten(1))

    return Net


def normalised() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def fails() -> nn.Module:
    raise ZeroDivisionError("division by zero")


ROW = UNIT.replace(x=UNIT.x[:1], y=UNIT.y[:1])
MODULES: dict[str, tuple[Any, Dataset, str]] = {
    "dropout": (net(lambda layer, x: nn.functional.dropout(layer(x))), UNIT, "forward, as dropout .*: leave that out"),
    "noise": (net(lambda layer, x: layer(x + torch.randn_like(x))), UNIT, "draws random numbers in forward"),
    "one row": (normalised, ROW, "raises ValueError .*more than 1 value per channel"),
    "tuple": (net(lambda layer, x: (layer(x), 1)), UNIT, "raises AttributeError .*'tuple'"),
    "size": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(63, 2)), UNIT, "raises RuntimeError"),
    "own": (net(lambda layer, x: 1 / 0), UNIT, "raises ZeroDivisionError .*: factory.. must be a module that takes"),
    "factory": (fails, UNIT, "the module or its factory raises ZeroDivisionError .division by zero.: "),
    "argument": (nn.Linear, UNIT, "the module or its factory raises TypeError"),
}


@pytest.mark.parametrize("case", MODULES)
def test_what_torch_says_of_a_module_is_a_sentence(case: str) -> None:
    factory, data, says = MODULES[case]
    learner = Module(factory, epochs=1, together=2)
    asked = [
        lambda: collect(data, Smoothing(test=Gaussian(0.5)), learner, data.x_test, 4),
        lambda: predict_without_noise(data, learner, data.x_test),
        lambda: cohen(data, 0.5, learner=learner, num_copies=4),
    ]
    for ask in asked:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, of the speed of vmap
            with pytest.raises(InputError, match=says) as found:
                ask()
        assert "\n" not in str(found.value)
        assert len(str(found.value)) < 400


def test_noise_in_forward_is_found_when_it_is_drawn_in_prediction_alone() -> None:
    class Sly(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            scores = super().forward(x.flatten(1))
            return scores if self.training else scores + torch.randn_like(scores)

    with pytest.raises(InputError, match="draws random numbers in forward"):
        collect(UNIT, Smoothing(test=Gaussian(0.5)), Module(lambda: Sly(64, 2), epochs=1), UNIT.x_test, 4)


@dataclass
class Factory:  # a dataclass that is not frozen has no hash
    units: int = 3

    def __call__(self) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(64, self.units), nn.Linear(self.units, 2))


def test_a_dataclass_may_be_a_factory() -> None:
    found = collect(UNIT, Smoothing(test=Gaussian(0.5)), Module(Factory(), epochs=1), UNIT.x_test, 4)
    assert found.counts.sum() == 4 * UNIT.num_points


class Pickling(Executor):
    """Fails as an executor of processes does with a function that was defined inside another one."""

    def submit(self, work: Any, /, *given: Any, **named: Any) -> Future[Any]:
        failed: Future[Any] = Future()
        failed.set_exception(AttributeError("Can't pickle local object 'main.<locals>.<lambda>'"))
        return failed


def test_code_that_cannot_travel_is_named() -> None:
    with pytest.raises(InputError, match=r"^other processes cannot be told .*Can't pickle.*: define .* a module, not"):
        collect(BITS, TEST, Linear(), BITS.x_test, 4, executor=Pickling())


@dataclass(frozen=True)
class Odd(Noise):
    """A noise that changes more than numbers."""

    norm: ClassVar[str] = "L0"
    made: Any

    def shift(self, size: float) -> Any:
        return Flip(0.8).shift(size)

    def sample(self, x: Tensor, generator: torch.Generator) -> Tensor:
        found: Tensor = self.made(x)
        return found


ODD: list[tuple[tuple[str, ...], Callable[[Tensor], Any], str]] = [
    (("features", "test", "labels"), lambda x: x[:1], "Odd made .* from .*: sample must return a tensor of the same"),
    (("features", "test"), lambda x: x.flatten(), "same shape"),
    (("features", "test", "labels"), lambda x: x.double(), "torch.float64 from .* torch"),
    (("features", "test", "labels"), lambda x: x.int(), "torch.int32 from"),
    (("features", "test", "labels"), lambda x: None, "Odd made NoneType from"),
    (("features", "test", "labels"), lambda x: x.numpy(), "Odd made ndarray from"),
    (("features", "test"), lambda x: x * torch.nan, "not finite"),
    (("labels",), lambda y: y + 7, "Odd made labels from 7 to 8: use 0 to 1"),
    (("labels",), lambda y: y - 1, "Odd made labels from -1 to 0"),
]


def odd() -> Iterator[Any]:
    for number, (slots, made, says) in enumerate(ODD):
        yield from (pytest.param(slot, made, says, id=f"{slot}{number}") for slot in slots)


@pytest.mark.parametrize(("slot", "made", "says"), list(odd()))
def test_a_noise_that_changes_more_than_numbers_is_refused_at_once(slot: str, made: Any, says: str) -> None:
    class Untouched(Linear):
        def train(self, problem: Any, generators: Any) -> Any:
            raise AssertionError("nothing is trained before that")

    for learner in (Untouched(), LDA(), MLP(epochs=1)):
        with pytest.raises(InputError, match=says):
            collect(BITS, Smoothing(**{slot: Odd(made)}), learner, BITS.x_test, 4)


@pytest.mark.parametrize("learner", [Linear(), LDA(), MLP(epochs=1)], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("features", [None, Gaussian(0.5)])
def test_a_noise_that_goes_wrong_later_is_refused_too(learner: Any, features: Noise | None) -> None:
    seen: list[int] = []

    def late(y: Tensor) -> Tensor:
        seen.append(1)
        return y * 0 + 7 * (len(seen) > 3)

    with pytest.raises(InputError, match=r"made labels from [07] to 7"):
        collect(UNIT, Smoothing(labels=Odd(late), features=features), learner, UNIT.x_test, 64)


def test_a_good_noise_of_the_user_is_no_trouble() -> None:
    found = collect(BITS, Smoothing(features=Odd(lambda x: 1 - x)), Linear(), BITS.x_test, 4)
    assert found.num_models == 4
    assert Odd(None).channel() == Channel()


def run(**changes: Any) -> Any:
    given = {"dataset": BITS, "smoothing": TEST, "learner": Linear(), "x_test": BITS.x_test, "num_models": 4}
    return collect(**{**given, **changes})


def experiment(**changes: Any) -> Any:
    smoothing, poisoning = Smoothing.flips(BITS, 0.8), Poisoning(BadPatch(2), 0, 0.1)
    return Experiment(**{"dataset": BITS, "poisoning": poisoning, "smoothing": smoothing, **changes})


def poisoned(**changes: Any) -> Any:
    return Poisoning(**{"trigger": BadPatch(2), "target": 0, "rate": 0.1, **changes}).apply(BITS, 0)


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: dataset(classes=("a", "a")), "two classes of table have one name: a, a: name them apart"),
    (lambda: dataset(classes=(1, "1")), "have one name"),
    (lambda: dataset(x=[["a", "b"]] * 4), "x is not an array of numbers .*: give"),
    (lambda: dataset(x=[[0, 1], [0]]), "x is not an array of numbers"),
    (lambda: dataset(x=X * 1j), "complex64: give real numbers"),
    (lambda: dataset(x=[[None, 1]] * 4), "not finite: fill in what is missing with a fixed number, or leave such rows"),
    (lambda: dataset(values="2"), "values is '2'"),
    (lambda: dataset(values=2.5), "values is 2.5"),
    (lambda: poisoned(target=1.7), "1.7 is not a class of digits: choose one of 0 = '0', 1 = '1'"),
    (lambda: poisoned(target=None), "None is not a class"),
    (lambda: poisoned(target=np.nan), "nan is not a class"),
    (lambda: poisoned(rate="0.1"), "the poison rate is '0.1'"),
    (lambda: poisoned(rate=np.nan), "the poison rate is nan"),
    (lambda: poisoned(trigger="patch"), "trigger is 'patch': give a Trigger"),
    (lambda: poisoned(trigger=BadPatch), "trigger is the class BadPatch: give an instance of it, BadPatch"),
    (lambda: Poisoning(BadPatch(2), 0, 0.1).apply(BITS, "a"), "seed is 'a': give a whole number from 0"),
    (lambda: load(seed=0.5), "seed is 0.5"),
    (lambda: load(rows="10"), "'10' rows of digits"),
    (lambda: load(points=10.5), "10.5 points of digits"),
    (lambda: run(seed="a"), "the seed is 'a'"),
    (lambda: run(num_models="10"), "'10' models"),
    (lambda: run(learner=Linear), r"^learner is the class Linear: give an instance of it, Linear\(\.\.\.\)$"),
    (lambda: run(learner="linear"), "learner is 'linear': give a Learner"),
    (lambda: run(learner=None), "learner is None"),
    (lambda: recipes.wang(BITS, 0.8, learner=Linear), "the class Linear"),
    (lambda: recipes.cohen(UNIT, 0.5, learner=LDA), "the class LDA"),
    (lambda: recipes.dpa(BITS, 4, learner=Linear), "the class Linear"),
    (lambda: recipes.dpa(BITS, 4, seed="a"), "seed is 'a'"),
    (lambda: recipes.pecan(BITS, rsbd.AnyPatch(1), parts=4, seed="a"), "seed is 'a'"),
    (lambda: recipes.compare(UNIT, [0], [1], learner=Linear), "the class Linear"),
    (lambda: experiment(learner=Linear), "the class Linear"),
    (lambda: experiment(smoothing=Flip(0.8)), "smoothing is Flip.*: give a Smoothing"),
    (lambda: experiment(poisoning=BadPatch(2)), "poisoning is BadPatch.*: give a Poisoning"),
    (lambda: experiment(poisoning=Poisoning(BadPatch(2), 1.7, 0.1)), "1.7 is not a class"),
    (lambda: experiment(smoothing=Smoothing(labels=Flip(0.8))), "training features carry no noise"),
    (lambda: experiment(smoothing=TEST), "training features carry no noise, .*: give Smoothing.features="),
    (lambda: experiment(smoothing=Smoothing()), "training features carry no noise"),
    (lambda: Smoothing(features=0.8), "features is 0.8: give a Noise"),
    (lambda: Smoothing(test=Flip), "test is the class Flip"),
    (lambda: Smoothing(rows=Bagging), "which draws no rows"),
    (lambda: run(smoothing=Flip(0.8)), "smoothing is Flip"),
    (lambda: run(dataset=None), "dataset is None: give a Dataset"),
    (lambda: run(x_test="abc"), "x_test is not an array of numbers"),
    (lambda: run(x_test=3), "x_test has shape .. of int64: give real numbers"),
    (lambda: run(x_test=BITS.x_test[0]), "test points have 8 features"),
    (lambda: run(x_test=BITS.x_test * np.nan), "fill in what is missing with a fixed number"),
    (lambda: run(resume="file.npz"), "resume is 'file.npz': give a Votes"),
    (lambda: run(store=3), "3 names no file or folder"),
    (lambda: run(progress=True), "progress is True: give a function, or leave it out"),
    (lambda: recipes.pecan(BITS, rsbd.AnyPatch), "trigger is the class AnyPatch: give an instance of it"),
    (lambda: recipes.duels(BITS, "patch"), "trigger is 'p': give a AnyTrigger"),
    (lambda: run(resume=run(num_models=9), num_models=5), "resume holds 9 models: ask for as many, or leave it out"),
    (lambda: run(device="foo"), "there is no device 'foo': use the device auto, or one such as cpu"),
    (lambda: rsbd.certify([1], TEST, Threat()), "bounds is .1.: give a Bounds"),
    (lambda: rsbd.certify(EVIDENCE, Flip(0.8), Threat()), "smoothing is Flip"),
    (lambda: rsbd.certify(EVIDENCE, TEST, 3), "threat is 3: give a Threat"),
    (lambda: rsbd.radius(EVIDENCE, Flip(0.8)), "smoothing is Flip"),
    (lambda: bounds.simultaneous([[10, 0]], "0.1"), "alpha is '0.1', but it is a failure"),
    (lambda: bounds.simultaneous([[10, 0]], None), "alpha is None"),
    (lambda: bounds.dkw(10, "a"), "alpha is 'a'"),
    (lambda: recipes.wang(BITS, 0.8, num_models=4, alpha="0.1"), "alpha is '0.1'"),
    (lambda: clean_accuracy([0, np.nan], [0, 1]), "nan, which is no label"),
    (lambda: clean_accuracy([0, 1], [0, 0.5]), "y holds 0.5"),
    (lambda: clean_accuracy(["0", "1"], [0, 1]), "holds '0', which is no label"),
    (lambda: attack_success_rate([0, 0.5], [0, 1], 0), "0.5, which is no label"),
    (lambda: rsbd.radius(EVIDENCE, TEST).accuracy([0.5]), "y holds 0.5"),
    (lambda: BadPatch(3.5), "size is 3.5: give a whole number, at least 1"),
    (lambda: BadPatch("3"), "size is '3'"),
    (lambda: BadPatch(3, corner=3), "there is no corner '3'"),
    (lambda: BadPatch(2).budget((6,)), "use Features, or Pixels"),
    (lambda: Pixels(((1.5, 2),)), "positions are"),
    (lambda: Pixels(3), "positions are 3"),
    (lambda: Pixels((3,), delta="1"), "delta is '1'"),
    (lambda: Features(3), "positions are 3"),
    (lambda: Features((1.5,)), "positions are"),
    (lambda: Features((3,), value="a"), "value is 'a'"),
    (lambda: Blend(8), "shape is 8"),
    (lambda: Blend((8, 8), "3"), "delta is '3'"),
    (lambda: BadPatch(2)("abc"), "x is not an array of numbers"),
    (lambda: MLP(hidden=32), "hidden is 32"),
    (lambda: MLP(epochs=1.5), "epochs=1.5"),
    (lambda: MLP(learning_rate="a"), "learning_rate='a'"),
    (lambda: CNN(channels=16), "channels is 16"),
    (lambda: ResNet(blocks="1"), "blocks is 1"),
    (lambda: Linear("a"), "smoothness='a'"),
    (lambda: Module(Factory(), together="a"), "together is 'a'"),
    (lambda: Gaussian(1).shift("a"), "a shift of a"),
    (lambda: Flip("1e-4000"), "keep is '1e-4000'"),
    (lambda: Flip("1e-999999999999"), "keep is '1e-999999999999'"),
    (lambda: Flip("0." + "1" * 900), "keep is 0.1111.*, with too many digits to certify: give at most 70"),
    (lambda: Uniform("1e-999999999999"), "width is '1e-999999999999'"),
    (lambda: rsbd.certify(EVIDENCE, TEST, Threat(trigger=10**12)), "changes is 1000000000000: .* 0 to 16,777,216"),
    (lambda: Threat(rows=10**12), "rows is 1000000000000: give the number of poisoned rows, 0 to 16,777,216"),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "says"), REFUSED, ids=[str(i) for i in range(len(REFUSED))])
def test_bad_settings_are_one_sentence(ask: Callable[[], Any], says: str) -> None:
    with pytest.raises(InputError, match=says) as found:
        ask()
    assert "\n" not in str(found.value)
    assert len(str(found.value)) < 300


def test_whole_numbers_may_be_floats() -> None:
    white = np.zeros((8, 8))
    assert BadPatch(3.0, offset=1.0, pixels=2.0)(white).sum() == 2
    assert Pixels(((1.0, 2.0),)) == Pixels(((1, 2),)) == Pixels(np.array([[1, 2]]))
    assert Features((1.0, np.int64(2))) == Features((1, 2))
    assert poisoned(target=1.0)[0].y.sum() == poisoned(target=1)[0].y.sum() == poisoned(target="1")[0].y.sum()


def test_levels_that_floats_cannot_tell_apart_bound_nothing() -> None:
    for points in ("each", "all"):
        for bound in (bounds.simultaneous, bounds.anytime, bounds.hoeffding):
            found = bound([[10**6, 0], [10**6, 0]], 5e-324, points=points)
            assert (found.miss == 1).all()
    assert bounds.simultaneous([[10**6, 0]], 1e-300).miss[0] < 0.001


def test_frames_whose_arrays_are_read_only_are_no_trouble() -> None:
    frame, points = Column(UNIT.x.reshape(40, -1)), Column(UNIT.x_test.reshape(10, -1))
    data = Dataset("frame", frame, Column(UNIT.y), points, Column(UNIT.y_test), UNIT.classes)
    noise, module = Smoothing(test=Gaussian(0.5)), Module(lambda: nn.Linear(64, 2), epochs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for learner in (LDA(), module):
            assert collect(data, noise, learner, points, 4).counts.sum() == 40
            predict_without_noise(data, learner, points.values)
        assert len(cohen(data, 0.5, num_copies=10).certificate.label) == 10
        assert len(recipes.dpa(data, 4).certificate.label) == 10


def test_one_model_and_the_undefended_one_are_trained_on_one_thread() -> None:
    threads: list[int] = []

    @dataclass(frozen=True)
    class Watching(LDA):
        def train(self, problem: Any, generators: Any) -> Any:
            threads.append(torch.get_num_threads())
            return super().train(replace(problem), generators)

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        cohen(UNIT, 0.5, learner=Watching(), num_copies=4)
        predict_without_noise(UNIT, Watching(), UNIT.x_test)
        assert determinism.num_workers() == 2
    finally:
        torch.set_num_threads(before)
    assert set(threads) == {1}


@pytest.mark.parametrize("ensemble", [recipes.wang, recipes.bagging])
def test_a_vote_that_is_one_label_for_all_is_said(ensemble: Any) -> None:
    hidden = {"keep": 0.5} if ensemble is recipes.wang else {"size": 10}
    with pytest.warns(UserWarning, match="All 10 points have the label 0: unless all are of that class"):
        found = ensemble(BITS, **hidden, num_models=40, learner=Linear(shrinkage=99))
    assert len(set(found.votes.label.tolist())) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recipes.wang(BITS, 0.9, num_models=40)
