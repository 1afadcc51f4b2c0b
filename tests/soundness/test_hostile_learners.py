"""Learners that do what they should not: no attack inside a certificate breaks it, or there is no certificate."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, ClassifierMixin

from rsbd import AnyPatch, Dataset, Flip, Gaussian, Sklearn, Smoothing, Uniform, bounds, collect, radius, recipes
from rsbd.certify import Certificate
from rsbd.ensemble.one_model import stream_confidences
from rsbd.errors import InputError
from rsbd.learners import Learner, Models, ScoringModels
from rsbd.learners.undefended import predict_undefended

POINTS = 12


def data(move: float = 0.0, rows: int = 8, point: int = 0) -> Dataset:
    x = np.linspace(0, 1, rows, dtype=np.float32)[:, None] * np.ones((1, 2), np.float32)
    points = np.full((POINTS, 2), 0.5, np.float32)
    points[:, 0] += np.linspace(-0.05, 0.05, POINTS, dtype=np.float32)
    points[point] += move
    return Dataset("line", x, np.arange(rows) % 2, points, np.zeros(POINTS, int), ("a", "b"))


class Fitted(ClassifierMixin, BaseEstimator):
    def fit(self, x, y):
        self.classes_ = np.array([0, 1])
        return self


class Averaging(Fitted):
    """Averages all points that any model has seen: noise of zero mean goes away."""

    seen: ClassVar[list[np.ndarray]] = []

    def predict(self, x):
        self.seen.append(x)
        return (np.mean(self.seen, 0)[:, 0] > 0.5).astype(int)


class Collecting(Fitted):
    """Averages all training rows that any model has seen."""

    seen: ClassVar[list[np.ndarray]] = []

    def fit(self, x, y):
        self.seen.append(x)
        self.where_ = np.mean(self.seen, 0)[:, 0].sum()
        return super().fit(x, y)

    def predict(self, x):
        return np.full(len(x), int(np.float32(self.where_ * 2**10) % 2))


class Totalling(Fitted):
    """Adds up all training rows that any model has seen."""

    seen: ClassVar[list[float]] = []

    def fit(self, x, y):
        self.seen.append(float(x.sum()))
        self.where_ = sum(self.seen)
        return super().fit(x, y)

    def predict(self, x):
        return int(self.where_ * 12345) >> np.arange(len(x)) & 1


class Alternating(Fitted):
    """Says one class and the other in turn."""

    calls: ClassVar[list[int]] = []

    def predict(self, x):
        self.calls.append(1)
        return np.full(len(x), len(self.calls) % 2)


class Clock(Fitted):
    def predict(self, x):
        time.sleep(1e-4)
        return np.random.default_rng(time.perf_counter_ns()).integers(2, size=len(x))


@pytest.mark.parametrize("noise", [Gaussian(0.5), Uniform(2)], ids=str)
@pytest.mark.parametrize("hostile", [Averaging, Clock], ids=lambda kind: kind.__name__)
def test_learners_that_remember_or_look_at_the_clock_are_refused(hostile, noise):
    with pytest.raises(InputError, match="other labels when it is asked the same again"):
        collect(data(), Smoothing(test=noise), Sklearn(hostile()), data().x_test, 64)


def test_a_learner_that_counts_its_calls_proves_nothing():
    smoothing = Smoothing(test=Gaussian(0.5))
    with ThreadPoolExecutor(1) as pool:  # in several threads it is refused now and then, as its calls mix
        votes = collect(data(), smoothing, Sklearn(Alternating()), data().x_test, 200, executor=pool)
    assert (radius(bounds.simultaneous(votes.counts, 0.001), smoothing).label == -1).all()


def test_learners_that_remember_training_rows_are_refused():
    with pytest.raises(InputError, match="asked the same again"):
        collect(data(), Smoothing(features=Gaussian(0.5)), Sklearn(Collecting()), data().x_test, 64)


@pytest.mark.parametrize("hostile", [Averaging, Clock], ids=lambda kind: kind.__name__)
def test_one_fixed_model_that_remembers_is_refused(hostile):
    with pytest.raises(InputError, match="asked the same again"):
        recipes.cohen(data(), 0.5, learner=Sklearn(hostile()), num_copies=100)


@dataclass(frozen=True)
class Remembering(Learner):
    """A learner of one's own with a memory, and a model of its own."""

    seen: list[Any] = field(default_factory=list, compare=False, repr=False)
    shape: str = "right"

    def train(self, problem, generators):
        return Answer(self.seen, self.shape)


