"""Notebook 08: what partitions and bags prove against a threat, and the self-checks."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from rsbd.course.lessons.self_check import Verdict, judge_number, not_yet, self_check
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
    return judge_number(
        answer,
        found,
        f"The lead of {lead}{', less 1 for the tie' if tie else ''}, halved and rounded down.",
        (lead // 2, "That would do for the lower label. At a tie the lower label wins, and here it is the rival."),
        (
            lead,
            "That is the lead in votes. A row that is put in one part can turn that vote round: what does that do "
            "to the lead?",
        ),
        (lead - 1, "The tie is thought of. But a vote that turns round takes 2 from the lead."),
        (
            found // 2,
            "That counts rows that are changed, which are in and out at once. The question is about rows that are "
            "only inserted or removed.",
        ),
        (votes[top] // 2, "Half of the winner's votes: the attacker needs only to close the gap to the runner-up."),
        (Fraction(lead - tie, 2), "Rows are whole: round down."),
        (found + 1, "One too many: with so many rows the rival draws level, and look who wins a tie."),
        otherwise="Each row turns one vote: one less for the winner, one more for the rival. When does the rival win?",
    )


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
    try:
        parts = int(answer)
        best = int(Partition(parts).radius(np.zeros((parts, 1), np.int64), 2)[1][0]) // 2
    except (TypeError, ValueError, OverflowError, InputError):
        return not_yet(f"{answer!r} is no number of parts: give a whole number, at least 1.")
    if parts != answer or parts > _MOST_PARTS:
        return not_yet(f"{answer!r} is no number of parts here: give a whole number up to {_MOST_PARTS}.")
    if best < rows:
        return not_yet(
            f"Even if all {parts} models agree, no more than {count(best, 'changed row')} can be certified: deal out "
            "more parts."
        )
    result = dpa(dataset, parts)
    found, alone = (result.changed.accuracy(dataset.y_test, rows), float((result.labels == dataset.y_test).mean()))
    said = f"With {parts} parts {percent(found)} are right and certified against {count(rows, 'changed row')}"
    if found >= share:
        return Verdict(True, f"{said}.")
    if parts < 5 * rows:
        return not_yet(
            f"{said}: there is hardly a vote to spare, so models must be unanimous. Deal out some more parts."
        )
    learned = dataset.num_rows / parts
    return not_yet(
        f"{said}: a model learns from about {count(round(learned), 'row')} and is alone right for {percent(alone)} of "
        "the test images, so the votes are not clear enough. Give each model more rows."
    )


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
    without = float(np.prod([(clean - i) / (num_rows - i) for i in range(size)])) if size <= num_rows else 0.0
    return judge_number(
        answer,
        misses,
        f"Each of the {size} draws misses them with probability {clean}/{num_rows}, whatever the others did.",
        (clean / num_rows, f"That is one draw. A bag is drawn anew {size} times."),
        (1 - misses, "That is the probability that the bag holds at least one of them."),
        (
            1 - size * poisoned / num_rows,
            "To subtract for every draw counts a bag twice that draws two poisoned rows. Multiply the "
            "probabilities of missing instead.",
        ),
        (without, "That is for drawing without replacement. Here each row is put back before the next draw."),
        (
            (1 - size / num_rows) ** poisoned,
            "Size and poisoned rows are exchanged: a bag makes so many draws as it has rows.",
        ),
        otherwise="One draw misses the poisoned rows with probability 1 - poisoned / rows; all draws must miss. Give "
        "it with at least six decimals, or as an expression.",
    )


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
    (1.0, 'not covered')
    """
    if threat.on_test and (isinstance(found, Parted) or found.smoothing.test is None):
        return "not covered"
    if isinstance(found, Parted):
        return found.changed.accuracy(dataset.y_test, threat.rows)
    wholly = found.smoothing.features is None
    held = found.certify(Threat(threat.rows, on_test=False) if wholly else threat)
    return float(np.mean(held & (found.bounds.label == dataset.y_test)))
