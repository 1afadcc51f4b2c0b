"""Class probabilities of the smoothed nearest-neighbour classifier: rigorous bounds from both sides, without sampling.

Modules: `distance` (the law of one row's distance, and sums over rows), `arrivals` (the distance of the m-th
nearest of several rows, and which class has most of the nearest rows), `race` (which of two distances is smaller),
`neighbours` (the computation for all points and rows).
"""

from rsbd.bounds.nearest.neighbours import neighbour_bounds
from rsbd.bounds.nearest.race import Race

__all__ = ["Race", "neighbour_bounds"]
