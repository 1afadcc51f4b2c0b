"""The strongest label flips against least squares, held against every attack on small worlds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from rsbd.attacks.label_flips import carried_out, fewest_flips, heaviest
from rsbd.data import load
from rsbd.errors import InputError
from rsbd.recipes import rosenfeld
from rsbd.recipes.rosenfeld import LeastSquares


def gap(weights: np.ndarray, y: np.ndarray, label: int, num_classes: int) -> float:
    """How far the best other class is above the label."""
    scores = weights @ np.eye(num_classes)[y]
    return float(np.delete(scores, label).max() - scores[label])


@pytest.mark.parametrize(("num_classes", "rows"), [(2, 8), (3, 6)])
def test_no_attack_needs_fewer_flips(num_classes: int, rows: int) -> None:
    stream = np.random.default_rng(num_classes)
    for _ in range(6):
        weights, y = stream.normal(0.15, 0.3, rows), stream.integers(0, num_classes, rows)
        (label,), (flips,) = fewest_flips(weights[None], y, num_classes)
        assert label == (weights @ np.eye(num_classes)[y]).argmax()
        best = rows + 1
        for other in itertools.product(range(num_classes), repeat=rows):
            changed = int(np.sum(np.array(other) != y))
            if changed < best and gap(weights, np.array(other), label, num_classes) >= 0:
                best = changed
        assert flips == best


def test_a_prediction_that_nothing_turns() -> None:
    # Without an intercept a point may get all its weights with the same sign from rows of one class only.
    weights = np.array([[-1.0, -2.0]])
    label, flips = fewest_flips(weights, np.array([1, 1]))
    assert label[0] == 0
    assert flips[0] == 1  # flipping the lighter one makes class 1 as good: -2 against -1 is already behind
    assert (
        fewest_flips(np.zeros((1, 3)), np.array([0, 0, 0]))[1][0] == 1
    )  # equal scores: no flip is needed, one is said


def test_the_heaviest_labels_turn_a_point_in_exactly_so_many_flips() -> None:
    data = load("digits", side=8, view="unit", classes=(1, 7))
    influence = LeastSquares.fit(data.x).influence(data.x_test)
    label, flips = fewest_flips(influence, data.y)
    for j in range(0, data.num_points, 10):
        rows = heaviest(influence[[j]], data.y, label[[j]])
        answers = carried_out(influence[[j]], data.y, rows)[:, 0]
        assert (answers[: flips[j]] == label[j]).all()
        assert answers[flips[j]] != label[j]


@pytest.mark.parametrize("keep", [0.99, 0.9, 0.7])
def test_no_certificate_reaches_the_flips_that_turn_least_squares(keep: float) -> None:
    data = load("digits", side=8, view="unit", classes=(0, 1))
    found = rosenfeld(data, keep)
    label, flips = fewest_flips(LeastSquares.fit(data.x).influence(data.x_test), data.y)
    assert (found.certificate.radius < flips).all()
    certified = found.certificate.radius >= 0
    assert (found.certificate.label == label)[certified].all()


def test_one_attack_for_all_is_what_the_retrained_classifier_says() -> None:
    data = load("digits", side=8, view="unit", classes=(0, 1))
    influence = LeastSquares.fit(data.x).influence(data.x_test)
    rows = heaviest(influence, data.y, data.y_test)[:30]
    answers = carried_out(influence, data.y, rows)
    flipped = data.y.copy()
    flipped[rows] = 1 - flipped[rows]
    assert (answers[-1] == (influence @ flipped > 0.5)).all()
    assert np.mean(answers[-1] == data.y_test) < np.mean(answers[0] == data.y_test)


def test_more_than_two_labels_are_refused() -> None:
    with pytest.raises(InputError, match="two labels"):
        carried_out(np.ones((1, 3)), np.array([0, 1, 2]), np.array([0]))
