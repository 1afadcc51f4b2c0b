"""Votes held against triggers: counted as defined, whatever the order of work, and kept with the votes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reversed_executor import Reversed
from sklearn.datasets import load_digits

from rsbd import AnyPatch, AnyPixels, Bagging, Dataset, Flip, Linear, Smoothing, Votes, collect, kept, load
from rsbd.ensemble import blocks
from rsbd.errors import InputError
from rsbd.files import _digest
from rsbd.learners import MLP, Problem, randomness
from rsbd.types import Bools

BAGS = Smoothing(rows=Bagging(6))
TRIGGERS = [AnyPatch(1), AnyPixels(2), *AnyPatch(6).windows((8, 8))]
NUM = 128


@pytest.fixture(scope="module")
def digits() -> Dataset:
    images, labels = load_digits(return_X_y=True, n_class=2)
    x = (images > 8).reshape(-1, 8, 8).astype(np.float32)
    return Dataset("tiny digits", x[:60], labels[:60], x[60:80], labels[60:80], ("0", "1"), values=2)


@pytest.fixture(scope="module")
def expected(digits: Dataset) -> Votes:
    return collect(digits, BAGS, Linear(), digits.x_test, NUM, triggers=TRIGGERS)


def same(found: Votes, expected: Votes) -> bool:
    pairs = zip(
        (found.counts, found.kept, found.reached), (expected.counts, expected.kept, expected.reached), strict=True
    )
    return found.models == expected.models and all(np.array_equal(one, other) for one, other in pairs)


def test_each_model_is_counted_by_what_a_trigger_does_to_it(digits: Dataset, expected: Votes) -> None:
    plain = collect(digits, BAGS, Linear(), digits.x_test, NUM)
    assert np.array_equal(expected.counts, plain.counts)
    assert plain.kept is None
    assert plain.triggers == ()
    streams = randomness.generators(0, range(NUM), "cpu")
    weights, bias, error = (t.numpy() for t in Linear().train(Problem.of(digits, BAGS), streams).linear())
    x = digits.x_test.reshape(20, -1)
    assert expected.kept is not None
    assert expected.reached is not None
    for number, trigger in enumerate(TRIGGERS[:3]):
        one_by_one = [kept(w, b, x, trigger, (8, 8), e) for w, b, e in zip(weights, bias, error, strict=True)]
        held: Bools = np.array([keeps for _, keeps in one_by_one])
        for c in range(2):
            mine = np.array([label == c for label, _ in one_by_one])
            # A model of float32 counts more rounding of its own than float64 does here.
            assert np.abs((mine & held).sum(0) - expected.kept[number, :, c]).max() <= 1
            assert np.array_equal(expected.reached[number, :, c], NUM - expected.kept[number, :, 1 - c])
    assert (expected.kept <= expected.counts).all()
    assert (expected.counts <= expected.reached).all()


def test_the_order_of_work_does_not_matter(digits: Dataset, expected: Votes, tmp_path: Path) -> None:
    def gather(num_models: int, **options: object) -> Votes:
        return collect(digits, BAGS, Linear(), digits.x_test, num_models, triggers=TRIGGERS, **options)  # type: ignore[arg-type]

    part = gather(37, store=tmp_path)
    assert same(gather(NUM, resume=part), expected)
    assert same(gather(NUM, store=tmp_path), expected)
    with Reversed() as executor:
        assert same(gather(NUM, executor=executor), expected)
    (file,) = tmp_path.iterdir()
    assert same(Votes.load(file), expected)
    rest = replace(
        expected,
        counts=expected.counts - part.counts,
        models=((37, NUM),),
        kept=expected.kept - part.kept,
        reached=expected.reached - part.reached,
    )
    assert same(part.merge(rest), expected)
    collect(digits, BAGS, Linear(), digits.x_test, 8, triggers=TRIGGERS[0], store=tmp_path)
    collect(digits, BAGS, Linear(), digits.x_test, 8, store=tmp_path)
    assert len(list(tmp_path.iterdir())) == 3  # triggers are part of what determines votes


def test_evidence_is_found_by_its_trigger(digits: Dataset, expected: Votes) -> None:
    assert expected.triggers == tuple(TRIGGERS)
    evidence = expected.against(AnyPixels(2))
    assert (evidence.trigger, evidence.kept.shape) == (AnyPixels(2), (1, 20, 2))
    windows = expected.against(AnyPatch(6), by_window=True)
    assert windows.kept.shape == (9, 20, 2)
    assert np.array_equal(windows.kept, expected.kept[2:])  # type: ignore[index]
    everywhere = collect(digits, BAGS, Linear(), digits.x_test, NUM, triggers=AnyPatch(6)).against(AnyPatch(6))
    assert (everywhere.kept[0] <= windows.kept.min(0)).all()
    assert (everywhere.reached[0] >= windows.reached.max(0)).all()
    plain = collect(digits, BAGS, Linear(), digits.x_test, 8)
    for votes, trigger, by_window in [
        (expected, AnyPatch(6), False),
        (expected, AnyPatch(2), True),
        (plain, AnyPatch(1), True),
    ]:
        with pytest.raises(InputError, match=r"^these votes were not held against any .*: collect\(\.\.\., triggers="):
            votes.against(trigger, by_window)


def test_what_cannot_work_is_said_before_any_model_is_trained(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def trained(*_: object) -> None:
        raise AssertionError("a model was trained")

    monkeypatch.setattr(blocks, "vote_in_block", trained)
    noised = Smoothing(test=Flip("4/5"))
    for smoothing, triggers, message in [
        (noised, AnyPatch(2), "no vote is certain under Flip.* on the test input"),
        (BAGS, AnyPatch(9), "any 9x9 patch anywhere does not fit on images of 8 x 8"),
        (BAGS, AnyPatch(3, (6, 0)), r"any 3x3 patch at \(6, 0\) does not fit"),
        (BAGS, AnyPixels(65), "any 65 pixels"),
        (BAGS, [AnyPatch(1), AnyPatch(1)], "twice"),
        (BAGS, [3], "trigger is 3: give a AnyTrigger"),
    ]:
        with pytest.raises(InputError, match=message):
            collect(digits, smoothing, Linear(), digits.x_test, triggers=triggers)  # type: ignore[arg-type]
    table = load("breast_cancer", rows=20, points=5)
    with pytest.raises(InputError, match="no images: use AnyPixels"):
        collect(table, BAGS, Linear(), table.x_test, triggers=AnyPatch(1))


def test_a_learner_that_does_not_know_says_so(digits: Dataset) -> None:
    with pytest.raises(InputError, match="a trigger can move: use a learner with linear scores"):
        collect(digits, BAGS, MLP((4,), epochs=1), digits.x_test, 8, triggers=AnyPatch(1))


@pytest.mark.parametrize("change", ["more kept", "less reached", "missing", "other shape", "other triggers"])
def test_files_that_no_run_could_have_written_are_refused(change: str, expected: Votes, tmp_path: Path) -> None:
    path = tmp_path / "votes.npz"
    expected.save(path)
    with np.load(path) as file:
        arrays = {name: file[name].copy() for name in file.files if name != "digest"}
    if change == "more kept":
        arrays["kept"][0, 0] = expected.counts[0] + 1
    elif change == "less reached":
        arrays["reached"][0, 0] = expected.counts[0] - 1
    elif change == "missing":
        del arrays["kept"]
    elif change == "other shape":
        arrays["kept"] = arrays["kept"][1:]
    else:
        manifest = json.loads(arrays["manifest"].tobytes())
        manifest["triggers"] = [{"side": 0}] * len(TRIGGERS)
        arrays["manifest"] = np.frombuffer(json.dumps(manifest).encode(), np.uint8)
    np.savez_compressed(path, **arrays, digest=np.frombuffer(_digest(arrays), np.uint8))
    with pytest.raises(InputError):
        Votes.load(path)
