"""Bounds on class probabilities from the votes of an ensemble.

Each function takes vote counts and returns :class:`Bounds`, which hold for every point with probability at
least `1 - alpha` (for one point: over many points `alpha` is the expected share of points with a bound that
does not hold, unless ``points="all"`` asks that all hold at once). The top class is read from votes too, so
either it comes from separate `selection` votes, or the level is shared over the classes that it could have
been. All values are rounded outward.
"""

from rsbd.bounds.band import dkw as dkw
from rsbd.bounds.evidence import Bounds as Bounds
from rsbd.bounds.evidence import check_alpha as check_alpha
from rsbd.bounds.evidence import over_points as over_points
from rsbd.bounds.votes import anytime as anytime
from rsbd.bounds.votes import clopper_pearson as clopper_pearson
from rsbd.bounds.votes import hoeffding as hoeffding
from rsbd.bounds.votes import simultaneous as simultaneous
