"""Bagging and BagFlip: laws against enumeration, bags against their law, radii against the published ones."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import comb
from pathlib import Path

import numpy as np
import oracle
import pytest
import torch
from scipy import stats
from sum_laws import MODELS, distances, problem, sample_rows, table

from rsbd.bounds import Bounds, simultaneous
from rsbd.certify import certify, poisoned_rows, radius
from rsbd.data import load
from rsbd.ensemble import collect
from rsbd.errors import InputError
from rsbd.learners import LDA, MLP, randomness
from rsbd.learners.linear import class_sums
from rsbd.learners.linear.linear import Linear
from rsbd.noises import Bagging, Flip, Gaussian
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.tradeoff import flips, gaussian, identity, levels, mixture, overlap

VECTORS = os.environ.get("RSBD_VECTORS")
needs_vectors = pytest.mark.skipif(not VECTORS, reason="RSBD_VECTORS names no folder with reference values")
PROBES = [Fraction(i, 23) for i in range(24)]


def evidence(miss: object, runner_up: object = None) -> Bounds:
    misses = np.atleast_1d(np.asarray(miss, dtype=float))
    seconds = misses if runner_up is None else np.atleast_1d(np.asarray(runner_up, dtype=float))
    return Bounds(np.zeros(len(misses), np.int64), misses, seconds, 0.001)


# The laws, counted


def counted_bags(before: list[str], after: list[str], size: int):
    """Every ordered bag of both data sets, as it shows itself."""
    P = dict.fromkeys([*product(before, repeat=size), *product(after, repeat=size)], 0)
    Q = dict(P)
    for bag in product(before, repeat=size):
        P[bag] += 1
    for bag in product(after, repeat=size):
        Q[bag] += 1
    return levels(list(P.values()), list(Q.values()))


@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize(("changed", "inserted", "removed"), [(1, 0, 0), (2, 0, 0), (0, 1, 0), (0, 0, 2), (1, 2, 1)])
def test_the_law_of_a_bag(size: int, changed: int, inserted: int, removed: int) -> None:
    before = list("abcde")
    after = ["x", "y"][:changed] + before[changed : 5 - removed] + ["u", "v"][:inserted]
    law = Bagging(size).shift(changed, 5, inserted=inserted, removed=removed)
    truth = counted_bags(before, after, size)
    assert [law.upper(p) for p in PROBES] == [truth.upper(p) for p in PROBES]


def test_changes_decide_for_every_mixture_of_edits() -> None:
    """What `shift(r)` certifies stays certified against all ways to change, insert and remove r rows."""
    certified = 0
    for size in (1, 3, 10, 40):
        for n in (5, 12, 40):
            for r in range(4):
                laws = [
                    Bagging(size).shift(r - i - d, n, inserted=i, removed=d)
                    for i in range(r + 1)
                    for d in range(r + 1 - i)
                ]
                for miss, second in product([Fraction(k, 60) for k in range(20)], [Fraction(k, 60) for k in (0, 2, 9)]):
                    if Bagging(size).shift(r, n).certifies(miss, min(miss, second)):
                        certified += 1
                        assert all(law.certifies(miss, min(miss, second)) for law in laws)
    assert certified > 500


def test_insertions_alone_certify_more_than_changes() -> None:
    law = Bagging(50).shift(0, 1000, inserted=10)
    assert law.threshold() > Bagging(50).shift(10, 1000).threshold()
    assert Bagging(50).shift(0, 1000, removed=10).threshold() > Bagging(50).shift(10, 1000).threshold()


@pytest.mark.parametrize("size", [3, 60_000])
def test_large_bags_round_towards_the_attacker(size: int) -> None:
    law = Bagging(size).shift(2, 60_000)
    true = 1 - np.exp(size * np.log1p(-2 / 60_000))
    assert law.upper(Fraction(0)) >= 1 - Fraction(59_998, 60_000) ** size
    assert float(law.upper(Fraction(0))) == pytest.approx(true, rel=1e-12)


class Tiny:
    """Rows (bit, label), bags of them, both noised anew in the bag: every outcome, in exact fractions."""

    def __init__(self, size: int, keep_x: str, keep_y: str, classes: int) -> None:
        self.bag, self.x, self.y = Bagging(size), Flip(keep_x), Flip(keep_y, classes)

    @property
    def smoothing(self) -> Smoothing:
        return Smoothing(rows=self.bag, features=self.x, labels=self.y)

    def law(self, rows: list[tuple[int, int]]) -> dict[tuple, Fraction]:
        """Probability of every outcome: which rows were drawn, and how each looks."""
        single: dict[tuple, Fraction] = {}
        for number, (bit, label) in enumerate(rows):
            for x, y in product(range(2), range(self.y.values)):
                chance = self.chance(self.x, bit, x) * self.chance(self.y, label, y) / len(rows)
                single[number, x, y] = chance
        whole: dict[tuple, Fraction] = {(): Fraction(1)}
        for _ in range(self.bag.size):
            whole = {(*o, s): p * q for o, p in whole.items() for s, q in single.items()}
        return whole

    @staticmethod
    def chance(noise: Flip, value: int, seen: int) -> Fraction:
        return noise.keep if value == seen else (1 - noise.keep) / (noise.values - 1)


@pytest.mark.parametrize(
    "tiny",
    [Tiny(2, "4/5", "3/5", 3), Tiny(2, "9/10", "9/10", 2), Tiny(3, "3/5", "7/10", 2), Tiny(2, "1/5", "1", 2)],
)
@pytest.mark.parametrize(("poisoned", "relabel"), [(1, True), (2, True), (2, False)])
def test_the_law_of_a_noised_bag(tiny: Tiny, poisoned: int, relabel: bool) -> None:
    """Against all outcomes: exactly the law where the learner sees which rows it drew, above it where not."""
    before = [(0, 0), (0, 0), (1, 1)]
    after = [(1, 1 if relabel else 0)] * poisoned + before[poisoned:]
    P, Q = tiny.law(before), tiny.law(after)
    assert sum(P.values()) == sum(Q.values()) == 1
    law = tiny.smoothing.tradeoff(Threat(poisoned, 1, relabel, on_test=False), num_rows=3)
    truth = levels(list(P.values()), [Q[o] for o in P])
    assert [law.upper(p) for p in PROBES] == [truth.upper(p) for p in PROBES]
    seen: dict[tuple, list[Fraction]] = {}
    for outcome in P:  # the bag without the numbers of its rows, in any order
        cell = seen.setdefault(tuple(sorted(o[1:] for o in outcome)), [Fraction(0), Fraction(0)])
        cell[0] += P[outcome]
        cell[1] += Q[outcome]
    blind = levels([c[0] for c in seen.values()], [c[1] for c in seen.values()])
    assert all(blind.upper(p) <= law.upper(p) for p in PROBES)


@pytest.mark.parametrize("learner", ["majority", "any", "all"])
def test_no_certificate_is_violated_where_all_can_be_enumerated(learner: str) -> None:
    """All data sets of 3 rows, all attacks on one row: certified labels never change, and some are certified."""
    tiny = Tiny(2, "9/10", "4/5", 2)

    def label(outcome: tuple) -> int:
        if learner == "all":
            return int(all(x and y for _, x, y in outcome))
        ones = sum(y for _, _, y in outcome)
        return int(ones >= 1) if learner == "any" else int(2 * ones > len(outcome))

    def share(rows: tuple) -> Fraction:
        return sum((p for o, p in tiny.law(list(rows)).items() if label(o)), Fraction(0))

    datasets = list(product(product(range(2), range(2)), repeat=3))
    ones = {rows: share(rows) for rows in datasets}
    law = tiny.smoothing.tradeoff(Threat(1, 1, on_test=False), num_rows=3)
    certified = 0
    for rows, p in ones.items():
        if law.certifies(min(p, 1 - p)):
            certified += 1
            for i, new in product(range(3), product(range(2), range(2))):
                attacked = (*rows[:i], new, *rows[i + 1 :])
                assert (ones[attacked] > Fraction(1, 2)) == (p > Fraction(1, 2))
    assert certified > 0


def test_mixture_rounds_towards_the_attacker() -> None:
    """Long denominators: never below the exact law, and within 1e-100 of it."""
    laws = [identity(), flips("1234567/2000003", 2, 3) * flips("99991/100003", 7, 3)]
    weights = [Fraction(10**9 + 7, 3 * 10**9), Fraction(1, 7)]
    rounded = mixture(weights, [law * flips("3/5", 2, 40) for law in laws])
    parts = [[*zip_levels(law * flips("3/5", 2, 40))] for law in laws]
    lost = 1 - sum(weights)
    P = [w * p for w, part in zip(weights, parts, strict=True) for p, _ in part]
    Q = [w * q for w, part in zip(weights, parts, strict=True) for _, q in part]
    exact = levels([*P, lost, 0], [*Q, 0, lost])
    for p in [Fraction(0), Fraction(1, 10**30), Fraction(1, 100), Fraction(1, 3)]:
        assert 0 <= rounded.upper(p) - exact.upper(p) < Fraction(1, 10**100)


def test_a_mixture_is_the_law_of_which_law_and_what_it_shows() -> None:
    """Laws with unlike totals, outcomes that only one side has, a weight of nothing and a share that is lost."""
    half = Fraction(1, 2)
    tables = [
        [(Fraction(1), Fraction(1))],
        [(Fraction(1, 7), Fraction(0)), (Fraction(2, 7), Fraction(5, 6)), (Fraction(4, 7), Fraction(1, 6))],
        [(Fraction(3, 4), half), (Fraction(0), half), (Fraction(1, 4), Fraction(0))],
        [(Fraction(0), Fraction(1)), (Fraction(1), Fraction(0))],
    ]
    weights = [Fraction(1, 5), half, Fraction(1, 10), Fraction(0)]
    laws = [levels([p for p, _ in table], [q for _, q in table]) for table in tables]
    noise = oracle.joint([(Fraction(4, 5), 3, 2)])
    laws[2] *= flips("4/5", 3, 2)
    tables[2] = [(p * a, q * b) for p, q in tables[2] for a, b in noise]
    cells = [(w * p, w * q) for w, table in zip(weights, tables, strict=True) for p, q in table]
    lost = Fraction(1, 5)
    whole = [*cells, (lost, Fraction(0)), (Fraction(0), lost)]
    for p in [*PROBES, Fraction(1, 7), Fraction(2, 11)]:
        assert mixture(weights, laws).upper(p) == oracle.dual(whole, p)


def zip_levels(law):
    from rsbd.tradeoff.parts import exact_levels

    found = exact_levels(law.parts)
    pairs = zip(found.P, found.Q, strict=True)
    return [(Fraction(p, found.total_p), Fraction(q, found.total_q)) for p, q in pairs]


def test_rare_bags_are_lost_not_forgotten() -> None:
    """A bag of 100 counts few of its possible numbers of poisoned rows; the whole sum is hardly below."""
    short = Smoothing(rows=Bagging(100), labels=Flip("4/5")).tradeoff(Threat(3, on_test=False), num_rows=1000)
    weights = [comb(100, j) * Fraction(3, 1000) ** j * Fraction(997, 1000) ** (100 - j) for j in range(101)]
    whole = mixture(weights, [flips("4/5", 2, j) for j in range(101)])
    for p in (Fraction(0), Fraction(1, 1000), Fraction(1, 5)):
        assert 0 < short.upper(p) - whole.upper(p) < Fraction(1, 2**60)


# The bags


def test_a_bag_draws_every_row_alike() -> None:
    generator = randomness.generators(0, range(1))[0]
    bag = Bagging(120_000).draw(torch.zeros(7), [generator])[0]
    assert stats.chisquare(np.bincount(bag.numpy(), minlength=7)).pvalue > 1e-4
    pairs = np.bincount((7 * bag[::2] + bag[1::2]).numpy(), minlength=49)
    assert stats.chisquare(pairs).pvalue > 1e-4  # rows of one bag are drawn independently


BAGS = {
    "rows alone": Smoothing(rows=Bagging(20)),
    "few rows": Smoothing(rows=Bagging(3)),
    "flips on both": Smoothing(rows=Bagging(25), features=Flip(0.7), labels=Flip(0.6, 3)),
    "few rows, flips on both": Smoothing(rows=Bagging(3), features=Flip(0.7), labels=Flip(0.6, 3)),
    "labels": Smoothing(rows=Bagging(40), labels=Flip(0.8, 3)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BAGS)
def test_sampled_sums_of_bags_have_the_law_of_bags(name: str) -> None:
    setting = problem(BAGS[name])
    fast = table(class_sums.sample_class_sums(setting, randomness.generators(1, range(MODELS))))
    plain = table(sample_rows(setting, randomness.generators(2, range(MODELS))))
    means, second, shapes = distances(fast, plain)
    assert means > 1e-3
    assert second < 1.7
    assert shapes > 1e-3


def test_the_comparison_sees_one_noise_for_all_copies_of_a_row() -> None:
    """A bag of rows that were noised before they were drawn has another law, which the certificate does not cover."""
    right = problem(Smoothing(rows=Bagging(60), labels=Flip(0.6, 3)))
    fast = table(class_sums.sample_class_sums(right, randomness.generators(1, range(MODELS))))
    streams = randomness.generators(2, range(MODELS))
    noised_first = Flip(0.6, 3).sample_many(right.y.expand(MODELS, -1), streams)
    bags = Bagging(60).draw(right.y, streams)
    members = torch.nn.functional.one_hot(noised_first.gather(1, bags), 3).float()
    drawn = class_sums.ClassSums(members.mT @ right.x[bags], members.sum(1))
    assert distances(fast, table(drawn))[1] > 1.7


def test_both_ways_to_add_up_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    setting = problem(Smoothing())
    bags = torch.randint(0, 30, (5, 3))
    y = torch.randint(0, 3, (5, 3))
    gathered = class_sums._bag_sums(setting, bags, y)
    twice = bags.repeat(1, 4), y.repeat(1, 4)  # long enough for weights
    weighted = class_sums._bag_sums(setting, *twice)
    assert torch.equal(4 * gathered[0], weighted[0])
    assert torch.equal(4 * gathered[1], weighted[1])


@pytest.mark.parametrize("learner", [Linear(), LDA(), MLP(hidden=(8,))], ids=["linear", "lda", "mlp"])
@pytest.mark.parametrize("features", [None, Flip(0.9)], ids=["rows", "rows and features"])
def test_every_learner_learns_from_bags(learner: object, features: Flip | None) -> None:
    digits = load("digits", side=8, classes=(0, 1), rows=200, points=30)
    smoothing = Smoothing(rows=Bagging(40), features=features, test=features)
    votes = collect(digits, smoothing, learner, digits.x_test, 64)
    again = collect(digits, smoothing, learner, digits.x_test, 96, resume=votes)
    assert np.array_equal(again.counts, collect(digits, smoothing, learner, digits.x_test, 96).counts)
    assert np.mean(votes.label == digits.y_test) > 0.9
    single = collect(digits, replace(smoothing, rows=Bagging(1)), learner, digits.x_test, 64)
    assert np.mean(single.label == digits.y_test) < np.mean(votes.label == digits.y_test)


# Certificates


def test_radius_in_rows() -> None:
    noise = Smoothing(rows=Bagging(10))
    found = radius(evidence([0.01, 0.3, 0.6]), noise, num_rows=1000)
    assert (found.norm, found.slots, found.max_radius) == ("rows", ("rows",), 1000)
    for slots in ("rows", ["rows"], ("rows",)):
        assert (radius(evidence([0.01, 0.3, 0.6]), noise, slots, num_rows=1000).radius == found.radius).all()
    for miss, r in zip([Fraction(1, 100), Fraction(3, 10)], found.radius, strict=False):
        assert Bagging(10).shift(int(r), 1000).certifies(miss)
        assert not Bagging(10).shift(int(r) + 1, 1000).certifies(miss)
    assert found.radius[2] == -1
    noised = replace(noise, features=Flip(0.8), labels=Flip(0.8))
    assert (radius(evidence([0.01, 0.3, 0.6]), noised, num_rows=1000).radius == found.radius).all()
    hidden = poisoned_rows(evidence([0.01, 0.3, 0.6]), noised, Threat(trigger=1, on_test=False), 1000)
    assert (hidden.radius >= found.radius).all()
    assert hidden.radius[0] > found.radius[0]


def test_test_noise_beside_bags_keeps_its_own_radius() -> None:
    noise = Smoothing(rows=Bagging(10), test=Gaussian(0.5))
    alone = radius(evidence([0.1]), Smoothing(test=Gaussian(0.5)))
    assert radius(evidence([0.1]), noise, slots="test").radius == alone.radius
    law = noise.tradeoff(Threat(rows=2, trigger=0.25), num_rows=100)
    assert law == overlap(Fraction(98, 100) ** 10) * Gaussian(0.5).shift(0.25)


@pytest.mark.parametrize(("size", "poisoned", "trigger"), [(20, 5, 0.25), (100, 50, 0.1), (5, 1, 2.0)])
def test_gaussian_noise_in_bags_is_above_the_true_mixture(size: int, poisoned: int, trigger: float) -> None:
    """The true law picks the number of poisoned rows and then shifts by it: its best event has one likelihood ratio."""
    rows, inside = 200, Smoothing(rows=Bagging(size), features=Gaussian(1.0))
    law = inside.tradeoff(Threat(poisoned, trigger, relabel=False, on_test=False), rows)
    weight = stats.binom(size, poisoned / rows).pmf(np.arange(size + 1))
    mu = np.sqrt(np.arange(1, size + 1)) * trigger
    checked = 0
    for t in np.linspace(-8, 8, 200):  # log of the ratio above which outcomes are in the event
        before = weight[0] * (t < 0) + weight[1:] @ stats.norm.sf(t / mu + mu / 2)
        after = weight[0] * (t < 0) + weight[1:] @ stats.norm.sf(t / mu - mu / 2)
        if 1e-9 < before < 1:
            checked += 1
            assert law.upper(float(before)) >= after - 1e-12
    assert checked > 20
    alone = Smoothing(rows=Bagging(size)).tradeoff(Threat(poisoned, trigger, relabel=False, on_test=False), rows)
    assert law.threshold() >= float(alone.threshold())
    if trigger < 0.5:
        assert law.threshold() > float(alone.threshold()) + 0.05  # what the noise adds to bags alone


@needs_vectors
def test_published_radii() -> None:
    cases = json.loads((Path(str(VECTORS)) / "papers.json").read_text())["bagging"]["cases"]
    for case in cases:
        # The paper bounds the runner-up at alpha / classes too; the conditions are compared, not the bounds.
        bounds = Bounds(np.array([case["label"]]), np.array([1 - case["pl"]]), np.array([case["ps"]]), case["alpha"])
        (found,) = radius(bounds, Smoothing(rows=Bagging(case["k"])), num_rows=case["n"]).radius
        assert min(found, 1500) == case["radius"]
        ours = simultaneous([case["counts"]], case["alpha"])
        if ours.label[0] == case["label"]:
            assert 1 - ours.miss[0] == pytest.approx(case["pl"], abs=1e-9)
    assert len(cases) >= 30


def test_the_radius_of_a_large_bag_is_quick() -> None:
    bounds = simultaneous([[1000 - k, k] for k in range(0, 400, 4)], 0.001)
    began = time.process_time()
    radius(bounds, Smoothing(rows=Bagging(100)), num_rows=60_000)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Bagging(0), "size is 0"),
        (lambda: Bagging(2.5), "size is 2.5"),
        (lambda: Bagging(np.nan), "size is nan"),
        (lambda: Bagging(5).shift(3), "num_rows="),
        (lambda: Bagging(5).shift(1.5, 10), r"1.5 rows changed, 0 inserted, 0 removed: give whole numbers"),
        (lambda: Bagging(5).shift(11, 10), "11 of 10 rows"),
        (lambda: Bagging(5).shift(0, 10, removed=10), "some rows must be left"),
        (lambda: radius(evidence(0.1), Smoothing(rows=Bagging(5))), "num_rows="),
        (lambda: certify(evidence(0.1), Smoothing(rows=Bagging(5)), Threat(2, on_test=False)), "num_rows="),
        (
            lambda: radius(evidence(0.1), Smoothing(rows=Bagging(5), features=Flip(0.8)), slots="features"),
            'slots="rows"',
        ),
        (lambda: Smoothing(features=Bagging(5)), r"give Smoothing\(rows=Bagging"),
        (lambda: Smoothing(rows=Flip(0.8)), "give Bagging"),
        (
            lambda: radius(evidence(0.1), Smoothing(test=Flip(0.8)), slots="rows"),
            "slot 'rows' carries no noise",
        ),
        (lambda: mixture([Fraction(11, 10)], [identity()]), "probabilities"),
        (lambda: mixture([Fraction(-1, 2), Fraction(1)], [identity()] * 2), "probabilities"),
        (lambda: mixture([Fraction(1, 2)], [identity()] * 2), "probabilities"),
        (lambda: mixture([Fraction(1)], [gaussian(1.0)]), r"gaussian\(mu=1.0\) has a Gaussian part"),
    ],
)
def test_bad_input_is_named(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


def test_a_mixture_of_long_denominators_is_rounded_to_the_attackers_side() -> None:
    """Whole bags with 4755-bit chances, others flipped: levels are rounded to 512 bits, and never upwards."""
    whole = Fraction(3**3000 // 3 + 1, 3**3000)
    law = mixture([whole, 1 - whole], [identity(), flips("4/5", 2, 1)])
    for p in (Fraction(1, 2), Fraction(2, 3), Fraction(9, 10)):
        first, rest = (
            (1 - whole) / 5,
            p - (1 - whole) / 5,
        )  # where a flipped value shows, and what is left of p
        exact = 4 * first + (rest if rest <= whole else whole + (rest - whole) / 4)
        assert exact <= law.upper(p) <= exact + Fraction(1, 2**500)
