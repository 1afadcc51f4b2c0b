"""Bounds on class probabilities from the votes of an ensemble.

Each function takes vote counts and returns :class:`Bounds`, which hold for each point with probability at least
`1 - alpha`. Over many points, `alpha` is then the expected share of points with a bound that fails; with
``points="all"`` the bounds of all points hold at once. The top class is read from votes too, so either it comes from
separate `selection` votes, or the level is shared over the classes that it could have been. All values are rounded
outward.

`alpha` is spent once for every set of votes that is inspected. If you try ten noises on the same test points and report
the best one, you may be wrong ten times as often. Choose on other points, as :func:`rsbd.recipes.contest.compare` does,
or before any vote, or give each noise a tenth of `alpha`.
"""

from rsbd.bounds.base import Bounds, check_alpha, dkw, over_points
from rsbd.bounds.votes import anytime, clopper_pearson, fewest_votes, hoeffding, kept_votes, simultaneous

__all__ = ["Bounds", "anytime", "check_alpha", "clopper_pearson", "dkw", "fewest_votes", "hoeffding", "kept_votes"]
__all__ += ["over_points", "simultaneous"]