@dataclass(frozen=True)
class Answer(Models):
    seen: list[Any]
    shape: str

    def predict(self, x, noise, generators):
        found = []
        for generator in generators:
            self.seen.append(x if noise is None else noise.sample(x, generator))
            found.append((torch.stack(self.seen).mean(0)[:, 0] > 0.5).long())
        labels = torch.stack(found)
        return {
            "right": lambda: labels,
            "one point": lambda: labels[:, :1],
            "one model": lambda: labels[:1],
            "turned": lambda: labels.T,
            "halves": lambda: labels * 0 + 0.5,
            "nan": lambda: labels * float("nan"),
            "no class": lambda: labels * 0 + 2,
            "negative": lambda: labels * 0 - 1,
        }[self.shape]()


def test_a_learner_of_ones_own_that_remembers_is_refused():
    with pytest.raises(InputError, match="asked the same again"):
        collect(data(), Smoothing(test=Gaussian(0.5)), Remembering(), data().x_test, 64)


@pytest.mark.parametrize("shape", ["one point", "one model", "turned", "halves", "nan", "no class", "negative"])
def test_models_of_ones_own_that_give_no_labels_are_refused(shape):
    d, learner = data(), Remembering(shape=shape)
    for ask in (
        lambda: collect(d, Smoothing(test=Gaussian(0.5)), learner, d.x_test, 40),
        lambda: recipes.cohen(d, 0.5, learner=learner, num_copies=40),
    ):
        if shape != "one model" or ask.__code__.co_names[0] == "collect":
            with pytest.raises(InputError):
                ask()


@pytest.mark.parametrize("spread", [1, 3])
@pytest.mark.parametrize("hostile", [Totalling, Clock], ids=lambda kind: kind.__name__)
def test_parts_whose_models_remember_other_parts_are_refused(hostile, spread):
    """A row would reach all models that come after its own."""
    with pytest.raises(InputError, match="asked the same again"):
        recipes.dpa(data(rows=40), 6, spread=spread, learner=Sklearn(hostile()))
    with pytest.raises(InputError, match="asked the same again"):
        recipes.fpa(data(rows=40), 2, spread=spread, odds=1, learner=Sklearn(hostile()))


@dataclass(frozen=True)
class Stubborn(Learner):
    """A learner whose models are out of reach of all triggers, and say what the number of trained models says."""

    seen: list[Any] = field(default_factory=list, compare=False, repr=False)

    def train(self, problem, generators):
        self.seen.append(1)
        return Still(int(len(self.seen) > 3))


@dataclass(frozen=True)
class Still(Models):
    label: int

    def predict(self, x, noise, generators):
        return torch.full((len(generators), len(x)), self.label)

    def reach(self, x, labels, triggers, shape):
        for _ in triggers:
            yield torch.nn.functional.one_hot(labels, 2).bool()


def test_parts_that_no_trigger_moves_are_asked_twice():
    r = np.random.default_rng(0)
    d = Dataset("images", r.random((40, 4, 4)), np.arange(40) % 2, r.random((3, 4, 4)), [0, 0, 0], ("a", "b"))
    with pytest.raises(InputError, match="asked the same again"):
        recipes.pecan(d, AnyPatch(1), parts=5, learner=Stubborn())


def test_parts_whose_models_count_their_calls_certify_nothing():
    for parts in (5, 6):
        try:
            found = recipes.dpa(data(rows=60), parts, learner=Sklearn(Alternating())).certificate
        except InputError:
            continue
        assert (found.radius <= 0).all()


@pytest.mark.parametrize("hostile", [Totalling, Clock, Alternating], ids=lambda kind: kind.__name__)
def test_undefended_learners_that_remember_are_refused(hostile):
    with pytest.raises(InputError, match="asked the same again"):
        predict_undefended(data(), Sklearn(hostile()), data().x_test)


