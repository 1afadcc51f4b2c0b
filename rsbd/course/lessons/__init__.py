"""What the notebooks need beside the library: predictions, self-checks with hints, tables and pictures with words.

A notebook cell stays a few lines long because the rest is here, typed and tested. The functions of notebook NN are in
the modules ``nNN_*``, what several notebooks need is in the others; a notebook calls any of them as ``lessons.name``.
"""

# ruff: noqa: F403

from rsbd.course.lessons.cell_output import *
from rsbd.course.lessons.data_and_attacks import *
from rsbd.course.lessons.n00_start_here import *
from rsbd.course.lessons.n01_attacks import *
from rsbd.course.lessons.n02_plane import *
from rsbd.course.lessons.n03_worst import *
from rsbd.course.lessons.n04_certifying import *
from rsbd.course.lessons.n05_rab import *
from rsbd.course.lessons.n06_label_flips import *
from rsbd.course.lessons.n07_confidence import *
from rsbd.course.lessons.n08_partitions import *
from rsbd.course.lessons.n09_comparison import *
from rsbd.course.lessons.n10_planted import *
from rsbd.course.lessons.prediction import *
from rsbd.course.lessons.quizzes import *
from rsbd.course.lessons.self_check import *
from rsbd.course.lessons.stored_results import *
