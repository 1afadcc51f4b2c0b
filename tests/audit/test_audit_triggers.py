"""Certificates with a trigger under attack: all attacks on tiny worlds, and the worst that a search finds on digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest
from exhaustive_rows import exhaustive_rows

from rsbd import AnyPatch, AnyPixels, Bagging, Flip, Smoothing, Threat
from rsbd.audit import attack, exhaustive
from rsbd.audit.attempts import put_trigger
from rsbd.audit.changes import Attempt
from rsbd.audit.judges import Retrained, Target
from rsbd.audit.world import World, triggered
from rsbd.data import Dataset, load
from rsbd.evasion import AnyTrigger
from rsbd.learners import RobustLinear
from rsbd.noises import ClassBagging, Partition
from rsbd.recipes import pecan

F = Flip


def world(rows: int, shape: tuple[int, ...], classes: int = 2, values: int = 2) -> Dataset:
    x, y = np.zeros((rows, *shape), np.float32), np.arange(rows) * classes // rows
    return Dataset("tiny", x, y, x[:1], y[:1], tuple("abc"[:classes]), values)


def sums(x: np.ndarray, y: np.ndarray, point: np.ndarray) -> int:
    """Score each class by the sum of its rows, each feature counted as 1 or -1."""
    return int(np.argmax([(2 * x - 1)[y == c].sum(0) @ point for c in range(int(y.max(initial=0)) + 1)]))


def nearest(x: np.ndarray, y: np.ndarray, point: np.ndarray) -> int:
    return int(y[np.abs(x - point).sum(axis=1).argmin()]) if len(y) else 0


def divided(x: np.ndarray, y: np.ndarray, point: np.ndarray) -> int:
    """The nearest row's label; a part that does not hold two classes abstains."""
    return nearest(x, y, point) if len(set(y.tolist())) > 1 else -1


def brighter(x: np.ndarray, y: np.ndarray, point: np.ndarray) -> int:
    """The class with the brighter rows; where they are equally bright, the point decides."""
    light = [x[y == c].sum() for c in (0, 1)]
    return int(light[1] > light[0]) if light[0] != light[1] else int(point[0])


BAGS, LABELS = Smoothing(rows=Bagging(2)), Smoothing(labels=F("9/10"))
WORLDS: dict[str, tuple[Dataset, Smoothing, Threat]] = {
    "bags": (world(4, (1, 2)), BAGS, Threat(1, AnyPatch(1))),
    "bags, a known place": (world(4, (2, 1)), BAGS, Threat(1, AnyPatch(1, (1, 0)))),
    "bags, two of three pixels": (world(3, (3,)), Smoothing(rows=Bagging(1)), Threat(1, AnyPixels(2))),
    "bags, a colour pixel": (world(3, (2, 1, 1)), Smoothing(rows=Bagging(1)), Threat(1, AnyPatch(1))),
    "bags, three classes": (world(4, (1, 2), 3), Smoothing(rows=Bagging(1)), Threat(1, AnyPatch(1))),
    "bags by class": (world(6, (1, 1)), Smoothing(rows=ClassBagging(1, (3, 3))), Threat(1, AnyPatch(1))),
    "bags, no row": (world(4, (1, 2)), BAGS, Threat(0, AnyPatch(1))),
    "labels": (world(5, (1, 2)), LABELS, Threat(1, {"features": 0, "test": AnyPatch(1)})),
    "labels of three classes": (
        world(5, (2,), 3), Smoothing(labels=F("9/10", 3)), Threat(1, {"features": 0, "test": AnyPixels(1)})
    ),
    "features": (
        world(3, (1, 2)), Smoothing(features=F("9/10")), Threat(1, {"features": 1, "test": AnyPatch(1)}, relabel=False)
    ),
    "BagFlip": (
        world(3, (2,)),
        Smoothing(Bagging(2), F("9/10"), F("9/10")),
        Threat(1, {"features": 1, "test": AnyPixels(1)}),
    ),
    "BagFlip, rows wholly": (world(3, (2,)), Smoothing(Bagging(1), F("9/10"), F("9/10")), Threat(1, AnyPixels(1))),
}  # fmt: skip


@pytest.mark.parametrize("name", WORLDS)
def test_no_certificate_is_violated_by_any_rows_with_any_trigger(name: str) -> None:
    dataset, smoothing, threat = WORLDS[name]
    certified = robust = every = 0
    for rule in (sums, nearest, brighter) if dataset.num_classes == 2 else (sums, nearest):
        found = exhaustive(dataset, smoothing, rule, threat)
        assert found.violation is None, found.violation
        assert found.certified <= found.robust
        certified, robust, every = certified + found.certified, robust + found.robust, every + found.datasets
    assert 0 < certified <= robust < every
    if smoothing.rows == Bagging(1) and smoothing.features is None:
        assert certified == robust  # with bags of one row, all that is true is proved


