"""Sizes are what they are called: a pixel of three colours is three values, and a trigger changes what it says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from rsbd import Dataset, Flip, Gaussian, Linear, Smoothing, Threat, Uniform, bounds, certify, collect, load
from rsbd.attacks import BadPatch, Blend, Features, Pixels, Trigger
from rsbd.attacks.poisoning import Poisoning, stamp
from rsbd.cli.tables import _map
from rsbd.errors import InputError
from rsbd.recipes import compare
from rsbd.recipes.contest import CONTENDERS
from rsbd.recipes.contest.threats import as_measured
from rsbd.recipes.experiment import Experiment
from rsbd.recipes.planted import plant_attack
from rsbd.recipes.report import report


def colour(channels: int = 3) -> Dataset:
    y = np.arange(400) % 2
    x = np.zeros((400, channels, 4, 4), np.float32)
    x[:, :, 0, 0] = y[:, None]  # one pixel is black or white
    return Dataset("colour", x, y, x[:20], y[:20], ("black", "white"))


def table(scale: float = 1.0) -> Dataset:
    r = np.random.default_rng(0)
    y = np.arange(200) % 2
    x = (scale * np.clip(r.normal(0.3 + 0.4 * y[:, None], 0.1, size=(200, 3)), 0, 1)).astype(np.float32)
    return Dataset("table", x, y, x[:50], y[:50], ("a", "b"))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_pixel_counts_all_its_channels(channels):
    d, threat = colour(channels), Threat(rows=2, trigger=5)
    assert d.channels == channels
    sizes = as_measured(threat, Smoothing(features=Gaussian(1.0), test=Flip(0.8)), d.channels).trigger
    assert sizes["test"] == 5 * channels
    assert sizes["features"] >= (5 * channels) ** 0.5
    assert as_measured(threat, Smoothing(features=Uniform(1)), channels).trigger_on("features") == 5 * channels
    for trigger in (BadPatch(2), Pixels(((0, 0), (1, 1)), 1.0, channels)):
        assert trigger.changed(d.shape) % channels == 0


@pytest.mark.slow
@pytest.mark.parametrize("method", ["flips per slot", "Wang et al., tied", "Gaussian + flips", "Cohen et al."])
def test_a_comparison_certifies_no_colour_pixel_that_can_be_changed(method):
    d = colour()
    asked = {"rows": [0], "triggers": [1], "relabel": [False], "on_test": [True], "num_models": 1000}
    found = compare(d, **asked, contenders=[c for c in CONTENDERS if c.name == method], learner=Linear(smoothness=0))
    attacked = d.x_test.copy()
    attacked[:, :, 0, 0] = 1 - attacked[:, :, 0, 0]  # one pixel changes its colour, and says everything
    certified = found.rows[0].certified
    assert certified is not None
    assert certified[0] == 0


def test_a_comparison_refuses_more_pixels_than_there_are():
    with pytest.raises(InputError, match="17 pixels, but an input has 16"):
        compare(colour(), rows=[0], triggers=[17])


@pytest.mark.parametrize("name", ["colour", "table", "gray"])
def test_maps_and_curves_say_what_they_count(name):
    d = {
        "colour": colour().replace(values=2),
        "table": table().replace(x=table().x.round(), x_test=table().x_test.round(), values=2),
        "gray": load("digits", side=8, classes=(0, 1), rows=50, points=20),
    }[name]
    trigger = Features((0,)) if name == "table" else BadPatch(1)
    flip = Flip(0.8)
    e = Experiment(d, Poisoning(trigger, 0, 0.02), Smoothing(None, flip, flip, flip),
                   Linear(), num_models=50)  # fmt: skip
    found = report(e.run())
    words = {"colour": "values (3 a pixel)", "table": "features", "gray": "pixels"}[name]
    assert d.counted == words
    left, right = found.figure().axes[:2]
    assert left.get_xlabel() == f"L0 radius ({words} and labels changed)"
    assert right.get_xlabel() == f"trigger size ({words})"
    assert words in _map(found)[0]
    assert found.triggers[:3] == (0, d.channels, 2 * d.channels)
    assert found.threat.trigger == d.channels


UNSCALED = {
    "table times 100": (table(100), Features((0, 1))),
    "table below 0": (table().replace(x=table().x - 9, x_test=table().x_test - 9), Features((0,))),
    "images 0..255": (load("digits", side=8, view="unit", rows=50, points=20), BadPatch(3)),
}


@pytest.mark.parametrize("name", UNSCALED)
def test_a_trigger_on_inputs_outside_its_range_is_refused(name):
    d, trigger = UNSCALED[name]
    if name == "images 0..255":
        d = d.replace(x=255 * d.x, x_test=255 * d.x_test)
    with pytest.raises(InputError, match="scale the inputs to"):
        plant_attack(d, Poisoning(trigger, 0, 0.05))
    e = Experiment(d, Poisoning(trigger, 0, 0.0), Smoothing(None, Gaussian(0.5), None, Gaussian(2.0)))
    with pytest.raises(InputError, match="scale the inputs to"):
        e.run()


@dataclass(frozen=True)
class Understated(Trigger):
    """Says less than it does, in one norm."""

    norm: str
    only_bright: bool = False

    def _put(self, out):
        where = out > 0.9 if self.only_bright else np.ones_like(out, bool)
        out[where] = np.clip(out[where] + 0.5, 0, 1) - 0.4

    def _sizes(self, shape):
        n = int(np.prod(shape))
        return {"L0": n, "L1": float(n), "L2": float(n) ** 0.5} | {self.norm: 1e-3 if self.norm != "L0" else 1}


@pytest.mark.parametrize("norm", ["L0", "L1", "L2"])
def test_a_trigger_that_understates_itself_is_found_out(norm):
    d = table()
    with pytest.raises(InputError, match=f"in {norm}, and its budget"):
        stamp(Understated(norm), d, d.x_test)
    with pytest.raises(InputError, match=f"in {norm}"):
        Poisoning(Understated(norm), 0, 0.1).apply(d, 0)


def test_a_trigger_that_understates_itself_on_test_points_alone_is_found_out():
    d = table()
    bright = d.replace(x=np.minimum(d.x, 0.5), x_test=np.ones_like(d.x_test))
    with pytest.raises(InputError, match="in L2"):
        plant_attack(bright, Poisoning(Understated("L2", only_bright=True), 0, 0.1))


@pytest.mark.parametrize(
    "trigger",
    [BadPatch(3), Blend((8, 8), 0.1), Blend((8, 8), 1.0), Pixels.one((8, 8)), Pixels.four((8, 8), 0.3)],
    ids=str,
)
def test_the_triggers_of_the_package_keep_their_budget(trigger):
    d = load("digits", side=8, view="unit", rows=200, points=100)
    r = np.random.default_rng(0)
    noise = r.random((200, 8, 8)).astype(np.float32)
    for x in (d.x, d.x_test, noise, np.zeros_like(noise), np.ones_like(noise)):
        stamp(trigger, d, x)


def test_a_threat_names_every_slot_that_it_attacks():
    with pytest.raises(InputError, match="puts one on 'test' too"):
        Threat(rows=1, trigger={"features": 1}, relabel=False)
    with pytest.raises(InputError, match="puts one on 'features' too"):
        Threat(rows=1, trigger={"test": 1})
    with pytest.raises(InputError, match="'test' too"):
        Threat(trigger={})
    votes, smoothing = bounds.simultaneous([[1000, 0]], 0.001), Smoothing(features=Flip(0.8))
    with pytest.raises(InputError, match="the test input, where there is no noise"):
        certify(votes, smoothing, Threat(rows=1, trigger={"features": 1, "test": 1}, relabel=False))
    for threat in (
        Threat(rows=1, trigger={"features": 1}, relabel=False, on_test=False),
        Threat(rows=1, trigger={"features": 1, "test": 0}, relabel=False),
    ):
        assert certify(votes, smoothing, threat).all()
    assert Threat(trigger={"test": 0.5}).budget("L2") == 0.5


def test_colour_attacks_are_really_as_bad():
    """What the comparison must not certify: one changed pixel turns the smoothed classifier."""
    d, noise = colour().replace(values=2), Smoothing(test=Flip(0.8))
    attacked = d.x_test.copy()
    attacked[:, :, 0, 0] = 1 - attacked[:, :, 0, 0]
    clean, turned = (collect(d, noise, Linear(smoothness=0), x, 300).label for x in (d.x_test, attacked))
    assert (clean == d.y_test).all()
    assert (turned != d.y_test).all()
