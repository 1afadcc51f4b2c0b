"""Ensembles: train many models, each on its own noised copy of the data, and count their votes."""

from rsbd.ensemble.collecting import collect as collect
from rsbd.ensemble.collecting import stream as stream
from rsbd.ensemble.collecting import stream_together as stream_together
from rsbd.ensemble.votes import Votes as Votes
