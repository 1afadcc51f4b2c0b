"""What the notebooks need beside the library: guesses that are kept, self-checks with hints, pictures with words.

A notebook cell stays a few lines long because the rest is here, typed and tested.
"""

from __future__ import annotations

from rsbd.course.lessons.n00_start_here import (
    check_attack,
    check_budget,
    check_claim,
    check_miss,
    check_noise,
    check_votes,
)
from rsbd.course.lessons.n01_attacks import by_class, fewest, filtered, looks_for, some_calls, success_rate, ten_digits
from rsbd.course.lessons.n01_attacks_checks import check_faint, check_fewest, check_hidden, check_success_rate
from rsbd.course.lessons.n02_plane import (
    around,
    broken,
    draw_radius_by_sigma,
    draw_radius_by_votes,
    most_radius,
    peeking,
    plane_radius,
    plane_votes,
)
from rsbd.course.lessons.n02_plane_checks import check_abstain, check_circle, check_enough, check_radius
from rsbd.course.lessons.n03_worst_checks import check_first, check_reach, check_tight, check_worst
from rsbd.course.lessons.n05_rab import check_covered, check_models, check_per_image, check_sigma
from rsbd.course.lessons.n06_label_flips import (
    certified_share,
    check_closed_form,
    check_flip_claim,
    check_most_noise,
    check_penalty,
    radii_by_miss,
)
from rsbd.course.lessons.n06_label_flips_pictures import draw_chernoff, draw_flips, draw_radii
from rsbd.course.lessons.n07_confidence import (
    ask,
    band_breaks,
    by_hand,
    check_agree,
    check_by_hand,
    check_confidence_claim,
    check_copies,
    gray_digits,
)
from rsbd.course.lessons.n07_confidence_pictures import draw_bounds, draw_levels, draw_scores
from rsbd.course.lessons.n08_partitions import (
    check_bag_misses,
    check_dpa_radius,
    check_parts,
    check_trigger_claim,
    proved,
)
from rsbd.course.lessons.n09_comparison import best, cells, changes, compared, facing, fallen, held, who_faces
from rsbd.course.lessons.n09_comparison_checks import check_combination, check_facing, check_length, check_limit_claim
from rsbd.course.lessons.n09_comparison_pictures import by_rows, draw_methods
from rsbd.course.lessons.pictures import misses_and_limits
from rsbd.course.lessons.prediction import Prediction, miss, predict
from rsbd.course.lessons.show import answer, falls, figure, say, still, table
from rsbd.course.lessons.steps import Watched, fooled, noised, two_digits, watch
from rsbd.course.lessons.stored import Stored, stored
from rsbd.course.lessons.verdict import Verdict, judge, pick

__all__ = [
    "Prediction",
    "Stored",
    "Verdict",
    "Watched",
    "answer",
    "around",
    "ask",
    "band_breaks",
    "best",
    "broken",
    "by_class",
    "by_hand",
    "by_rows",
    "cells",
    "certified_share",
    "changes",
    "check_abstain",
    "check_agree",
    "check_attack",
    "check_bag_misses",
    "check_budget",
    "check_by_hand",
    "check_circle",
    "check_claim",
    "check_closed_form",
    "check_combination",
    "check_confidence_claim",
    "check_copies",
    "check_covered",
    "check_dpa_radius",
    "check_enough",
    "check_facing",
    "check_faint",
    "check_fewest",
    "check_first",
    "check_flip_claim",
    "check_hidden",
    "check_length",
    "check_limit_claim",
    "check_miss",
    "check_models",
    "check_most_noise",
    "check_noise",
    "check_parts",
    "check_penalty",
    "check_per_image",
    "check_radius",
    "check_reach",
    "check_sigma",
    "check_success_rate",
    "check_tight",
    "check_trigger_claim",
    "check_votes",
    "check_worst",
    "compared",
    "draw_bounds",
    "draw_chernoff",
    "draw_flips",
    "draw_levels",
    "draw_methods",
    "draw_radii",
    "draw_radius_by_sigma",
    "draw_radius_by_votes",
    "draw_scores",
    "facing",
    "fallen",
    "falls",
    "fewest",
    "figure",
    "filtered",
    "fooled",
    "gray_digits",
    "held",
    "judge",
    "looks_for",
    "miss",
    "misses_and_limits",
    "most_radius",
    "noised",
    "peeking",
    "pick",
    "plane_radius",
    "plane_votes",
    "predict",
    "proved",
    "radii_by_miss",
    "say",
    "some_calls",
    "still",
    "stored",
    "success_rate",
    "table",
    "ten_digits",
    "two_digits",
    "watch",
    "who_faces",
]
