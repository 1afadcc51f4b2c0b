"""Notebook 08: what partitions and bags prove against a threat, in all and by class, and the self-checks."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from rsbd.course.lessons.self_check import HINTS, Verdict, is_number, judge_choice, judge_number, self_check, verdict
from rsbd.data import Dataset
from rsbd.noises import Partition, Threat
from rsbd.recipes import dpa
from rsbd.recipes.dpa import Parted
from rsbd.recipes.result import Certified
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
    words = {"lead": lead, "tie": ", less 1 for the tie" if tie else ""}
    mistakes: dict[str, Any] = {
        "lower_label": lead // 2,
        "lead": (lead, lead - 1),
        "changed": found // 2,
        "half": votes[top] // 2,
        "unrounded": Fraction(lead - tie, 2),
        "above": found + 1,
    }
    return judge_number(answer, found, HINTS["check_dpa_radius"], mistakes, **words)


@self_check
def check_parts(answer: Any, dataset: Dataset, rows: int, share: float) -> Verdict:
    """Check on practice points that a number of parts certifies enough; if it does, certify the test points once.

    Parameters
    ----------
    answer : object
        The number of parts.
    dataset : Dataset
        The training rows, some of which become practice points, and the test images.
    rows : int
        Number of rows that the attacker changes.
    share : float
        Certified accuracy to reach on the practice points.

    Examples
    --------
    >>> from rsbd import load
    >>> digits = load("digits", classes=(0, 1), points=20)
    >>> check_parts(10, digits, rows=5, share=0.9)
    Not yet. Even if all 10 models agree, no more than 2 changed rows can be certified: deal out more parts.
    """
    hints = HINTS["check_parts"]
    if not is_number(answer) or answer % 1 or not 1 <= answer <= _MOST_PARTS:
        return verdict(hints, "no_number", answer=answer, most=_MOST_PARTS)
    parts = int(answer)
    best = int(Partition(parts).radius(np.zeros((parts, 1), np.int64), 2)[1][0]) // 2
    if best < rows:
        return verdict(hints, "few_parts", parts=parts, best=count(best, "changed row"))

    def certified(data: Dataset) -> tuple[Parted, float]:
        dealt = dpa(data, parts)
        return dealt, dealt.changed.accuracy(data.y_test, rows)

    held_out = dataset.hold_out()
    tried, found = certified(held_out)
    words = {"parts": parts, "rows": count(rows, "changed row"), "found": percent(found), "share": percent(share)}
    if found < share:
        words["learned"] = count(round(held_out.num_rows / parts), "row")
        words["alone"] = percent(float((tried.labels == held_out.y_test).mean()))
        words["turned"] = str(2 * rows)
        return verdict(hints, "close" if parts < 8 * rows else "unclear", **words)  # close: few votes beside the lead
    return judge_choice(hints, (dataset, rows), parts, lambda: certified(dataset)[1], **words)


def check_bag_rows(answer: Any, size: int, num_rows: int) -> Verdict:
    """Check against how many changed rows a vote of bags can be certified if all bags agree.

    Examples
    --------
    >>> check_bag_rows(7, size=20, num_rows=204)
    Not yet. One too many: only 49.7 % of the bags contain none of that many poisoned rows.
    """
    most = max(rows for rows in range(num_rows) if (1 - rows / num_rows) ** size > 0.5)
    mistakes = {"above": most + 1, "added": num_rows // (2 * size), "one_draw": num_rows // 2, "size": size // 2}
    clean, next_clean = (f"{100 * (1 - rows / num_rows) ** size:.1f} %" for rows in (most, most + 1))
    words = {"clean": clean, "next_clean": next_clean, "size": size}
    return judge_number(answer, most, HINTS["check_bag_rows"], mistakes, **words)


def proved(found: Certified | Parted, dataset: Dataset, threat: Threat) -> list[float | str]:
    """Return the share that is right and certified against a threat, of all test images and of each class.

    It is "not covered" if the trigger is on the test image and the test input carries no noise. If whole rows are
    hidden, the size of the trigger on them does not matter.

    Examples
    --------
    >>> from rsbd import load
    >>> digits = load("digits", classes=(0, 1), points=20)
    >>> result = dpa(digits, parts=30)
    >>> proved(result, digits, Threat(rows=2, trigger=25, on_test=False))[0], proved(result, digits, Threat(2, 1))[0]
    (0.95, 'not covered')
    """
    if threat.on_test and (isinstance(found, Parted) or found.smoothing.test is None):
        return ["not covered"] * (1 + dataset.num_classes)
    if isinstance(found, Parted):
        label, held = found.changed.label, found.changed.radius >= threat.rows
    else:
        wholly = found.smoothing.features is None
        label, held = found.bounds.label, found.certify(Threat(threat.rows, on_test=False) if wholly else threat)
    right = held & (label == dataset.y_test)
    return [float(right.mean()), *(float(right[dataset.y_test == c].mean()) for c in range(dataset.num_classes))]
