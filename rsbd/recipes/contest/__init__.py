"""The parts of a comparison: threats in the attacker's words, methods that face them, and what came out."""

from rsbd.recipes.contest.contender import Contender as Contender
from rsbd.recipes.contest.contender import Run as Run
from rsbd.recipes.contest.contender import voted as voted
from rsbd.recipes.contest.methods import CONTENDERS as CONTENDERS
from rsbd.recipes.contest.result import Comparison as Comparison
from rsbd.recipes.contest.result import Row as Row
from rsbd.recipes.contest.threats import posed as posed
from rsbd.recipes.contest.threats import refusal as refusal
from rsbd.recipes.contest.threats import threat_map as threat_map

__all__ = ["CONTENDERS", "Comparison", "Contender", "Row", "Run", "posed", "refusal", "threat_map", "voted"]
