"""Real data sets, as arrays: what `load` gives is what is poisoned, noised and certified."""

from __future__ import annotations

from rsbd.data.dataset import Dataset, on_levels
from rsbd.data.loading import View, load
from rsbd.data.sources import SOURCES, data_root

__all__ = ["SOURCES", "Dataset", "View", "data_root", "load", "on_levels"]
