"""The success of an attack in bars and in words: undefended, with the same learner without noise, and smoothed."""

import math

from rsbd.panels import svg
from rsbd.panels.chart import Box, bars
from rsbd.recipes.experiment import Outcome
from rsbd.words import between, phrases_of

_say = phrases_of(__file__)
_COLOURS = svg.VERMILLION, svg.GREEN, svg.BLUE
_GAP = 5.0


def rate_bars(found: Outcome, rate: str, box: Box) -> str:
    """Draw one of the :class:`Rates` of each classifier, and bounds on the success that is known from votes alone."""
    seen, values = found.success_bounds, [getattr(rates, rate) for rates in found.rates.values()]
    spans = {"smoothed": (seen.lowest, seen.highest)} if rate == "attack_success_rate" else {}
    high = (box[3] - box[1] + _GAP) / len(values) - _GAP
    return bars(box, list(found.rates), values, _COLOURS, high, _GAP, spans)


def success_words(found: Outcome) -> str:
    """Say which share of the triggered test images each classifier labels as the target.

    The words go on after "The attack fooled"; the bounds hold with probability 1 - alpha.
    """
    seen = found.success_bounds
    sure = "" if math.isnan(seen.lowest) else f" (with confidence 1 \u2212 alpha: {between(seen.lowest, seen.highest)})"
    return _say("success", rates=found.rates, target=found.experiment.target_name, sure=sure)
