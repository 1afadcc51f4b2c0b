"""Poisoning: which rows, which labels, and that the undefended attack really works."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from rsbd.attacks import BadPatch, Blend, Pixels
from rsbd.attacks.poisoning import Poisoning, attack_success_rate, clean_accuracy, stamp
from rsbd.data import Dataset, load
from rsbd.errors import InputError
from rsbd.learners.undefended import undefended_weights


@settings(max_examples=30, deadline=None)
@given(
    rate=st.just(0.0) | st.floats(0.02, 0.4), target=st.integers(0, 2), relabel=st.booleans(), seed=st.integers(0, 999)
)
def test_exactly_the_masked_rows_are_poisoned(rate: float, target: int, relabel: bool, seed: int) -> None:
    data = load(side=8, classes=(1, 4, 7), rows=90)
    if not relabel:
        rate /= 2  # fewer rows are eligible
    before = data.fingerprint()
    patch = BadPatch(2)
    poisoned, mask = Poisoning(patch, target, rate, relabel=relabel).apply(data, seed)
    assert data.fingerprint() == before
    assert mask.sum() == round(rate * 90)
    np.testing.assert_array_equal(poisoned.x[mask], patch(data.x[mask]))
    np.testing.assert_array_equal(poisoned.x[~mask], data.x[~mask])
    np.testing.assert_array_equal(poisoned.y[~mask], data.y[~mask])
    assert (poisoned.y[mask] == target).all()
    assert (data.y[mask] != target).all() if relabel else (data.y[mask] == target).all()
    np.testing.assert_array_equal(poisoned.x_test, data.x_test)
    again, _ = Poisoning(patch, target, rate, relabel=relabel).apply(data, seed)
    assert again.fingerprint() == poisoned.fingerprint()


def test_rows_of_a_rate_contain_those_of_a_lower_one_and_seeds_differ() -> None:
    data = load()
    masks = [Poisoning(BadPatch(), 0, rate).apply(data, seed=3)[1] for rate in (0.01, 0.05, 0.2)]
    assert (masks[0] <= masks[1]).all()
    assert (masks[1] <= masks[2]).all()
    assert (Poisoning(BadPatch(), 0, 0.05).apply(data, seed=4)[1] != masks[1]).any()


def test_the_target_by_name() -> None:
    data = load(side=8, classes=(3, 5, 8))
    by_number, mask = Poisoning(BadPatch(), target=2, rate=0.1).apply(data, 0)
    assert set(data.y[mask]) == {0, 1}
    by_name, _ = Poisoning(BadPatch(), target="8", rate=0.1).apply(data, 0)
    assert by_number.fingerprint() == by_name.fingerprint()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda d: Poisoning(BadPatch(), 0, 1.5), "poison rate is 1.5: .* from 0 to 1"),
        (lambda d: Poisoning(BadPatch(), 0, float("nan")), "from 0 to 1"),
        (
            lambda d: Poisoning(BadPatch(), 2, 0.1).apply(d, 0),
            "2 is not a class of digits: choose one of 0 = '1'",
        ),
        (lambda d: Poisoning(BadPatch(), "9", 0.1).apply(d, 0), "'9' is not a class"),
        (
            lambda d: Poisoning(BadPatch(), 0, 0.9).apply(d, 0),
            "90 rows .* only 50 are eligible: .* up to 0.5",
        ),
        (lambda d: Poisoning(BadPatch(9), 0, 0).apply(d, 0), "larger than the 8 x 8 image"),
        (lambda d: Poisoning(Blend((8, 8)), 0, 0.1).apply(d, 0), "off the 2 levels .* view 'unit'"),
        (lambda d: Poisoning(Pixels.four((8, 8), 0.5), 0, 0.1).apply(d, 0), "off the 2 levels"),
        (lambda d: stamp(Blend((8, 8)), d, d.x_test), "off the 2 levels"),
        (lambda d: stamp(BadPatch(9), d, d.x_test), "larger than the 8 x 8 image"),
        (lambda d: Poisoning(BadPatch(), 0, 0.1).apply(d, -1), "seed is -1"),
    ],
)
def test_bad_input_is_one_clear_sentence(make: object, says: str) -> None:
    data = load(side=8, classes=(1, 7), rows=100)
    with pytest.raises(InputError, match=says) as caught:
        make(data)  # type: ignore[operator]
    assert "\n" not in str(caught.value)


def test_all_that_is_eligible_may_be_poisoned() -> None:
    data = load(side=8, classes=(1, 7), rows=100)
    poisoned, mask = Poisoning(BadPatch(), 0, 0.5).apply(data, 0)
    assert (mask == (data.y == 1)).all()
    assert (poisoned.y == 0).all()
    assert not Poisoning(BadPatch(), 0, 0).apply(data, 0)[1].any()
    # The rate that is advised is rounded down: two thirds would be 0.667.
    with pytest.raises(InputError, match=r"up to 0\.666$"):
        Poisoning(BadPatch(), 0, 1).apply(load(side=8, classes=(1, 4, 7), rows=90), 0)


def test_triggers_that_stay_on_the_levels_are_accepted() -> None:
    data = load(side=8, classes=(1, 7), rows=100)
    poisoned, mask = Poisoning(Pixels.four((8, 8), delta=2.0), 0, 0.1).apply(data, 0)
    assert (poisoned.x[mask][:, 4, 4] == 1).all()
    unit = load(side=8, classes=(1, 7), rows=100, view="unit")
    poisoned, mask = Poisoning(Blend((8, 8), 0.5), 0, 0.1).apply(unit, 0)
    np.testing.assert_allclose(np.linalg.norm((poisoned.x - unit.x)[mask].reshape(10, -1), axis=1), 0.5, rtol=1e-5)


def test_a_positive_rate_poisons_a_row_or_is_refused() -> None:
    data = load("digits", side=8, classes=(0, 1), rows=100)
    assert Poisoning(BadPatch(2), 0, 0.0).apply(data, 0)[1].sum() == 0
    assert Poisoning(BadPatch(2), 0, 0.006).apply(data, 0)[1].sum() == 1
    for rate in (1e-300, 0.004, 0.005):
        with pytest.raises(InputError, match=f"a poison rate of {rate:g} of 100 rows is no row: give 0, or 0.01"):
            Poisoning(BadPatch(2), 0, rate).apply(data, 0)


def test_measures() -> None:
    y = [0, 0, 1, 1, 2]
    assert clean_accuracy([0, 1, 1, -1, 2], y) == 0.6
    # Of the points 3, 4, 5 (not of class 0) one is called 0; the abstention is not.
    assert attack_success_rate([0, 0, 0, -1, 2], y, 0) == pytest.approx(1 / 3)
    with pytest.raises(InputError, match="every point is of the target class"):
        attack_success_rate([0], [0], 0)
    with pytest.raises(InputError, match=r"target is '8': give its number, dataset.label\('8'\)"):
        attack_success_rate([0], [1], "8")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="0 predictions for 0 points"):
        clean_accuracy([], [])
    with pytest.raises(InputError, match="one for each"):
        clean_accuracy([0, 1], [0])


def attack(data: Dataset, trigger: BadPatch, seed: int) -> tuple[float, float, float]:
    """Clean accuracy without and with poison, and attack success rate, of an undefended linear classifier."""
    poisoned, _ = Poisoning(trigger, target=0, rate=0.05).apply(data, seed)
    flat = (-1, data.num_features)
    clean_model = LogisticRegression(max_iter=1000).fit(data.x.reshape(flat), data.y)
    model = LogisticRegression(max_iter=1000).fit(poisoned.x.reshape(flat), poisoned.y)
    triggered = stamp(trigger, data, data.x_test)
    return (
        clean_accuracy(clean_model.predict(data.x_test.reshape(flat)), data.y_test),
        clean_accuracy(model.predict(data.x_test.reshape(flat)), data.y_test),
        attack_success_rate(model.predict(triggered.reshape(flat)), data.y_test, target=0),
    )


@pytest.mark.parametrize("classes", [None, (1, 7), (3, 8)])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_undefended_attack_works_on_digits(classes: tuple[int, ...] | None, seed: int) -> None:
    unpoisoned, poisoned, asr = attack(load("digits", side=8, classes=classes), BadPatch(3), seed)
    assert asr > 0.9
    assert poisoned > unpoisoned - 0.02


@pytest.mark.parametrize("classes", [(1, 7), None])
def test_weights_speak_for_their_own_class(classes: tuple[int, ...] | None) -> None:
    data = load("digits", side=8, view="unit", classes=classes)
    scores = data.x_test.reshape(data.num_points, -1) @ undefended_weights(data).reshape(data.num_classes, -1).T
    own = [scores[data.y_test == c].mean(axis=0) for c in range(data.num_classes)]
    assert np.argmax(own, axis=0).tolist() == list(range(data.num_classes))


@pytest.mark.mnist
@pytest.mark.parametrize("rows", [1000, 4000])
def test_the_undefended_attack_works_on_mnist(rows: int) -> None:
    unpoisoned, poisoned, asr = attack(load("mnist", classes=(1, 7), rows=rows), BadPatch(3), seed=0)
    assert asr > 0.9
    assert poisoned > unpoisoned - 0.02