def test_kept_votes_against_a_direct_sum() -> None:
    dataset, trigger = world(3, (1, 2), 3), AnyPatch(1)
    found = World(dataset, BAGS, sums, trigger)
    kept, reached = found.evidence
    rng = np.random.default_rng(0)
    for state in (tuple(int(rng.integers(size)) for size in found.sizes) for _ in range(50)):
        x, y, point = found.data(state)
        own, reach = [0] * 3, [0] * 3
        for bag in product(range(3), repeat=2):
            seen = {
                sums(x[list(bag)], y[list(bag)], np.array(p)) for p in product((0, 1), repeat=2)
                if (point != p).sum() <= 1
            }  # fmt: skip
            for c in range(3):
                own[c] += seen == {c}
                reach[c] += c in seen
        assert [int(kept[(c, *state)]) for c in range(3)] == own
        assert [int(reached[(c, *state)]) for c in range(3)] == reach


def test_all_versions_of_a_point_with_a_trigger() -> None:
    grey = world(1, (2, 2), values=3)
    for trigger, most in ((AnyPatch(1), 1), (AnyPixels(2), 2), (AnyPixels(1), 1)):
        found = {tuple(each.tolist()) for each in triggered(grey, trigger, (0.0, 0.5, 1.0, 1.0))}
        every = product((0.0, 0.5, 1.0), repeat=4)
        assert found == {p for p in every if (np.array(p) != (0.0, 0.5, 1.0, 1.0)).sum() <= most}
    placed = triggered(grey, AnyPatch(1, (1, 0)), (0.0, 0.5, 1.0, 1.0))
    assert [each.tolist() for each in placed] == [[0, 0.5, end, 1] for end in (1, 0, 0.5)]


def lowest_other(label: int) -> int:
    return 0 if label else 1


class LowestOther(Partition):
    """Takes the lowest-numbered other label for the runner-up."""

    def radius(self, labels: np.ndarray, num_classes: int, reached: np.ndarray) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[override]
        counts = [int((labels == c).sum()) for c in range(num_classes)]
        top = int(np.argmax(counts))
        moved = int((reached.sum(2) > 1).sum())
        second = lowest_other(top)
        lead = counts[top] - moved - counts[second] - (second < top)
        return np.array([top]), np.array([lead // 2 if lead >= 0 else -1])


def drawn(x: np.ndarray, y: np.ndarray, point: np.ndarray) -> int:
    """Return the label of the first row; for a bright row and a bright point, 0."""
    return 0 if x[0, 0] == 1 and point[0] == 1 else int(y[0])


def test_a_runner_up_that_is_the_lowest_other_label_is_found_out() -> None:
    dataset, smoothing, threat = world(4, (1, 1), 3), Smoothing(rows=Bagging(1)), Threat(1, AnyPatch(1))
    found = World(dataset, smoothing, drawn, AnyPatch(1))
    law, (kept, reached), (votes, total) = smoothing.tradeoff(threat, 4, AnyPatch(1)), found.evidence, found.smoothed

    def claims(second: Callable[[np.ndarray, int], int]) -> Callable[..., bool]:
        def claim(x: np.ndarray, y: np.ndarray, point: np.ndarray) -> bool:
            state = tuple(np.concatenate([x.ravel(), y, point]).astype(int).tolist())
            label = int(votes[(slice(None), *state)].argmax())
            other = second(reached[(slice(None), *state)], label)
            return law.certifies(Fraction(int(total - kept[(label, *state)]), total), Fraction(other, total))

        return claim

    right = exhaustive(dataset, smoothing, drawn, threat, claims(lambda all_, label: max(np.delete(all_, label))))
    assert right.violation is None
    assert right.certified == exhaustive(dataset, smoothing, drawn, threat).certified > 0
    wrong = exhaustive(dataset, smoothing, drawn, threat, claims(lambda all_, label: int(all_[lowest_other(label)])))
    assert wrong.certified > right.certified
    assert wrong.violation is not None
    (x, y, point), (new_x, new_y, new_point) = wrong.violation.centre, wrong.violation.attacked
    assert ((x != new_x).any(1) | (y != new_y)).sum() <= 1
    assert (point != new_point).sum() <= 1
    top = int(np.argmax(wrong.violation.before))
    assert wrong.violation.after[top] <= max(np.delete(wrong.violation.after, top))

    bright = world(3, (1, 1), 3, values=3).replace(x_test=np.ones((1, 1, 1), np.float32))
    for method, holds in ((Partition(7), True), (LowestOther(7), False)):
        tried = exhaustive_rows(bright, method, lambda *seen: drawn(*seen) if len(seen[1]) else -1, 1, AnyPatch(1))
        assert tried.certified > 0
        assert (tried.violation is None) == holds


def test_plain_votes_are_not_enough_against_a_trigger() -> None:
    dataset, smoothing, threat = world(4, (1, 1)), Smoothing(rows=Bagging(1)), Threat(1, AnyPatch(1))
    law, (votes, total) = (
        smoothing.tradeoff(threat, 4, AnyPatch(1)),
        World(dataset, smoothing, drawn, AnyPatch(1)).smoothed,
    )

    def claim(x: np.ndarray, y: np.ndarray, point: np.ndarray) -> bool:
        state = tuple(np.concatenate([x.ravel(), y, point]).astype(int).tolist())
        return law.certifies(Fraction(int(min(votes[(slice(None), *state)])), total))

    found = exhaustive(dataset, smoothing, drawn, threat, claim).violation
    assert found is not None
    assert (found.centre[2] != found.attacked[2]).sum() == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "trigger"),
    [
        (Bagging(1), AnyPixels(1)),
        (Bagging(2), AnyPatch(1)),
        (Partition(3), AnyPatch(1)),
        (Partition(3, 2), AnyPatch(1, (0, 1))),
    ],
    ids=str,
)
def test_rows_come_and_go_together_with_a_trigger(method: Bagging | Partition, trigger: AnyTrigger) -> None:
    certified = robust = 0
    for rule in (divided, sums) if isinstance(method, Partition) else (nearest, sums):
        found = exhaustive_rows(world(4, (1, 2)), method, rule, 1, trigger)
        assert found.violation is None, found.violation
        certified, robust = certified + found.certified, robust + found.robust
    assert 0 < certified <= robust
    assert str(trigger) in found.sentence


