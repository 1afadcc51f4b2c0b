"""Real data sets as arrays: `load` returns the data that are poisoned, noised and certified."""

from rsbd.data.dataset import INPUT_BITS, MISSING, Dataset, on_levels, round_inputs
from rsbd.data.loading import View, load
from rsbd.data.sources import SOURCES, data_root, shuffled

__all__ = ["INPUT_BITS", "MISSING", "SOURCES", "Dataset", "View"]
__all__ += ["data_root", "load", "on_levels", "round_inputs", "shuffled"]
