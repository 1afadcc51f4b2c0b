"""Votes of two learners or noises that the library cannot tell apart never meet: their author names them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch import nn

from rsbd.data import Dataset, load
from rsbd.ensemble import Votes, collect
from rsbd.ensemble.one_model import FixedModel
from rsbd.errors import InputError
from rsbd.learners import CNN, LDA, MLP, HashedTestNoise, Learner, Linear, Module, ResNet, Sklearn
from rsbd.learners.identity import check_named, settings_text, unnamed_mark
from rsbd.noises import Bagging, Flip, Gaussian, Uniform
from rsbd.noises.smoothing import Smoothing

FLIPS = Smoothing(features=Flip(0.8), labels=Flip(0.8, 2), test=Flip(0.8))


def network() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 2))


class Signed(Linear):
    """A learner of one's own that is no dataclass itself."""


@dataclass(frozen=True)
class Turned(Linear):
    """A learner of one's own, with a name in its class."""

    name = "turned, version 1"
    angle: float = 0.5


@dataclass(frozen=True)
class Shaken(Gaussian):
    """A noise of one's own."""


UNNAMED: dict[str, object] = {
    "module": Module(network, epochs=1),
    "partial": Module(partial(network), epochs=1),
    "estimator": Sklearn(LogisticRegression()),
    "subclass": Signed(),
    "within": HashedTestNoise(Sklearn(LogisticRegression()), Gaussian(0.5)),
    "noise": Smoothing(features=Shaken(0.5)),
    "noise within": HashedTestNoise(LDA(), Shaken(0.5)),
    "an empty name": Module(network, name=""),
    "anything else": object(),
}


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits", side=8, classes=(0, 1), rows=40, points=20)


@pytest.mark.parametrize("case", UNNAMED)
def test_code_of_the_user_wants_a_name(case: str) -> None:
    with pytest.raises(InputError, match=r"code of yours, and votes of another version .*: give it a name"):
        check_named(UNNAMED[case])
    assert unnamed_mark(UNNAMED[case]) != unnamed_mark(UNNAMED[case])


def test_settings_of_this_package_and_names_will_do() -> None:
    named = (
        None, Linear(), LDA(), MLP(hidden=(8, 4)), CNN(), ResNet(), HashedTestNoise(LDA(), Gaussian(np.float32(0.5))),
        FLIPS, Smoothing(rows=Bagging(5), features=Uniform(0.25)), Module(network, name="one layer, version 1"),
        Sklearn(LogisticRegression(), name="plain"), Turned(), HashedTestNoise(Turned(), Gaussian(0.5)),
        HashedTestNoise(Module(network, name="one layer, version 1"), Gaussian(0.5)),
    )  # fmt: skip
    check_named(*named)
    assert unnamed_mark(*named) == {}
    texts = [settings_text(thing) for thing in named]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("learner", [Linear(), LDA(), HashedTestNoise(LDA(), Gaussian(0.5))], ids=["one", "two", "in"])
def test_learners_of_this_package_are_kept_under_their_repr(learner: Learner) -> None:
    assert settings_text(learner) == repr(learner)


def test_settings_beside_the_name_are_told_apart() -> None:
    base = Module(network, name="one layer, version 1", epochs=2)
    others = [replace(base, name="one layer, version 2"), replace(base, epochs=3), replace(base, batch=7)]
    mine = [Turned(), Turned(angle=0.25), Turned(shrinkage=2.0)]
    fitted = [Sklearn(LogisticRegression(C=c), name=name) for c in (1.0, 2.0) for name in ("a", "b")]
    texts = [settings_text(thing) for thing in (base, *others, *mine, *fitted)]
    assert len(set(texts)) == len(texts)
    assert "turned, version 1" in settings_text(HashedTestNoise(Turned(), Gaussian(0.5)))


def test_no_address_is_part_of_it() -> None:
    """An address is another one in each process, so votes kept under it would never be found again."""
    pipeline = make_pipeline(FunctionTransformer(lambda x: x), LogisticRegression())
    for thing in (Module(network), Module(partial(network)), Sklearn(pipeline), object()):
        assert "0x" not in settings_text(thing)
        assert "0x" not in repr(thing) or type(thing) is object


