"""The parts of a comparison: threats in the attacker's words, methods that face them, and the results."""

from rsbd.recipes.contest.contender import Contender as Contender
from rsbd.recipes.contest.contender import Trial as Trial
from rsbd.recipes.contest.methods import CONTENDERS as CONTENDERS
from rsbd.recipes.contest.methods import voted as voted
from rsbd.recipes.contest.result import Comparison as Comparison
from rsbd.recipes.contest.result import ComparisonRow as ComparisonRow
from rsbd.recipes.contest.threats import as_measured as as_measured
from rsbd.recipes.contest.threats import refusal as refusal
from rsbd.recipes.contest.threats import threat_map as threat_map
