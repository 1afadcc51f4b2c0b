"""Smoothed 1-nearest-neighbour, exactly: no sampling, and rigorous bounds from both sides.

Modules: `distance` (the law of one row's distance), `race` (which class is nearest), `smoothed` (points and rows).
"""

from rsbd.nearest.race import Race
from rsbd.nearest.smoothed import smoothed

__all__ = ["Race", "smoothed"]
