"""No certificate is ever violated where everything can be enumerated; the share of exactly tight ones is reported."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
import tiny_world
from exact_radii import exact_radius
from tiny_world import (
    Ints,
    World,
    backdoored,
    conjunction,
    majority,
    naive_bayes,
    nearest_neighbour,
    neyman_pearson,
    parity,
    worst,
)

from rsbd.audit import world as audit_world
from rsbd.bounds import Bounds
from rsbd.certify import certify, radius
from rsbd.data import Dataset
from rsbd.noises.smoothing import Threat
from rsbd.tradeoff import Tradeoff

KEEPS = [
    ("4/5", "4/5", "4/5"),
    ("3/5", "7/10", "9/10"),
    ("9/10", "3/5", "1/10"),  # below 1/K: the order of the levels turns
    ("1/2", "4/5", "1"),  # a slot that forgets, a slot that does not hide anything
]
BINARY = [World(3, 2, 2, 2, keeps) for keeps in KEEPS]
TERNARY = [World(2, 2, 3, 3, keeps) for keeps in KEEPS[:2]] + [World(2, 1, 3, 2, KEEPS[2])]
LARGER = [World(3, 3, 2, 2, KEEPS[1])]
FIRST = [BINARY[0], TERNARY[2]]  # the others are slow, all together
WORLDS = [pytest.param(w, marks=() if w in FIRST else pytest.mark.slow) for w in BINARY + TERNARY + LARGER]
LEARNERS = [nearest_neighbour, naive_bayes, majority, parity, conjunction, backdoored]
THREATS = [
    Threat(rows, trigger, relabel, on_test)
    for rows in (0, 1, 2)
    for trigger in (0, 1, 2)
    for relabel in (True, False)
    for on_test in (True, False)
    if (trigger or relabel) and (rows or (trigger and on_test))
]


def name(world: World) -> str:
    return f"{world.rows}x{world.features}, {world.values} values, keep {' '.join(world.keeps)}"


def gap(probabilities: Ints, label: Ints) -> Ints:
    """Probability of the given label less that of the best other one."""
    mine = np.take_along_axis(probabilities, label[None], axis=0)
    others = np.where(np.arange(len(probabilities)).reshape(-1, *[1] * label.ndim) == label, -1, probabilities)
    return mine[0] - others.max(axis=0)


def predicted(world: World, models: Ints) -> tuple[Ints, Ints, Ints]:
    """Probabilities (times the total) of all labels from every state, the smoothed label, its probability."""
    probabilities = world.smooth(models)
    label = probabilities.argmax(axis=0)
    top = probabilities.max(axis=0)
    return probabilities, label, top


def margins(probabilities: Ints, supports: list[tuple[int, ...]], label: Ints) -> Ints:
    """Smallest margin of each state's own label over the others that any attack reaches."""
    found = np.full(label.shape, np.iinfo(np.int64).max)
    for c in range(len(probabilities)):
        height = gap(probabilities, np.full(label.shape, c))
        found = np.where(label == c, worst(height, iter(supports)), found)
    return found


def certified(world: World, law: Tradeoff, miss: Ints, second: Ints) -> npt.NDArray[np.bool_]:
    """Exact certificates of all states, each different pair of probabilities once."""
    if world.classes == 2:
        return miss < math.ceil(Fraction(law.threshold()) * world.total)
    pairs, back = np.unique(np.stack([miss.ravel(), second.ravel()]), axis=1, return_inverse=True)
    fractions = ((Fraction(int(a), world.total), Fraction(int(b), world.total)) for a, b in pairs.T)
    return np.array([law.certifies(*pair) for pair in fractions])[back.reshape(-1)].reshape(miss.shape)


@pytest.mark.parametrize("world", [BINARY[0], BINARY[2]], ids=name)
def test_the_audit_enumerates_the_same_world(world: World) -> None:
    """Both find equal probabilities of every data set, and attacks on equal coordinates."""
    rows = np.zeros((world.rows, world.features), np.float32)
    data = Dataset("tiny", rows, np.arange(world.rows) % 2, rows[:1], [0], ("a", "b"), values=2)
    audited = audit_world.World(data, world.smoothing, lambda x, y, point: int(x.sum() + y.sum() + point.sum()) % 2)
    chances, unit = audited.smoothed
    assert audited.sizes == world.sizes
    assert (chances * world.total == world.smooth(parity(world)).astype(object) * unit).all()
    for threat in THREATS:
        assert set(audited.supports(threat)) == set(world.supports(threat))


@pytest.mark.parametrize("world", WORLDS, ids=name)
@pytest.mark.parametrize("learner", LEARNERS)
def test_no_certificate_is_violated(
    world: World, learner: Callable[[World], Ints], record_property: Callable[[str, object], None]
) -> None:
    probabilities, label, top = predicted(world, learner(world))
    assert (probabilities.sum(axis=0) == world.total).all()
    second = np.sort(probabilities, axis=0)[-2]
    counts = {"certified": 0, "robust": 0}
    for threat in THREATS if world not in LARGER else THREATS[::3]:
        law = world.smoothing.tradeoff(threat)
        supports = list(world.supports(threat))
        robust = margins(probabilities, supports, label) > 0
        exact = certified(world, law, world.total - top, second)
        assert not (exact & ~robust).any(), threat
        # The float path certifies a subset, also from misses that were rounded up.
        misses = np.nextafter((world.total - top) / world.total, 2).clip(max=1).ravel()
        others = np.nextafter(second / world.total, 2).clip(max=1).ravel()
        floats = certify(Bounds(label.ravel(), misses, others, 0.0), world.smoothing, threat)
        assert not (floats & ~exact.ravel()).any()
        assert floats.sum() >= 0.98 * exact.sum()
        counts["certified"] += int(exact.sum())
        counts["robust"] += int(robust.sum())
    for key, count in counts.items():
        record_property(key, count)
    if learner in (conjunction, backdoored) and world.keeps[2] != "1":
        assert counts["certified"] > 50  # there was something to violate


