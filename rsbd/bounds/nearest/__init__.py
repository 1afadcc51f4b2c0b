"""Smoothed nearest neighbours, exactly: no sampling, and rigorous bounds from both sides.

Modules: `distance` (the law of one row's distance), `counts` (sums over rows), `arrivals` (the distance of the m-th of
several rows), `race` (which of two comes first), `vote` (which class most of the nearest rows are of), `smoothed`
(points and rows).
"""

from rsbd.bounds.nearest.race import Race
from rsbd.bounds.nearest.smoothed import smoothed

__all__ = ["Race", "smoothed"]
