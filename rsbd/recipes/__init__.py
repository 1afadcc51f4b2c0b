"""One short function per paper: from data to certificate in steps that can be followed to the theorem."""

from rsbd.recipes import result as _result
from rsbd.recipes.bagging import bagflip as bagflip
from rsbd.recipes.bagging import bagging as bagging
from rsbd.recipes.contest.compare import compare as compare
from rsbd.recipes.dpa import dpa as dpa
from rsbd.recipes.duels import duels as duels
from rsbd.recipes.experiment import Experiment as Experiment
from rsbd.recipes.fixed_model import certified_confidence as certified_confidence
from rsbd.recipes.fixed_model import cohen as cohen
from rsbd.recipes.fixed_model import kumar as kumar
from rsbd.recipes.fpa import fpa as fpa
from rsbd.recipes.fpa import fpa_bagging as fpa_bagging
from rsbd.recipes.pecan import pecan as pecan
from rsbd.recipes.rab import rab as rab
from rsbd.recipes.rab import rab_knn as rab_knn
from rsbd.recipes.rosenfeld import rosenfeld as rosenfeld
from rsbd.recipes.wang import wang as wang

_result.check_datasets(globals())