@dataclass(frozen=True)
class Confident(Learner):
    """A learner of one's own with scores: of what it sees, or of the mean of all that it saw."""

    seen: list[Any] | None = field(default_factory=list, compare=False, repr=False)

    def train(self, problem, generators):
        return Scores(self.seen)


@dataclass(frozen=True)
class Scores(ScoringModels):
    seen: list[Any] | None

    def scores(self, x, noise, generators):
        found = []
        for generator in generators:
            at = x if noise is None else noise.sample(x, generator)
            if self.seen is not None:
                self.seen.append(at)
                at = torch.stack(self.seen).mean(0)
            found.append(torch.stack([1 - at[:, 0], at[:, 0]]))
        return torch.stack(found)


def test_confidences_of_a_learner_that_remembers_are_refused():
    for noise in (Smoothing(test=Gaussian(0.5)), Smoothing(features=Gaussian(0.5), test=Uniform(2))):
        with pytest.raises(InputError, match="asked the same again"):
            next(stream_confidences(data(), noise, Confident(), data().x_test, range(64)))
    with pytest.raises(InputError, match="asked the same again"):
        recipes.kumar(data(), 0.5, [0.1], learner=Confident(), num_copies=100, num_selection=20)
    honest = stream_confidences(data(), Smoothing(test=Gaussian(0.5)), Confident(None), data().x_test, range(64))
    assert sum(len(block) for block in honest) == 64


@dataclass
class Says(Fitted):
    """Predicts whatever it was made to."""

    what: str = "floats"

    def predict(self, x):
        n = len(x)
        return {
            "floats": np.zeros(n),
            "bools": np.zeros(n, bool),
            "halves": np.full(n, 0.7),
            "nan": np.full(n, np.nan),
            "none": np.full(n, None),
            "words": np.full(n, "a"),
            "digits": np.full(n, "0"),
            "few": np.zeros(n - 1, int),
            "many": np.zeros(n + 1, int),
            "one": np.zeros((), int),
            "column": np.zeros((n, 1), int),
            "no class": np.full(n, 2),
            "negative": np.full(n, -1),
            "huge": np.full(n, 1e300),
        }[self.what]


@pytest.mark.parametrize("what", ["floats", "bools"])
def test_whole_numbers_of_any_type_are_labels(what):
    assert (collect(data(), Smoothing(test=Gaussian(1)), Sklearn(Says(what)), data().x_test, 8).label == 0).all()


@pytest.mark.parametrize(
    "what", ["halves", "nan", "none", "words", "digits", "few", "many", "one", "column", "no class", "negative", "huge"]
)
def test_what_is_no_label_is_refused_in_every_path(what):
    d, learner = data(), Sklearn(Says(what))
    for ask in (
        lambda: collect(d, Smoothing(test=Gaussian(0.5)), learner, d.x_test, 8),
        lambda: recipes.cohen(d, 0.5, learner=learner, num_copies=20),
        lambda: recipes.bagging(d, 4, learner=learner, num_models=8),
    ):
        with pytest.raises(InputError):
            ask()
    if what not in ("no class", "negative"):
        with pytest.raises(InputError):
            predict_undefended(d, learner, d.x_test)
        with pytest.raises(InputError):
            recipes.dpa(d, 2, learner=learner)


class Fragile(Fitted):
    """Raises where the first point is far away, as noise makes it now and then."""

    def predict(self, x):
        if abs(x[0, 0]) > 2:
            raise RuntimeError("too far")
        return np.zeros(len(x), int)


def test_a_learner_that_raises_in_the_middle_leaves_no_votes_of_the_others():
    """Votes of those alone that did not raise would be votes of a chosen few."""
    with pytest.raises(Exception, match="too far"):
        collect(data(), Smoothing(test=Gaussian(1.0)), Sklearn(Fragile()), data().x_test, 400)


class ByPlace(Fitted):
    """Labels points by their place in the batch."""

    def predict(self, x):
        return np.arange(len(x)) % 2


class Majority(Fitted):
    """Gives all points the label that most of them deserve."""

    def predict(self, x):
        return np.full(len(x), int((x[:, 0] > 0.5).mean() > 0.5))


class Sharp(Fitted):
    """Looks at one value alone, with a border beside the point."""

    def predict(self, x):
        return (x[:, 0] > 0.4501).astype(int)


