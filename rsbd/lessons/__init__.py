"""What the notebooks need beside the library: guesses that are kept, self-checks with hints, pictures with words.

A notebook cell stays a few lines long because the rest is here, typed and tested.
"""

from __future__ import annotations

from rsbd.lessons.exercises import (
    check_attack,
    check_budget,
    check_claim,
    check_miss,
    check_noise,
    check_votes,
)
from rsbd.lessons.partitions import (
    check_bag_misses,
    check_dpa_radius,
    check_parts,
    check_trigger_claim,
    proved,
)
from rsbd.lessons.pictures import misses_and_limits
from rsbd.lessons.prediction import Prediction, miss, predict
from rsbd.lessons.show import falls, figure, say, still, table
from rsbd.lessons.steps import Watched, fooled, noised, two_digits, watch
from rsbd.lessons.stored import Stored, stored
from rsbd.lessons.verdict import Verdict, judge
from rsbd.lessons.worst_checks import check_first, check_reach, check_tight, check_worst

__all__ = [
    "Prediction",
    "Stored",
    "Verdict",
    "Watched",
    "check_attack",
    "check_bag_misses",
    "check_budget",
    "check_claim",
    "check_dpa_radius",
    "check_first",
    "check_miss",
    "check_noise",
    "check_parts",
    "check_reach",
    "check_tight",
    "check_trigger_claim",
    "check_votes",
    "check_worst",
    "falls",
    "figure",
    "fooled",
    "judge",
    "miss",
    "misses_and_limits",
    "noised",
    "predict",
    "proved",
    "say",
    "still",
    "stored",
    "table",
    "two_digits",
    "watch",
]
