"""Notebook 07: its data, the scores of a model on noisy copies, their pictures, and the self-checks."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from scipy.special import betaincinv

from rsbd.bounds import dkw
from rsbd.certify.confidence import measured
from rsbd.course.lessons.data_and_attacks import part_of
from rsbd.course.lessons.self_check import HINTS, Verdict, judge_number, read_number, self_check, verdict
from rsbd.data import Dataset
from rsbd.ensemble.one_model import FixedModel
from rsbd.errors import InputError
from rsbd.learners import LDA
from rsbd.noises import Gaussian
from rsbd.plots import BLUE, INK, VERMILLION, draw_curves, name_axes, new_axes
from rsbd.tradeoff import Tradeoff
from rsbd.types import AnyFloats, Floats, Ints

_SELECTION = 100  # noisy copies that select the class


def gray_digits(name: str = "digits") -> Dataset:
    """Load all ten digits with gray pixels, few enough images for live work.

    Examples
    --------
    >>> gray_digits().num_classes
    10
    """
    return part_of(name, "unit", digits={"rows": 500, "points": 200}, mnist={"rows": 1000, "points": 200})


@dataclass(frozen=True)
class Asked:
    """The answers of one model on noisy copies of every test image.

    Attributes
    ----------
    label : array of int, (points,)
        The class with the largest average score, selected by other copies.
    votes : array, (points,)
        Share of the copies on which this class had the largest score.
    scores : array, (points, copies)
        Score of this class on each copy.
    """

    label: Ints
    votes: Floats
    scores: AnyFloats

    @property
    def average(self) -> AnyFloats:
        """Return the average score of each test image."""
        return np.asarray(self.scores.mean(axis=1))

    def twins(self, clear: float = 0.8) -> tuple[int, int]:
        """Return two images with equal votes, at least ``clear``, whose averages differ most: the sure one first."""
        averages, votes = self.average, np.round(self.votes, 2)
        pairs = []
        for share in np.unique(votes[votes >= clear]):
            same = np.flatnonzero(votes == share)
            high, low = int(same[averages[same].argmax()]), int(same[averages[same].argmin()])
            pairs.append((float(averages[high] - averages[low]), high, low))
        if not pairs:
            raise InputError(f"no image has {clear:.0%} of the votes", "lower sigma, or clear")
        return max(pairs)[1:]


def ask(dataset: Dataset, sigma: float, copies: int = 1000, seed: int = 0) -> Asked:
    """Train one model, and ask it about noisy copies of every test image.

    Examples
    --------
    >>> asked = ask(gray_digits(), sigma=0.5, copies=100)
    >>> asked.scores.shape
    (200, 100)
    """
    model = FixedModel.train(dataset, Gaussian(sigma), LDA(), seed, "cpu")
    draws = np.concatenate(list(model.confidences(dataset.x_test, range(_SELECTION + copies))))
    label, kept = draws[:_SELECTION].sum(axis=0).argmax(axis=1).astype(np.int64), draws[_SELECTION:]
    return Asked(label, np.mean(kept.argmax(axis=2) == label, axis=0), measured(kept, label))


def by_hand(scores: Sequence[Fraction | str | float], law: Tradeoff) -> tuple[Fraction, Fraction]:
    """Return lower bounds on the average of these scores after an attack: from all scores, and from their average.

    Examples
    --------
    >>> from rsbd import Flip
    >>> [str(bound) for bound in by_hand(["0.2", "0.4", "0.6", "0.8", "1"], Flip("4/5").shift(1))]
    ['3/10', '3/20']
    """
    gaps, shares, average = _levels(scores)
    whole = sum((gap * law.lower(share) for gap, share in zip(gaps, shares, strict=True)), Fraction(0))
    return whole, law.lower(average)


def _levels(scores: Sequence[Fraction | str | float]) -> tuple[list[Fraction], list[Fraction], Fraction]:
    """Return the steps between ascending scores, the shares of scores that reach each step, and the average score."""
    ordered = sorted(Fraction(str(score)) for score in scores)
    gaps = [b - a for a, b in zip([Fraction(0), *ordered], ordered, strict=False)]
    shares = [Fraction(left, len(ordered)) for left in range(len(ordered), 0, -1)]
    return gaps, shares, sum(ordered, Fraction(0)) / len(ordered)


def draw_scores(scores: Sequence[Floats], names: Sequence[str]) -> Axes:
    """Draw the scores of two images as histograms."""
    ax, bins = new_axes(9, 4), np.linspace(0, 1, 41)
    shares = {name: np.histogram(some, bins)[0] / len(some) for some, name in zip(scores, names, strict=True)}
    draw_curves(ax, bins[:-1] + 0.0125, shares, drawstyle="steps-mid")
    return name_axes(ax, "score of the answer on a noisy copy", "share of the copies", xlim=(0, 1), ylim=(0, None))


def draw_levels(scores: Sequence[float], law: Tradeoff) -> Axes:
    """Draw the share of scores that reach each threshold, before and after an attack; the areas are the averages."""
    gaps, shares, average = _levels(scores)
    whole, naive = map(float, by_hand(scores, law))
    edges, reached = np.cumsum([0, *map(float, gaps)]), [float(share) for share in shares]
    kept = [float(law.lower(share)) for share in shares]
    ax = new_axes(9, 4.5)
    ax.stairs(reached, edges, color=INK, linewidth=2, label=f"before: average = {float(average):.2f}")
    ax.stairs(kept, edges, color=BLUE, fill=True, alpha=0.3, label=f"after: at least {whole:.2f}")
    ax.stairs(kept, edges, color=BLUE, linewidth=3)
    ax.axhline(naive, color=VERMILLION, linestyle="--", linewidth=2, label=f"naive: {naive:.2f}")
    return name_axes(ax, "threshold s", "share with score of at least s", xlim=(0, 1), ylim=(0, 1.05))


def check_by_hand(answer: Any, scores: Sequence[str], law: Tradeoff) -> Verdict:
    """Check a bound on the average that was computed level by level.

    Examples
    --------
    >>> from rsbd import Flip
    >>> check_by_hand(0.16, ["0.2", "0.5", "0.6", "0.9", "1"], Flip("4/5").shift(1))
    Not yet. That pushes the average through the trade-off: the naive bound. Push every level by itself.
    """
    whole, naive = by_hand(scores, law)
    gaps, shares, average = _levels(scores)
    kept = [law.lower(share) for share in [*shares, Fraction(0)]]
    mistakes = {
        "naive": naive,
        "average": average,
        "beyond": sum((gap * after for gap, after in zip(gaps, kept[1:], strict=True)), Fraction(0)),
        "even": sum(kept[:-1], Fraction(0)) / len(gaps),
    }
    return judge_number(answer, whole, HINTS["check_by_hand"], mistakes, whole=float(whole), naive=float(naive))


@self_check
def check_agree(answer: Any, law: Tradeoff, average: str = "0.6", count: int = 5) -> Verdict:
    """Check scores for which the naive bound is as good as the one from the whole distribution.

    Examples
    --------
    >>> from rsbd import Flip
    >>> check_agree([0, 0, 1, 1, 1], Flip("4/5").shift(1)).passed
    True
    """
    hints = HINTS["check_agree"]
    read = [read_number(score) for score in answer] if isinstance(answer, Sequence) else [None]
    scores = [score for score in read if score is not None]
    if len(scores) < len(read):
        return verdict(hints, "no_list", answer=answer)
    if len(scores) != count or not all(0 <= score <= 1 for score in scores):
        return verdict(hints, "scores", count=count)
    found = sum(scores, Fraction(0)) / count
    if found != Fraction(average):
        return verdict(hints, "average", found=float(found), average=average)
    whole, naive = by_hand(scores, law)
    if whole == naive:
        case = "right" if set(scores) <= {0, 1} else "right_here"
    else:
        case = "equal" if len(set(scores)) == 1 else "close"
    return verdict(hints, case, whole=float(whole), naive=float(naive))


def band_breaks(copies: int, alpha: float, runs: int = 2000, seed: int = 0) -> tuple[float, float]:
    """Return how often a bound on a whole curve fails at some threshold: the band, and a separate bound at each.

    Examples
    --------
    >>> band, each = band_breaks(50, 0.1, runs=500)
    >>> band < 0.13 < each
    True
    """
    # A change of scale makes any continuous distribution uniform; then the true curve is 1 - s.
    draws = np.sort(np.random.default_rng(seed).random((runs, copies)), axis=1)
    rank = np.arange(copies)
    reached, true = (copies - rank) / copies, 1 - draws
    band = np.any(reached - dkw(copies, alpha) > true, axis=1)
    each = np.any(betaincinv(copies - rank, rank + 1, alpha) > true, axis=1)  # Clopper and Pearson's
    return float(band.mean()), float(each.mean())
