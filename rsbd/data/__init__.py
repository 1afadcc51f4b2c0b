"""Real data sets as arrays: `load` returns the data that are poisoned, noised and certified."""

from rsbd.data.dataset import MISSING, Dataset, on_levels
from rsbd.data.loading import View, load
from rsbd.data.sources import SOURCES, data_root, shuffled

__all__ = ["MISSING", "SOURCES", "Dataset", "View", "data_root", "load", "on_levels", "shuffled"]