class FirstRow(ClassifierMixin, BaseEstimator):
    """Says what the first training row says."""

    def fit(self, x, y):
        self.classes_, self.label_ = np.array([0, 1]), int(y[0])
        return self

    def predict(self, x):
        return np.full(len(x), self.label_)


def certificate(d: Dataset, smoothing: Smoothing, hostile: Any, models: int = 100) -> Certificate:
    votes = collect(d, smoothing, Sklearn(hostile()), d.x_test, models)
    return radius(bounds.simultaneous(votes.counts, 0.001), smoothing)


@pytest.mark.slow
@pytest.mark.parametrize("noise", [Gaussian(0.5), Uniform(2)], ids=str)
@pytest.mark.parametrize("hostile", [ByPlace, Majority, Sharp], ids=lambda kind: kind.__name__)
def test_no_move_of_a_point_inside_its_certificate_changes_its_label(hostile, noise):
    smoothing = Smoothing(test=noise)
    before = certificate(data(), smoothing, hostile)
    for move in (0.01, 0.1, 0.4):
        after = certificate(data(move), smoothing, hostile)
        length = move * 2**0.5 if noise.norm == "L2" else 2 * move
        if before.radius[0] >= length and after.radius[0] >= 0:
            assert before.label[0] == after.label[0]


@pytest.mark.slow
@pytest.mark.parametrize("noise", [Gaussian(0.5), Uniform(0.5)], ids=str)
def test_a_point_that_moves_as_far_as_its_radius_gets_no_other_label(noise):
    """A radius twice as large would be found out."""
    d, smoothing = data(0.3), Smoothing(test=noise)
    before = certificate(d, smoothing, Sharp, 600)
    assert before.label[0] == 1
    assert before.radius[0] > 0.2
    for times, allowed in ((0.99, (1, -1)), (1.98, (0,))):
        points = d.x_test.copy()
        points[0, 0] -= times * before.radius[0]
        assert certificate(d.replace(x_test=points), smoothing, Sharp, 600).label[0] in allowed


def test_no_label_inside_a_certificate_changes_what_the_first_row_says():
    smoothing = Smoothing(labels=Flip(0.8))
    d = data()
    before = certificate(d, smoothing, FirstRow)
    after = certificate(d.replace(y=1 - d.y), smoothing, FirstRow)
    assert (before.label != after.label).all()  # one changed label, its own, would do
    assert before.radius.max() < 1


MODE = {"global": 0}


class Changing(Fitted):
    """Says what something outside of its settings says: no text of it tells the one version from the other."""

    where = "environment"

    def predict(self, x):
        found = {
            "environment": lambda: os.environ.get("RSBD_TEST_MODE", "0"),
            "global": lambda: MODE["global"],
            "class": lambda: type(self).mode,
            "file": lambda: Path(os.environ["RSBD_TEST_FILE"]).read_text(),
        }[self.where]()
        return np.full(len(x), int(found))

    mode = 0


@pytest.mark.parametrize("where", ["environment", "global", "class", "file"])
def test_votes_of_code_that_may_change_are_neither_stored_nor_merged_without_a_name(monkeypatch, tmp_path, where):
    monkeypatch.setattr(Changing, "where", where)
    monkeypatch.setenv("RSBD_TEST_FILE", str(tmp_path / "mode"))
    (tmp_path / "mode").write_text("0")
    d, smoothing, learner = data(), Smoothing(test=Gaussian(0.5)), Sklearn(Changing())
    with pytest.raises(InputError, match="give it a name"):
        collect(d, smoothing, learner, d.x_test, 8, store=tmp_path / "votes")
    before = collect(d, smoothing, learner, d.x_test, 8)
    monkeypatch.setenv("RSBD_TEST_MODE", "1")
    monkeypatch.setitem(MODE, "global", 1)
    monkeypatch.setattr(Changing, "mode", 1)
    (tmp_path / "mode").write_text("1")
    with pytest.raises(InputError, match="without a name"):
        collect(d, smoothing, learner, d.x_test, 16, resume=before)
    after = collect(d, smoothing, learner, d.x_test, 8)
    assert (before.label != after.label).all()
    with pytest.raises(InputError, match="without a name"):
        before.merge(after)
