"""Notebook 08: what partitions and bags prove against a threat, and the self-checks."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from rsbd.course.lessons.self_check import HINTS, Mistakes, Verdict, judge_number, self_check, verdict
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.noises import Partition, Threat
from rsbd.recipes import dpa
from rsbd.recipes.certified import Certified
from rsbd.recipes.dpa import Parted
from rsbd.words import count, percent

_MOST_PARTS = 200  # more are not needed, and take long


def check_dpa_radius(answer: Any, votes: Sequence[int]) -> Verdict:
    """Check how many inserted or removed rows a vote of a partition survives.

    Examples
    --------
    >>> check_dpa_radius(4, votes=[3, 11])
    Not yet. That would do for the lower label. At a tie the lower label wins, and here it is the rival.
    """
    labels = np.repeat(np.arange(len(votes)), votes)[:, None]
    top, found = (int(v[0]) for v in Partition(len(labels)).radius(labels, len(votes)))
    others = [v for label, v in enumerate(votes) if label != top]
    lead, tie = votes[top] - max(others), any(v == max(others) for v in votes[:top])
    mistakes: Mistakes = {
        "lower_label": lead // 2,
        "lead": lead,
        "tie": lead - 1,
        "changed": found // 2,
        "half": votes[top] // 2,
        "unrounded": Fraction(lead - tie, 2),
        "above": found + 1,
    }
    words = {"lead": lead, "tie": ", less 1 for the tie" if tie else ""}
    return judge_number(answer, found, HINTS["check_dpa_radius"], mistakes, words)


@self_check
def check_parts(answer: Any, dataset: Dataset, rows: int, share: float) -> Verdict:
    """Check that a number of parts certifies enough test images against changed rows, by training the models.

    Parameters
    ----------
    answer : object
        The number of parts.
    dataset : Dataset
        The training rows and the test images.
    rows : int
        Number of rows that the attacker changes.
    share : float
        Certified accuracy to reach.

    Examples
    --------
    >>> from rsbd import load
    >>> digits = load("digits", classes=(0, 1), points=20)
    >>> check_parts(10, digits, rows=5, share=0.9)
    Not yet. Even if all 10 models agree, no more than 2 changed rows can be certified: deal out more parts.
    """
    hints = HINTS["check_parts"]
    try:
        parts = int(answer)
        best = int(Partition(parts).radius(np.zeros((parts, 1), np.int64), 2)[1][0]) // 2
    except (TypeError, ValueError, OverflowError, InputError):
        return verdict(hints, "no_number", answer=answer)
    if parts != answer or parts > _MOST_PARTS:
        return verdict(hints, "not_here", answer=answer, most=_MOST_PARTS)
    if best < rows:
        return verdict(hints, "few_parts", parts=parts, best=count(best, "changed row"))
    result = dpa(dataset, parts)
    found = result.changed.accuracy(dataset.y_test, rows)
    words = {
        "parts": parts,
        "found": percent(found),
        "rows": count(rows, "changed row"),
        "learned": count(round(dataset.num_rows / parts), "row"),
        "alone": percent(float((result.labels == dataset.y_test).mean())),
    }
    return verdict(hints, "right" if found >= share else "unanimous" if parts < 5 * rows else "unclear", **words)


def check_bag_misses(answer: Any, size: int, poisoned: int, num_rows: int) -> Verdict:
    """Check the probability that a bag, drawn with replacement, holds no poisoned row.

    Examples
    --------
    >>> check_bag_misses(0.75, size=2, poisoned=1, num_rows=4)
    Not yet. That is one draw. A bag is drawn anew 2 times.
    >>> check_bag_misses((1 - 1 / 4) ** 2, size=2, poisoned=1, num_rows=4).passed
    True
    """
    clean = num_rows - poisoned
    misses = (clean / num_rows) ** size
    mistakes = {
        "one_draw": clean / num_rows,
        "hit": 1 - misses,
        "subtracted": 1 - size * poisoned / num_rows,
        "without_replacement": float(np.prod([(clean - i) / (num_rows - i) for i in range(min(size, num_rows))])),
        "exchanged": (1 - size / num_rows) ** poisoned,
    }
    texts = HINTS["check_bag_misses"]
    return judge_number(answer, misses, texts, mistakes, {"size": size, "clean": clean, "num_rows": num_rows})


def proved(found: Certified | Parted, dataset: Dataset, threat: Threat) -> float | str:
    """Return the share of test images that are right and certified against a threat, for a cell of a table.

    It is "not covered" if the trigger is on the test image and the test input carries no noise. If whole rows are
    hidden, the size of the trigger on them does not matter.

    Examples
    --------
    >>> from rsbd import load
    >>> digits = load("digits", classes=(0, 1), points=20)
    >>> result = dpa(digits, parts=30)
    >>> proved(result, digits, Threat(rows=2, trigger=25, on_test=False)), proved(result, digits, Threat(2, 1))
    (0.95, 'not covered')
    """
    if threat.on_test and (isinstance(found, Parted) or found.smoothing.test is None):
        return "not covered"
    if isinstance(found, Parted):
        return found.changed.accuracy(dataset.y_test, threat.rows)
    wholly = found.smoothing.features is None
    held = found.certify(Threat(threat.rows, on_test=False) if wholly else threat)
    return float(np.mean(held & (found.bounds.label == dataset.y_test)))
