"""The plane panel: its circle is the recipe's, and the promise that it shows is kept in this world."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import beta, norm

from rsbd.errors import InputError
from rsbd.panels import SyncRunner, plane
from rsbd.panels.plane import draw_plane
from rsbd.panels.plane.compute import (
    CLASSES,
    SELECTION_COPIES,
    WORLD,
    PlaneParams,
    PlaneResult,
    compute_plane,
    true_border,
)


def found(**settings: object) -> PlaneResult:
    return compute_plane(PlaneParams(**settings))


@pytest.mark.parametrize("sigma", [0.05, 0.3, 2.0])
def test_the_radius_is_that_of_the_paper(sigma: float) -> None:
    seen = found(sigma=sigma)
    votes, number = seen.counts[CLASSES.index(seen.label)], sum(seen.counts)
    p_a = beta.ppf(0.001, votes, number - votes + 1)  # Clopper and Pearson
    assert seen.p_a == pytest.approx(p_a, abs=1e-6)
    assert seen.radius == pytest.approx(sigma * norm.ppf(p_a), abs=1e-5)


def test_few_votes_abstain() -> None:
    seen = found(samples=10, sigma=0.6)
    assert seen.radius < 0
    assert "ABSTAIN" in draw_plane(seen).sentence
    assert "ABSTAIN" in draw_plane(seen).svg
    assert "no circle" in draw_plane(seen).alt


def test_the_label_is_picked_by_other_votes() -> None:
    # Where the two classes are about equally probable, the picks and the majorities differ now and then.
    x, y = true_border(WORLD, 0.5)[0][0]
    seen = [found(x=x, y=y, samples=SELECTION_COPIES, sigma=0.5, seed=seed) for seed in range(20)]
    assert any(s.share < 0.5 for s in seen)


def test_a_minority_of_the_votes_is_explained_by_the_copies_that_picked() -> None:
    seen = found(sigma=0.8)
    assert seen.share < 0.5
    assert f"100 noisy copies picked B, and {seen.counts[1]} of 1,000 other" in draw_plane(seen).sentence


def test_more_copies_begin_with_those_of_fewer() -> None:
    few, many = found(samples=100), found(samples=1000)
    assert (few.copies == many.copies[:100]).all()
    assert (found(seed=1).copies != many.copies).any()


def test_regions_and_outlines_agree() -> None:
    outline = WORLD.rings()[0]
    assert (WORLD.labels(outline[::20] * 0.97) == 0).mean() > 0.9  # one of the holes may come near
    assert (WORLD.labels(outline * 1.02) == 1).all()
    for (x, y, size), ring in zip(WORLD.spots, WORLD.rings()[1:], strict=True):
        inside, outside = WORLD.labels([(x, y), (x + 1.2 * size, y)])
        assert inside != outside
        assert np.hypot(ring[:, 0] - x, ring[:, 1] - y) == pytest.approx(size)


def test_holes_turn_the_other_way() -> None:
    def turning(ring: np.ndarray) -> float:
        x, y = ring.T
        return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))

    outline, *spots = WORLD.rings()
    for (x, y, _), ring in zip(WORLD.spots, spots, strict=True):
        assert (turning(ring) * turning(outline) < 0) == (math.hypot(x, y) < 1)


def test_at_the_drawn_border_both_answers_are_equally_probable() -> None:
    (line,) = (b for b in true_border(WORLD, 0.3) if len(b) > 40)
    for point in line[:: len(line) // 6]:
        _, labels = WORLD.votes(tuple(point), 0.3, (0,), 40_000)
        assert labels.mean() == pytest.approx(0.5, abs=0.02)


def test_the_circle_never_crosses_the_border() -> None:
    """The panel's point: a promise about a function that nobody can see, kept."""
    lines = np.concatenate(true_border(WORLD, 0.3))
    for x, y in np.random.default_rng(0).uniform(-1.5, 1.5, (40, 2)):
        seen = found(x=x, y=y)
        assert np.hypot(*(lines - (x, y)).T).min() > seen.radius - 0.01  # the grid's step


def test_the_base_classifier_varies_inside_the_circle() -> None:
    seen = found(x=0.3, y=-0.25)
    hole = WORLD.spots[0]
    assert math.dist((seen.params.x, seen.params.y), hole[:2]) < seen.radius
    assert WORLD.labels(hole[:2]) != WORLD.labels((seen.params.x, seen.params.y))


def test_large_noise_certifies_the_other_answer() -> None:
    seen = found(sigma=2.0)
    assert (seen.base, seen.label) == ("A", "B")
    assert seen.radius > found().radius
    assert "no dashed line" in draw_plane(seen).svg


def test_numbers_are_rounded_down() -> None:
    assert "99.9 %" in draw_plane(found(x=2.0, y=2.0, sigma=0.05, samples=100_000)).svg


def test_errors_name_the_remedy() -> None:
    with pytest.raises(InputError, match="no setting 'n'"):
        plane(n=3, runner=SyncRunner())
    with pytest.raises(InputError, match="sigma above 0"):
        plane(sigma=0, runner=SyncRunner())
    with pytest.raises(InputError, match="outside this panel's range"):
        plane(x=5.0, runner=SyncRunner())
