"""Noise on a lattice has exactly the certified law: all values in one dimension, and learners that read bits."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin
from torch import nn

from rsbd import Dataset, Gaussian, Module, Sklearn, Smoothing, Uniform, bounds, collect, radius, recipes
from rsbd.learners import CNN, LDA, MLP, Linear, Problem, randomness
from rsbd.noises import lattice, random_bits
from rsbd.noises.random_bits import ALL_BITS

LATTICES = {
    "gaussian 0.25": Gaussian(0.25).lattice,
    "gaussian 0.3": Gaussian(0.3).lattice,
    "gaussian 7e-5": Gaussian(7e-5).lattice,
    "uniform 1": Uniform(1).lattice,
    "uniform 2/3": Uniform("2/3").lattice,
}
INPUTS = {"zero": 0.0, "one": 1.0, "tenth": 0.1, "tiny": 2.0**-60, "grey": 77 / 255, "below": -3.7, "far": 12345.678}


def stream(seed: int = 0) -> torch.Generator:
    return randomness.generators(seed, range(1))[0]


@lru_cache(maxsize=64)  # steps that follow each other share a border
def below(own: lattice.Lattice, value: Fraction) -> Fraction:
    """Return the distribution function of the noise, exact or to 60 digits."""
    return own.law.below(value / own.scale)


def exact_ratio(own: lattice.Lattice) -> Fraction:
    """Return the steps in the scale."""
    return own.scale / Fraction(own.step)


def first_bits(monkeypatch: Any, own: lattice.Lattice, x: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Steps that each of the 65,536 first bits gives, and whether they are decided."""
    every = torch.arange(-(2**15), 2**15, dtype=torch.int16)
    undecided = np.zeros(2**16, bool)

    def second(self: Any, x: Any, scale: Any, numbers: np.ndarray) -> Any:
        undecided[numbers] = True
        return np.zeros(len(numbers)), np.zeros(len(numbers))

    with monkeypatch.context() as patch:
        patch.setattr(random_bits, "random_cells", lambda count, generators: (every[None].clone(), None))
        patch.setattr(random_bits, "more_bits", lambda cells, owners, generators, spare: cells)
        patch.setattr(lattice.Law, "second", second)
        seen = own.sample(x.expand(1, 2**16), [stream()])[0]
    return np.rint(seen.double().numpy() / own.step).astype(np.int64), ~undecided


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("at", INPUTS)
@pytest.mark.parametrize("name", LATTICES)
def test_the_first_bits_decide_only_what_all_further_bits_would(monkeypatch, name, at, dtype):
    """Exactly, in rational numbers, for every value of the first 16 bits."""
    own, x = LATTICES[name], torch.tensor(INPUTS[at], dtype=getattr(torch, dtype))
    steps, decided = first_bits(monkeypatch, own, x)
    exact, step = Fraction(x.item()), Fraction(own.step)
    if dtype == "float32" and np.abs(steps).max() > 2**24:
        pytest.skip("float32 shows such steps rounded, which is post-processing, so that they cannot be told from it")
    for k in np.unique(steps[decided]):
        cells = np.flatnonzero(decided & (steps == k))
        low, high = (below(own, (int(k) + side - exact / step) * step) for side in (Fraction(-1, 2), Fraction(1, 2)))
        assert low <= Fraction(int(cells.min()), 2**16)
        assert Fraction(int(cells.max()) + 1, 2**16) <= high
    assert decided.mean() > 0.985


