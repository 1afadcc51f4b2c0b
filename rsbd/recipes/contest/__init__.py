"""The parts of a comparison: threats in the attacker's words, methods that face them, and the results."""

from rsbd.recipes.contest.contender import Contender, Trial
from rsbd.recipes.contest.methods import CONTENDERS, voted
from rsbd.recipes.contest.result import Comparison, ComparisonRow
from rsbd.recipes.contest.threats import as_measured, refusal, threat_map

__all__ = ["CONTENDERS", "Comparison", "ComparisonRow", "Contender", "Trial", "as_measured", "refusal", "threat_map"]
__all__ += ["voted"]
