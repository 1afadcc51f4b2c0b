"""One short function per paper: from data to certificate in steps that can be followed to the theorem."""

from rsbd.recipes import result as _result
from rsbd.recipes.bagging import bagflip, bagging
from rsbd.recipes.contest.compare import compare
from rsbd.recipes.dpa import dpa
from rsbd.recipes.duels import duels
from rsbd.recipes.experiment import Experiment
from rsbd.recipes.fixed_model import certified_confidence, cohen, kumar
from rsbd.recipes.fpa import fpa, fpa_bagging
from rsbd.recipes.pecan import pecan
from rsbd.recipes.rab import rab, rab_knn
from rsbd.recipes.rosenfeld import rosenfeld
from rsbd.recipes.wang import wang

__all__ = ["Experiment", "bagflip", "bagging", "certified_confidence", "cohen", "compare", "dpa", "duels", "fpa"]
__all__ += ["fpa_bagging", "kumar", "pecan", "rab", "rab_knn", "rosenfeld", "wang"]

_result.check_datasets(globals())
