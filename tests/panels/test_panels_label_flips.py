"""The panel of label flips: its figures are those of the recipe and of attacks that were carried out."""

from __future__ import annotations

import numpy as np
import pytest

from rsbd.data import load
from rsbd.errors import InputError
from rsbd.panels import SyncRunner, label_flips
from rsbd.panels.label_flips.compute import LabelFlipsComputation, LabelFlipsParams
from rsbd.recipes import rosenfeld
from rsbd.recipes.rosenfeld import LeastSquares

DATA = load("digits", side=8, view="unit", classes=(0, 1))


def found(**settings):
    return LabelFlipsComputation(DATA, 40)(LabelFlipsParams(**settings), lambda: False, lambda done, total: None)


@pytest.mark.parametrize(("keep", "penalty"), [(0.9, 1.0), (0.7, 0.1)])
def test_curves_are_those_of_the_recipe(keep, penalty):
    seen = found(keep=keep, penalty=penalty)
    recipe = rosenfeld(DATA, keep, penalty=penalty * LeastSquares.fit(DATA.x).penalty)
    assert seen.exact == pytest.approx(recipe.certificate.curve(DATA.y_test, range(41)))
    assert seen.closed == pytest.approx(recipe.closed_form.curve(DATA.y_test, range(41)))


@pytest.mark.parametrize("keep", [0.99, 0.8, 0.6, 0.51])
def test_closed_form_below_exact_below_every_attack(keep):
    seen = found(keep=keep)
    assert (seen.closed <= seen.exact).all()
    assert (seen.exact <= seen.fitted.each).all()
    assert (seen.fitted.each <= seen.fitted.one).all()
    assert (np.diff(seen.exact) <= 0).all()


def test_the_victim_is_turned_by_exactly_the_flips_that_it_needs():
    needed = int(found().fitted.needed[found().victim])
    true = DATA.y_test[found().victim]
    assert found(flips=needed - 1).answer == true
    assert found(flips=needed).answer != true


def test_too_much_noise_is_said_in_words_and_not_in_negative_numbers():
    panel = label_flips(keep=0.51, runner=SyncRunner())
    assert "nothing is certified" in panel.svg
    assert "-1" not in panel.alt
    assert "nothing is proved at this noise" in panel.sentence
    panel.set(keep=0.95)
    assert "nothing is certified" not in panel.svg
    panel.set(flips=5)
    assert "are proved right (by the closed form" in panel.sentence


def test_two_classes_of_images_only():
    with pytest.raises(InputError, match="give two, as load"):
        label_flips(load("digits", side=8, view="unit"), runner=SyncRunner())
    with pytest.raises(InputError, match="shows images"):
        label_flips(load("breast_cancer"), runner=SyncRunner())