@pytest.mark.parametrize("world", BINARY[:3] + TERNARY[:1], ids=name)
@pytest.mark.parametrize("learner", LEARNERS)
def test_no_radius_is_violated(world: World, learner: Callable[[World], Ints]) -> None:
    probabilities, label, top = predicted(world, learner(world))
    misses, back = np.unique(world.total - top, return_inverse=True)
    limit = 3
    exact = np.array([
        exact_radius(Fraction(int(miss), world.total), world.smoothing, max_radius=limit) for miss in misses
    ])[back].reshape(label.shape)  # fmt: skip
    rounded = np.nextafter(misses / world.total, 2).clip(max=1)
    floats = radius(Bounds(np.zeros(len(misses), int), rounded, rounded, 0.0), world.smoothing, max_radius=limit)
    assert (floats.radius[back].reshape(label.shape) <= exact).all()
    for size in range(limit + 1):
        supports = list(combinations(range(len(world.sizes)), size))
        robust = margins(probabilities, supports, label) > 0
        assert not ((exact >= size) & ~robust).any()


@pytest.mark.parametrize("world", BINARY[:3] + TERNARY[:1], ids=name)
def test_the_bound_on_the_probability_holds_and_is_sometimes_tight(
    world: World, record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """`lower(p_a)` against the true worst attack from every state: never above, and equal where it is exactly tight."""
    lines = []
    for learner in LEARNERS:
        probabilities, label, top = predicted(world, learner(world))
        known, back = np.unique(top, return_inverse=True)
        tight = certified = 0
        for threat in THREATS[::4]:
            law = world.smoothing.tradeoff(threat)
            supports = list(world.supports(threat))
            lowest = np.zeros_like(top)
            for c in range(world.classes):
                lowest = np.where(label == c, worst(probabilities[c], iter(supports)), lowest)
            bound = [law.lower(Fraction(int(p), world.total)) * world.total for p in known]
            # Integers compare exactly: a bound is below or at the truth when its ceiling is, tight when it is whole.
            ceiling = np.array([-(-b.numerator // b.denominator) for b in bound])[back].reshape(top.shape)
            whole = np.array([b.denominator == 1 for b in bound])[back].reshape(top.shape)
            assert (lowest >= ceiling).all(), (learner, threat)
            holds = 2 * ceiling > world.total
            certified += int(holds.sum())
            tight += int((holds & whole & (lowest == ceiling)).sum())
        share = f"{tight} of {certified}"
        record_property(f"exactly tight certificates, {learner.__name__}", share)
        lines.append(f"{learner.__name__} {share}")
        if learner is conjunction:
            assert tight > 0
    with capsys.disabled():
        print(f"\n  exactly tight certificates, {name(world)}: {', '.join(lines)}", end="")


@pytest.mark.parametrize("world", [*BINARY[:3], TERNARY[0]], ids=name)
def test_the_worst_learner_shows_that_no_better_bound_exists(world: World) -> None:
    """For the Neyman-Pearson learner every certificate is exactly tight, and refused ones are really broken."""
    certified = broken = 0
    for threat in THREATS[::2]:
        law = world.smoothing.tradeoff(threat)
        supports = list(world.supports(threat))
        for level in range(1, 16):
            models = neyman_pearson(world, threat, level)
            probabilities = world.smooth(models)
            start = (0,) * len(world.sizes)
            miss = Fraction(int(probabilities[1][start]), world.total)
            after = Fraction(int(-worst(-probabilities[1], iter(supports))[start]), world.total)
            assert law.upper(miss) == after, (threat, level)
            if 2 * miss >= 1:
                break
            if law.certifies(miss):
                certified += 1
                assert 2 * after < 1
            else:
                broken += 1
                assert 2 * after >= 1
    assert certified >= 4
    assert broken >= 4


def test_the_world_itself_is_right() -> None:
    """The enumeration against a direct sum over noise patterns, at one state."""
    world = World(1, 1, 3, 2, ("3/5", "7/10", "4/5"))
    models = nearest_neighbour(world)
    probabilities = world.smooth(models)
    x, y, test = world.states
    state = (2, 0, 1)
    direct = Fraction(0)
    for i, seen in enumerate(zip(x[:, 0, 0], y[:, 0], test[:, 0], strict=True)):
        chance = Fraction(1)
        for value, before, noise in zip(seen, state, world.axis_noise, strict=True):
            chance *= noise.keep if value == before else (1 - noise.keep) / (noise.values - 1)
        direct += chance * int(models[i] == 1)
    assert Fraction(int(probabilities[(1, *state)]), world.total) == direct
    assert set(world.supports(Threat(rows=1, trigger=1))) == {(0, 1, 2)}
    assert len(list(World(3, 2, 2, 2, KEEPS[0]).supports(Threat(rows=2, trigger=1)))) == 3 * 4 * 2
    assert tiny_world.majority(world).tolist() == y[:, 0].tolist()
