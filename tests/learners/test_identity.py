"""Two experiments that differ in code, or in anything that it reads, never share votes."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch import nn

import rsbd
from rsbd import Flip, Linear, Module, Sklearn, Smoothing, collect, load
from rsbd.ensemble.blocks import Task
from rsbd.learners import identity

NET = """
class Net(nn.Module):
    SCALE = {scale}
    def __init__(self):
        super().__init__()
        self.last = nn.Linear(64, 2)
        self.setting = {setting}
    def forward(self, x):
        return {forward}
    @staticmethod
    def static(x): return {static}
    @property
    def twice(self): return {prop}
def helper(x): return {helper}
def closed(k):
    def factory():
        net = nn.Linear(64, 2)
        nn.init.constant_(net.bias, k)
        return net
    return factory
class Maker:
    def __init__(self, k): self.k = k
    def __call__(self): return closed(self.k)()
"""
PLAIN = {
    "scale": 1, "setting": 1, "forward": "helper(self.last(x)) * G", "static": "x", "prop": "2", "helper": "x", "G": 1,
}  # fmt: skip


def space(**changes: object) -> dict[str, Any]:
    """Names of a notebook in which somebody has written this."""
    found: dict[str, Any] = {"nn": nn, "torch": torch, "__name__": "__main__", "G": changes.get("G", 1)}
    exec(NET.format_map(PLAIN | changes), found)
    return found


@pytest.mark.parametrize(
    "changes",
    [
        {"scale": 2}, {"setting": 2}, {"forward": "self.last(x)"}, {"static": "-x"}, {"prop": "3"}, {"helper": "-x"},
        {"G": 2}, {"G": torch.ones(2)}, {"G": np.zeros((2, 0))}, {"G": {"a": 1}}, {"G": {1, 2}}, {"G": [1]},
        {"G": lambda: 1}, {"G": partial(max, 1)}, {"G": nn.Linear}, {"G": True},
    ],
    ids=" ".join,  # the value may be a function, whose name holds an address
)  # fmt: skip
def test_whatever_a_network_reads_makes_it_another_one(changes: dict[str, object]) -> None:
    one, same, other = (Module(space(**more)["Net"]) for more in ({}, {}, changes))
    assert repr(one) == repr(same) != repr(other)
    assert identity.named(one) == identity.named(same) != identity.named(other)
    assert "0x" not in identity.named(other)


def test_closures_and_objects_are_looked_into() -> None:
    made = space()
    for make in (made["closed"], made["Maker"]):
        assert repr(Module(make(1.0))) == repr(Module(make(1.0))) != repr(Module(make(2.0)))
        assert repr(Module(partial(make(1.0)))) != repr(Module(partial(make(2.0))))


def _kept(value: object) -> list[object]:
    """All that may hold a setting, holding this one."""

    def default(x: object, *, k: object = value) -> object:
        return k

    class Held:
        def __init__(self) -> None:
            self.value = value

        def method(self) -> object:
            return self.value

    class Base:
        kept = value

    class Child(Base): ...

    written = property(lambda self: None, lambda self, x, k=value: None)
    notebook: dict[str, Any] = {"__name__": "__main__", "G": value}
    exec("def outer():\n    return lambda: G", notebook)
    return [
        Child, written, notebook["outer"],
        default, lambda x, k=value: k, lambda: value, partial(print, sep=value), partial(print, value), Held().method,
        Held(), Held, np.array([value]), torch.tensor([value]), [value, 3], {"k": value}, (3, value), range(value),
    ]  # fmt: skip


def test_every_place_for_a_setting_is_read() -> None:
    for one, same, other in zip(_kept(1), _kept(1), _kept(2), strict=True):
        assert identity.digest(one) == identity.digest(same) != identity.digest(other), one
    assert identity.digest([1, 2]) != identity.digest([2, 1])


def test_estimators_of_ones_own() -> None:
    def own(sign: int) -> type:
        class Mine(LogisticRegression):
            def fit(self, x: Any, y: Any) -> Any:
                return super().fit(sign * x, y)

        return Mine

    def transformed(f: Any) -> Sklearn:
        return Sklearn(make_pipeline(FunctionTransformer(f), LogisticRegression()))

    assert repr(Sklearn(own(1)())) == repr(Sklearn(own(1)())) != repr(Sklearn(own(-1)()))
    assert repr(transformed(lambda x: x)) != repr(transformed(lambda x: -x))
    assert "0x" not in repr(transformed(lambda x: x))


@dataclass(frozen=True)
class Signed(Linear):
    """A learner of one's own, whose `repr` does not tell what it does."""


def test_learners_of_ones_own_never_meet_each_others_votes(tmp_path: Path) -> None:
    """The same name, the same settings, other code: in a notebook that is a cell run again."""
    data = load("digits", classes=(0, 1), rows=40, points=20)
    noise = Smoothing(features=Flip(0.8), labels=Flip(0.8, 2), test=Flip(0.8))
    found = []
    for sign in (1, -1):
        space: dict[str, Any] = {"Signed": Signed, "__name__": "__main__", "sign": sign}
        exec(
            "class Mine(Signed):\n"
            "    def train(self, problem, generators):\n"
            "        from dataclasses import replace\n"
            "        y = problem.y if sign > 0 else 1 - problem.y\n"
            "        return super().train(replace(problem, y=y), generators)\n",
            space,
        )
        found.append(collect(data, noise, space["Mine"](), data.x_test, 64, store=tmp_path))
    assert not np.array_equal(found[0].counts, found[1].counts)
    assert len(list(tmp_path.iterdir())) == 2
    with pytest.raises(rsbd.errors.InputError, match="differ in learner"):
        found[0].merge(found[1])


def test_a_module_beside_the_notebook_is_read(tmp_path: Path) -> None:
    code = (
        "import helpers, sys; from rsbd.learners import identity; f = lambda x: helpers.f(x); print(identity.digest(f))"
    )
    seen = set()
    for body in ("x", "x", "-x"):
        (tmp_path / "helpers.py").write_text(f"def f(x): return {body}\n")
        run = subprocess.run(
            [sys.executable, "-c", f"import sys; sys.path[:0] = [{str(tmp_path)!r}]; {code}"],
            capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONPATH": str(Path(rsbd.__file__).parents[1]), "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        seen.add(run.stdout)
    assert len(seen) == 2


def test_it_is_the_same_in_every_process_and_for_copies() -> None:
    learner = Sklearn(make_pipeline(FunctionTransformer(np.abs), LogisticRegression(C=2.0)))
    data = load("digits", classes=(0, 1), rows=10, points=5)
    task = Task.of(data, Smoothing(features=Flip(0.8)), learner, data.x_test, 0, "cpu")
    assert identity.named(pickle.loads(pickle.dumps(learner))) == task.manifest["learner"]
    code = (
        "from rsbd import Module, Sklearn; from rsbd.learners import identity\n"
        "from rsbd.learners.networks.resnet import ResNet\n"
        "from sklearn.svm import SVC; import re, logging, collections\n"
        "class A: s = {'b', 'a'}; r = re.compile('x'); l = logging.getLogger(); d = collections.OrderedDict(a=1)\n"
        "def f(): return A.s, A.r, A.l, A\n"
        "print(identity.named(Sklearn(SVC())), identity.digest(f, A()))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONPATH": str(Path(rsbd.__file__).parents[1]), "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(said) == 1


def test_ours_are_named_as_they_are() -> None:
    assert identity.named(Linear()) == repr(Linear())
    assert identity.named(Smoothing(features=Flip(0.8))) == repr(Smoothing(features=Flip(0.8)))