def run_of(data: Dataset, learner: Learner, number: int = 16, **options: Any) -> Votes:
    return collect(data, FLIPS, learner, data.x_test, number, **options)


def test_a_store_asks_for_a_name_before_any_model_and_works_with_it(digits: Dataset, tmp_path: Path) -> None:
    for learner in (Module(network, epochs=1), Sklearn(LogisticRegression())):
        with pytest.raises(InputError, match="would be taken for this one's: give it a name"):
            run_of(digits, learner, store=tmp_path / "votes")
        assert not list(tmp_path.iterdir())
        named = replace(learner, name="version 1")
        found = run_of(digits, named, 8, store=tmp_path / "votes")
        grown = run_of(digits, named, store=tmp_path / "votes")
        assert (found.num_models, grown.num_models) == (8, 16)
        assert np.array_equal(grown.counts, run_of(digits, learner).counts)
        for file in (tmp_path / "votes").iterdir():
            file.unlink()
        (tmp_path / "votes").rmdir()


def test_votes_without_a_name_meet_no_others(digits: Dataset, tmp_path: Path) -> None:
    """Not even those of the same object: what its code reads may have changed."""
    learner = Signed()
    first, second = (run_of(digits, learner, number) for number in (64, 128))
    assert np.array_equal(run_of(digits, Linear(), 128).counts, second.counts)
    rest = Votes(second.counts - first.counts, ((64, 128),), second.manifest)
    first.save(tmp_path / "first.npz")
    for one in (first, Votes.load(tmp_path / "first.npz")):
        with pytest.raises(InputError, match=r"without a name, .*: give the learner or noise a name"):
            one.merge(rest)
        with pytest.raises(InputError, match="without a name"):
            run_of(digits, learner, 128, resume=one)
    named = replace(Turned(), angle=0.25)
    assert run_of(digits, named, 128, resume=run_of(digits, named, 64)).num_models == 128


def test_learners_of_ones_own_never_meet_each_others_votes(digits: Dataset, tmp_path: Path) -> None:
    """The same class name and settings, other code, another version in the name."""
    found = []
    for sign in (1, -1):
        space: dict[str, Any] = {"Signed": Signed, "__name__": "__main__", "sign": sign}
        exec(
            "class Mine(Signed):\n"
            "    name = f'mine, version {sign}'\n"
            "    def train(self, problem, generators):\n"
            "        from dataclasses import replace\n"
            "        y = problem.y if sign > 0 else 1 - problem.y\n"
            "        return super().train(replace(problem, y=y), generators)\n",
            space,
        )
        found.append(run_of(digits, space["Mine"](), 64, store=tmp_path))
    assert not np.array_equal(found[0].counts, found[1].counts)
    assert len(list(tmp_path.iterdir())) == 2
    with pytest.raises(InputError, match="differ in learner"):
        found[0].merge(found[1])


def test_copies_of_one_trained_model_are_merged_without_a_name(digits: Dataset) -> None:
    """It was trained once, so its votes are of one version; another training of it is another model."""
    one, other = (FixedModel.train(digits, Flip(0.8), Signed(), device="cpu") for _ in range(2))
    whole = one.votes(digits.x_test, range(10)).merge(one.votes(digits.x_test, range(10, 30)))
    assert np.array_equal(whole.counts, one.votes(digits.x_test, range(30)).counts)
    with pytest.raises(InputError, match="without a name"):
        one.votes(digits.x_test, range(10)).merge(other.votes(digits.x_test, range(10, 30)))


@pytest.mark.parametrize("learner", [Signed(), Turned()], ids=["unnamed", "named"])
def test_panels_grow_an_ensemble_without_a_name_by_training_it_anew(digits: Dataset, learner: Learner) -> None:
    pytest.importorskip("ipywidgets")  # which panels need, and the library does not
    from rsbd.panels.memory import VoteMemory

    memory = VoteMemory()
    for number in (64, 128):
        *_, found = memory.stream(digits, FLIPS, learner, digits.x_test, number, 0, name="clean")
        assert np.array_equal(found.counts, run_of(digits, learner, number).counts)