@pytest.mark.parametrize("name", ["gaussian 0.3", "uniform 2/3"])
def test_the_second_bits_decide_as_the_borders_say(name):
    """Beside every border, on both sides from close by to far away: the steps change exactly where they should."""
    own, x, step = LATTICES[name], float(np.float32(77 / 255)), Fraction(LATTICES[name].step)
    whole, reach = int(x // own.step), int(own.law.largest * exact_ratio(own)) + 1
    steps = range(whole - reach, whole + reach)
    borders = [int(2**53 * below(own, (k + Fraction(1, 2)) * step - Fraction(x))) for k in steps]
    near = np.add.outer(borders, [side * 2**bit for bit in range(16, 45) for side in (-1, 1)]).ravel()
    anywhere = np.random.default_rng(0).integers(2**53, size=2**16)
    numbers = np.unique(np.append(near, anywhere).clip(0, 2**53 - 1))
    rest = np.full(len(numbers), x / own.step - whole)
    found, high = own.law.second(rest, float(exact_ratio(own)), numbers)
    known = found == high
    assert (~known).sum() <= 2  # the ends
    found, numbers = found[known] + whole, numbers[known]
    assert (np.diff(found) >= 0).all()
    for i in np.flatnonzero(np.diff(found)):
        low, high = (below(own, (int(k) + side) * step - Fraction(x)) for k, side in (
            (found[i], Fraction(1, 2)), (found[i + 1], Fraction(-1, 2))
        ))  # fmt: skip
        assert Fraction(int(numbers[i]) + 1, 2**53) <= low <= high <= Fraction(int(numbers[i + 1]), 2**53)


@pytest.mark.parametrize("name", LATTICES)
def test_the_last_bits_agree_with_the_second(monkeypatch, name):
    own, r = LATTICES[name], np.random.default_rng(0)
    x, numbers = r.random(40), r.integers(2**53, size=40)
    numbers[:4] = 0, 1, 2**53 - 2, 2**53 - 1
    low, high = own.law.second(x, float(exact_ratio(own)), numbers)
    for i in np.flatnonzero(low == high):
        for rest in (0, 2**128 - 1):
            assert own.law.last(Fraction(x[i]), exact_ratio(own), int(numbers[i]) << 128 | rest) == low[i]
    assert (low == high)[4:].all()
    points = torch.tensor(x, dtype=torch.float32)[None] * own.step
    drawn = own.sample(points, [stream(1)])
    monkeypatch.setattr(lattice, "_ROOM_32", 100.0)  # then no number is decided in float32
    torch.testing.assert_close(own.sample(points, [stream(1)]), drawn, rtol=0, atol=0)
    monkeypatch.setattr(lattice, "_ROOM", 100.0)  # nor in float64
    torch.testing.assert_close(own.sample(points, [stream(1)]), drawn, rtol=0, atol=0)


@pytest.mark.parametrize("noise", [Gaussian(0.3), Uniform("2/3")], ids=str)
def test_draws_depend_on_neither_parts_nor_other_models(monkeypatch, noise):
    x = torch.rand(3, 5000, generator=stream(1))
    drawn = noise.sample_many(x, randomness.generators(0, range(3)))
    for part in (700, 5001):
        monkeypatch.setattr(lattice, "_PART", part)
        assert torch.equal(noise.sample_many(x, randomness.generators(0, range(3))), drawn)
        for i in range(3):
            assert torch.equal(noise.sample_many(x[i : i + 1], randomness.generators(0, range(i, i + 1)))[0], drawn[i])


@pytest.mark.parametrize("noise", [Gaussian(0.3), Uniform("2/3")], ids=str)
def test_no_zero_tells_its_sign(noise):
    """A negative zero would be rounded from below, and what a model sees is ``step * K`` alone."""
    for x in (torch.zeros(1, 50_000), -torch.zeros(1, 50_000), torch.full((1, 50_000), 1e6, dtype=torch.float64)):
        for seen in (
            noise.sample_many(x, [stream()]),
            noise.sample_finely(x[0], stream()),
            noise.affine(999, [stream()])[1],
        ):
            assert not seen[seen == 0].signbit().any()


def test_the_central_quantiles_are_as_exact_as_claimed():
    """Their reference is tested to be a hundred times as exact."""
    below = np.concatenate([np.arange(1, 2**17) / 2**17, 0.5 + np.geomspace(2.0**-50, 0.4, 400)])
    u = torch.from_numpy(2 * below - 1)
    for law in (lattice.NORMAL, lattice.UNIFORM):
        exact, found = law.quantile(below), law.central(u.clone()).numpy()
        assert np.abs(exact - found)[np.abs(exact) < 3.001].max() < 2.0**-45 / 4


@pytest.mark.parametrize("law", [lattice.NORMAL, lattice.UNIFORM], ids=["normal", "uniform"])
def test_the_first_bits_leave_the_interval_that_is_told(law):
    middle, half = (part.double().numpy() for part in law.intervals(torch.arange(-(2**15), 2**15, dtype=torch.int16)))
    edges = law.quantile(np.arange(2**16 + 1) / 2**16)
    assert (middle - half <= edges[:-1]).all()
    assert (middle + half >= edges[1:]).all()
    assert np.isfinite(middle).all()


def test_no_numbers_are_no_trouble():
    for noise in (Gaussian(0.3), Uniform(1)):
        assert noise.sample(torch.zeros(0, 5), stream()).shape == (0, 5)
        assert noise.sample_many(torch.zeros(2, 3, 0), [stream(), stream()]).shape == (2, 3, 0)


@pytest.mark.parametrize("name", ["gaussian 0.3", "uniform 2/3"])
def test_the_ends_of_all_bits(name):
    own = LATTICES[name]
    for number, side in ((0, -1), (2**ALL_BITS - 1, 1)):
        k = own.law.last(Fraction(0), exact_ratio(own), number)
        assert 0 < side * k < 2000
        assert (abs(k) - 1) * own.step <= own.law.largest * float(own.scale)


def test_the_distribution_function_has_sixty_digits():
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(120):
        for z in [Fraction(0), Fraction(1, 3), Fraction(-5, 2), Fraction(7), Fraction(-19), Fraction(1, 10**30)]:
            exact = mpmath.ncdf(mpmath.mpf(z.numerator) / z.denominator)
            found = lattice.normal_below(z)
            assert abs(mpmath.mpf(found.numerator) / found.denominator - exact) < mpmath.mpf(10) ** -60
    assert lattice.normal_below(Fraction(100)) == 1


@pytest.mark.parametrize("moved", [2.0**-40, 1e-3, 0.03, 0.4])
@pytest.mark.parametrize("name", ["gaussian 0.25", "uniform 1"])
def test_no_event_gains_more_than_certified(name, moved):
    """The exact laws of the lattice at two inputs, and the best events between them, in order of their ratio."""
    own = LATTICES[name]
    noise = Gaussian(0.25) if "gaussian" in name else Uniform(1)
    x, step = Fraction(float(np.float32(0.3))), Fraction(own.step)
    other = Fraction(float(np.float32(0.3) if moved < 1e-9 else np.float32(0.3 + moved))) + (
        Fraction(moved) if moved < 1e-9 else 0
    )
    reach = range(-400, 401)
    laws = []
    for at in (x, other):
        shares = [below(own, (k - Fraction(1, 2)) * step - at) for k in [*reach, 401]]
        laws.append([b - a for a, b in pairwise(shares)])
    law = noise.shift(float(abs(other - x)) * (1 + 1e-12))
    cells = sorted(
        (cell for cell in zip(*laws, strict=True) if sum(cell)), key=lambda c: c[1] / c[0] if c[0] else 10**9
    )
    before = after = Fraction(0)
    for p, q in reversed(cells):
        before, after = before + p, after + q
        assert float(after) <= law.upper(min(1.0, float(before) * (1 + 1e-15))) + 1e-15


@pytest.mark.parametrize("noise", [Gaussian(0.25), Gaussian(0.3), Uniform(1), Uniform("2/3")], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_samples_have_the_law_of_the_lattice(noise, dtype):
    own = noise.lattice
    x = torch.full((3, 100_000), 0.3, dtype=getattr(torch, dtype))
    seen = noise.sample(x, stream())
    assert seen.dtype == x.dtype
    assert seen.shape == x.shape
    steps = (seen.double() / own.step).flatten().numpy()
    assert (steps == np.rint(steps)).all()
    k, counts = np.unique(steps, return_counts=True)
    borders = [(int(v) - Fraction(1, 2)) * Fraction(own.step) - Fraction(x[0, 0].item()) for v in [*k, k[-1] + 1]]
    chances = np.diff([float(below(own, border)) for border in borders])
    common = chances * x.numel() > 10
    rest = [counts[~common].sum()] if not common.all() else []
    expected = [*(chances[common] * x.numel()), *([x.numel() * (1 - chances[common].sum())] if rest else [])]
    if not rest:
        expected = np.array(expected) / sum(expected) * x.numel()
    distance = np.square(np.array([*counts[common], *rest]) - expected) / expected
    assert stats.chi2.sf(distance.sum(), len(distance) - 1) > 1e-4


class OnGrid(ClassifierMixin, BaseEstimator):
    """A base classifier like any other: it sees the noised input only, and looks at its last bits."""

    def __init__(self, bits: int = 24, small: int | None = None) -> None:
        self.bits, self.small = bits, small

    def fit(self, x, y):
        self.classes_ = np.array([0, 1])
        return self

    def predict(self, x):
        v = x.astype(np.float64)
        off = (v * 2.0**self.bits) % 1 != 0
        return (off if self.small is None else off & (np.abs(v) < 2.0**-self.small)).any(1).astype(int)


def certified(points: np.ndarray, smoothing: Smoothing, learner: Any, num_models: int = 24) -> list[tuple[int, float]]:
    """Return label and radius of each point."""
    x, y = np.zeros((4, points.shape[1]), np.float32), np.array([0, 1] * 2)
    d = Dataset("bits", x, y, points, np.zeros(len(points), int), ("a", "b"))
    votes = collect(d, smoothing, learner, d.x_test, num_models, seed=0)
    c = radius(bounds.simultaneous(votes.counts, 0.001), smoothing)
    return [(int(label), float(r)) for label, r in zip(c.label, c.radius, strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize("bits", [20, 24, 26, 30])
@pytest.mark.parametrize("noise", [Uniform(1), Uniform(0.5), Uniform("3/7"), Gaussian(0.25), Gaussian(0.1)], ids=str)
def test_low_bits_do_not_tell_where_a_point_was(noise, bits):
    for d, changes in ((1, (2.0**-25, 2.0**-bits / 2)), (64, (2.0**-25, 2.0**-12))):
        points = np.repeat(np.array([[0.0], *([change] for change in changes)], np.float32), d, axis=1)
        (one, r), *others = certified(points, Smoothing(test=noise), Sklearn(OnGrid(bits)))
        for change, (two, s) in zip(changes, others, strict=True):
            length = change * d if noise.norm == "L1" else change * d**0.5
            assert one == two or max(r, s) < length


@pytest.mark.slow
def test_many_small_values_do_not_add_up_under_gaussian_noise():
    d, k = 256, 7
    found = []
    for p in (2.0**-k, 0.0):
        x, y = np.zeros((4, d), np.float32), np.array([0, 1] * 2)
        data = Dataset("d", x, y, np.full((1, d), p, np.float32), np.array([0]), ("a", "b"))
        learner = Sklearn(OnGrid(24 + k, k + 2))
        found.append(recipes.cohen(data, 0.25, learner=learner, num_copies=100).certificate)
    assert found[0].label[0] == found[1].label[0] or max(f.radius[0] for f in found) < 2.0**-k * d**0.5


class RowBits(ClassifierMixin, BaseEstimator):
    """Learns one thing: whether some training value has bits beyond the 24th."""

    def fit(self, x, y):
        self.classes_ = np.array([0, 1])
        self.off_ = int(((x.astype(np.float64) * 2.0**24) % 1 != 0).any())
        return self

    def predict(self, x):
        return np.full(len(x), self.off_)


@pytest.mark.parametrize("noise", [Uniform(1), Gaussian(0.25)], ids=str)
def test_low_bits_of_training_rows_do_not_tell_either(noise):
    found = []
    for at in (0.0, 2.0**-25):
        d = Dataset("bits", np.full((4, 8), at, np.float32), [0, 1, 0, 1], np.zeros((1, 8)), [0], ("a", "b"))
        smoothing = Smoothing(features=noise)
        votes = collect(d, smoothing, Sklearn(RowBits()), d.x_test, 100)
        found.append(radius(bounds.simultaneous(votes.counts, 0.001), smoothing))
    assert found[0].label[0] == found[1].label[0]


class BitNet(nn.Module):
    """Says whether its input has bits beyond the 24th."""

    def __init__(self) -> None:
        super().__init__()
        self.idle = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        off = ((x.double() * 2.0**24) % 1 != 0).any(1).float()
        return torch.stack([1 - off, off], 1) + 0 * self.idle


@pytest.mark.parametrize("noise", [Uniform(1), Gaussian(0.25)], ids=str)
def test_a_module_reads_nothing_in_low_bits(noise):
    learner = Module(BitNet, epochs=1)
    points = np.repeat(np.array([[0.0], [2.0**-25]], np.float32), 8, axis=1)
    (one, r), (two, s) = certified(points, Smoothing(test=noise), learner, 100)
    assert one == two or max(r, s) < 2.0**-22


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("noise", [Gaussian(0.25), Gaussian(0.3), Uniform(1), Uniform("2/3"), Uniform(8)], ids=str)
def test_every_value_of_the_noise_agrees_with_what_is_certified(monkeypatch, noise, dtype):
    """All 65,536 values of the first bits, further bits being given: no half-line gains more than certified."""
    cells = torch.arange(-(2**15), 2**15, dtype=torch.int16)[None]
    monkeypatch.setattr(random_bits, "random_cells", lambda count, generators: (cells, None))
    monkeypatch.setattr(random_bits, "more_bits", lambda cells, *_: (cells << 37) + 2**36)
    x = torch.tensor(77 / 255, dtype=getattr(torch, dtype))

    def steps(at: torch.Tensor) -> np.ndarray:
        return np.sort(noise.sample(at.expand(2**16), stream()).double().numpy())

    before = steps(x)
    for move in (2.0**-25, 0.001, 0.0625, 0.3, -0.01, -0.25):
        other = x + move
        law, after = noise.shift(abs(other.item() - x.item()) * (1 + 1e-12)), steps(other)
        edges = np.unique(np.concatenate([before, after]))
        for first, second in ((before, after), (after, before)):
            shares, moved = (np.searchsorted(seen, edges) / 2**16 for seen in (first, second))
            for p, q in ((shares, moved), (1 - shares, 1 - moved)):
                assert (q <= law.upper(np.minimum(p + 2.0**-16, 1)) + 2.0**-16).all()


@pytest.mark.parametrize(
    "noise", [Gaussian(0.25), Gaussian(0.3), Gaussian(40), Gaussian(1e-9), Uniform("2/3")], ids=str
)
def test_the_fine_lattice_has_exactly_the_law_of_the_noise(monkeypatch, noise):
    """Each result is the one whose borders enclose the first 53 bits, in rational numbers; so are those of all bits."""
    own, r = noise.fine_lattice, np.random.default_rng(0)
    words = r.integers(-(2**63), 2**63, size=(1, 60), dtype=np.int64)
    words[0, :8] = -1, 0, 2**11, -(2**11), 2**40, -(2**40), 2**63 - 1, -(2**63)
    monkeypatch.setattr(random_bits, "random_words", lambda count, generators: torch.from_numpy(words.copy()))
    monkeypatch.setattr(random_bits, "add_last_bits", lambda number, generator: (number << 128) + number % 2**128)
    assert own.step == min(noise.lattice.step, 2.0**-31)
    numbers = words.view(np.uint64)[0] >> np.uint64(11)
    for x in (float(np.float32(77 / 255)), -3.7):
        point = torch.full((1, 60), x, dtype=torch.float64)
        seen = own.sample(point, [stream(1)])
        steps = np.rint(seen[0].numpy() / own.step)
        assert (steps * own.step == seen[0].numpy()).all()
        for k, number in zip(steps, numbers, strict=True):
            low, high = (
                below(own, (int(k) + s) * Fraction(own.step) - Fraction(x)) for s in (Fraction(-1, 2), Fraction(1, 2))
            )
            assert low <= Fraction(int(number) + 1, 2**53)
            assert Fraction(int(number), 2**53) <= high
        with monkeypatch.context() as patch:
            patch.setattr(lattice, "_ROOM_FINE", 1.0)  # then nothing is decided in float64
            assert torch.equal(own.sample(point, [stream(1)]), seen)


def test_quantiles_are_as_exact_as_the_fine_lattice_needs():
    mpmath = pytest.importorskip("mpmath")
    r = np.random.default_rng(0)
    w = np.concatenate([r.integers(1, 2**53, 400), r.integers(1, 2**30, 50), 2**53 - r.integers(1, 2**30, 50)]) / 2**53
    with mpmath.workdps(40):
        for at, found in zip(w, lattice.NORMAL.quantile(w), strict=True):
            z = mpmath.mpf(float(found))
            assert abs((mpmath.ncdf(z) - mpmath.mpf(float(at))) / mpmath.npdf(z)) < 2.0**-49 * max(1, abs(z)) / 2


@pytest.mark.parametrize("further", [0, 2**46 + 12345, 2**48 - 1])
@pytest.mark.parametrize("noise", [Gaussian(0.25), Gaussian(0.3), Uniform(1), Uniform("2/3")], ids=str)
def test_every_value_of_a_shared_noise_agrees_with_what_is_certified(monkeypatch, noise, further):
    """All 65,536 values of the first bits, further bits being given: no half-line gains more than certified."""
    words = torch.arange(-(2**15), 2**15)[None] * 2**48 + further
    monkeypatch.setattr(random_bits, "random_words", lambda count, generators: words[:, :count].clone())
    ((scales, offsets),) = (noise.affine(2**16, [stream()]),)
    assert (scales == 1).all()
    x = float(np.float32(77 / 255))
    before = np.sort(offsets[0].numpy()) + x
    for move in (2.0**-31, 2.0**-25, 0.0625, 0.3, -0.25):
        other = float(np.float32(x + move)) if abs(move) > 2.0**-24 else x + move
        assert (other * 2**31).is_integer()
        law, after = noise.shift(abs(other - x) * (1 + 1e-12)), before - x + other
        edges = np.unique(np.concatenate([before, after]))
        for first, second in ((before, after), (after, before)):
            shares, moved = (np.searchsorted(seen, edges) / 2**16 for seen in (first, second))
            for p, q in ((shares, moved), (1 - shares, 1 - moved)):
                assert (q <= law.upper(np.minimum(p + 2.0**-16, 1)) + 2.0**-16).all()


OWN = {"Linear": Linear(smoothness=0), "LDA": LDA(), "MLP": MLP((4,), epochs=1), "CNN": CNN((2,), 4, epochs=1)}


@pytest.mark.parametrize("noise", [Uniform(1), Gaussian(0.25)], ids=str)
@pytest.mark.parametrize("name", OWN)
def test_own_learners_see_test_points_and_rows_on_the_lattice(monkeypatch, name, noise):
    """All that they draw comes from a lattice: points that share a draw, points that do not, rows, and sums of rows."""
    drawn: list[torch.Tensor] = []

    def spy(kind: Any, what: str) -> None:
        old = getattr(kind, what)

        def spied(self: Any, *given: Any) -> Any:
            found = old(self, *given)
            step = 2.0**-31 if what == "affine" else 2.0**-11 if isinstance(self, Gaussian) else self.lattice.step
            for tensor in () if found is None else found if isinstance(found, tuple) else (found,):
                drawn.append((tensor.double() / step) % 1)
            return found

        monkeypatch.setattr(kind, what, spied)

    for kind in (Gaussian, Uniform):
        for what in ("affine", "sample_many", "sample_sums"):
            spy(kind, what)
    r = np.random.default_rng(0)
    x = r.random((20, 8, 8)).astype(np.float32)
    d = Dataset("pixels", x, np.arange(20) % 2, x[:3], np.zeros(3, int), ("a", "b"))
    for points in (d.x_test, d.x_test.round()):
        collect(d, Smoothing(features=noise, test=noise), OWN[name], points, 4)
    assert len(drawn) >= 4
    assert all((part == 0).all() for part in drawn)


@pytest.mark.parametrize("noise", [Uniform(1), Gaussian(0.25)], ids=str)
@pytest.mark.parametrize("name", ["Linear", "LDA"])
def test_scores_of_own_learners_have_no_low_bits_that_tell(name, noise):
    """For a point on the grid and for one beside it, which is noised in another way, scores are on one grid."""
    x = np.linspace(0, 1, 64 * 8, dtype=np.float32).reshape(8, 8, 8).round()
    d = Dataset("pixels", x, np.arange(8) % 2, x[:1], [0], ("a", "b"))
    problem, asked = Problem.of(d, Smoothing(test=noise, features=Gaussian(0.5))), randomness.generators(0, range(4))
    models = OWN[name].train(problem, asked)
    point, grids = torch.zeros(1, 64), []
    for at in (point, point + 2.0**-25):
        scores = torch.stack([models.scores(at, noise, asked) for _ in range(40)]).double()
        grids.append(
            [2.0 ** min(np.frexp(v)[1] - 53 + trailing(v) for v in one) for one in scores[:, :, 0, 0].T.numpy()]
        )
    for one, two in zip(*grids, strict=True):
        assert 0.2 < one / two < 5


def trailing(number: float) -> int:
    """Zero bits at the end of the 53 of a float64."""
    whole = int(abs(np.frexp(number)[0]) * 2**53)
    return (whole & -whole).bit_length() - 1
