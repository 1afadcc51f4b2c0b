"""Ensembles: train many models, each on its own noised copy of the data, and count their votes."""

from rsbd.ensemble.collecting import collect, stream, stream_together
from rsbd.ensemble.votes import Votes

__all__ = ["Votes", "collect", "stream", "stream_together"]