def test_the_search_finds_the_worst_of_all_triggers() -> None:
    small = load("digits", side=8, classes=(0, 1), rows=100, points=4)
    ask = Retrained(Smoothing(rows=ClassBagging.of(small)), RobustLinear())
    shares, found = ask(small, small.x_test, 64, 1), 0
    for point in range(4):
        label, x = int(shares[point].argmax()), small.x_test[point].ravel()
        target = Target(
            small, ask.smoothing, ask, small.x_test[point][None], label, 1 - label, "rows", ("rows",), 1
        )  # fmt: skip

        def choose(made: list[Attempt], label: int = label) -> Attempt:
            return made[int(ask(small, np.concatenate([each.x for each in made]), 64, 1)[:, label].argmin())]

        for trigger in (AnyPatch(2), AnyPixels(2)):
            best = put_trigger(target, Attempt("nothing", small, target.x), trigger, choose)
            groups, changes = trigger.groups((8, 8))
            spots = [groups[list(some)].ravel() for some in combinations(range(len(groups)), changes)]
            assert any(set(np.flatnonzero(best.x.ravel() != x)) <= set(spot.tolist()) for spot in spots)
            every = []
            for spot in spots:
                made = np.tile(x, (2 ** len(spot), 1))
                made[:, spot] = list(product((0, 1), repeat=len(spot)))
                every.append(made)
            worst = ask(small, np.concatenate(every).reshape(-1, 8, 8), 64, 1)[:, label].min()
            mine = ask(small, best.x, 64, 1)[0, label]
            assert worst <= mine <= worst + 0.02
            found += mine == worst
    assert found >= 7


@pytest.mark.slow
def test_the_attack_that_was_planted_changes_no_certified_prediction_and_others_it_does() -> None:
    """Ten rows of 204 at will and any 3x3 patch; both are sought, and put into practice."""
    digits = load("digits", classes=(0, 1))
    result = pecan(digits, AnyPatch(3), bag=ClassBagging.of(digits), num_models=800)
    certificate, setting = result.certificate, {"num_models": 500, "scouts": 64, "seed": 5}
    ten = replace(certificate, label=result.bounds.label, radius=np.full_like(certificate.radius, 10))
    order = np.argsort(certificate.radius, kind="stable")
    held, lost = order[certificate.radius[order] >= 10], order[:1]
    report = attack(digits, result.smoothing, RobustLinear(), ten, held[:2], **setting)
    assert not report.broken, report.findings
    assert "(rows, and any 3x3 patch anywhere)" in report.sentence
    assert all(finding.after < finding.before - 0.1 for finding in report.findings)
    assert all("; a trigger on the point" in finding.attack for finding in report.findings)
    assert attack(digits, result.smoothing, RobustLinear(), ten, lost, **{**setting, "scouts": 256}).broken == 1
