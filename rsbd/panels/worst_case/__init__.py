"""The panel of the worst classifier: Neyman and Pearson's worst event, and the trade-off curve that it traces."""

from fractions import Fraction
from math import pi, sqrt
from typing import Any

import numpy as np
from scipy.special import ndtri

from rsbd.panels import svg
from rsbd.panels.chart import Chart, ticks
from rsbd.panels.panel import Panel, Runner
from rsbd.panels.worst_case.compute import SEARCHED, WorstCaseParams, WorstCaseResult, compute_worst_case
from rsbd.words import phrases_of

_say = phrases_of(__file__)
_AHEAD = 1.45  # room above the highest bar for the words of `_sums`


def worst_case(*, runner: Runner | None = None, **settings: Any) -> Panel[WorstCaseParams, WorstCaseResult]:
    """Return the live panel of the worst classifier.

    Parameters
    ----------
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`~rsbd.panels.worst_case.compute.WorstCaseParams`:
        ``noise``, ``keep``, ``sigma``, ``width``, ``changes``, ``shift``, ``p_a``.

    Raises
    ------
    InputError
        If a setting does not exist or is out of range.

    References
    ----------
    Neyman and Pearson 1933; Lee et al. 2019, section 4 (flips); Cohen et al. 2019, theorem 1 (Gaussian); Weber et al.
    2023, corollary 2 (uniform).

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> panel = worst_case(keep=0.8, changes=1, p_a=0.9, runner=SyncRunner())
    >>> panel.sentence[:84]
    'With p_a = 0.9 the miss is 0.1, and 1 changed bit (keep 0.8) can make of it up to 0.'
    """
    return Panel.of(WorstCaseParams, settings, compute_worst_case, draw_worst_case, runner)


def draw_worst_case(found: WorstCaseResult) -> svg.Picture:
    """Draw the regions on the left and the trade-off on the right."""
    regions = _bars(found) if found.params.noise == "flips" else _densities(found)
    words = svg.text(10, 478, "P: before, Q: after the attack; filled: A")
    return svg.Picture(svg.halves(regions, words, _curve(found)), _alt(found), _sentence(found))


def _bars(found: WorstCaseResult) -> str:
    s, P, Q, shares = found.levels
    xlabel = "s: changed places, old \u2212 new values"
    chart = _left((s[0] - 1, s[-1] + 1), float(max(*P, *Q)), xlabel, "probability of the level", s)
    parts, wide, base = [], chart.x(0.75) - chart.x(0), chart.y(0)
    for at, p, q, share in zip(s, P, Q, shares, strict=True):
        for letter, value, colour, left in (("P", p, svg.BLUE, -0.8), ("Q", q, svg.VERMILLION, 0.05)):
            x, y = chart.x(at + left), chart.y(float(value))
            filled = (base - y) * float(share)
            parts.append(svg.rect(x, base - filled, wide, filled, colour))
            parts.append(svg.rect(x, y, wide, base - y, "none", colour, 2.5))
            parts.append(svg.text(x + wide / 2, y - 6, letter, anchor="middle", weight=600))
    return chart.filled(*parts, _sums(found))


def _densities(found: WorstCaseResult) -> str:
    params = found.params
    gaussian = params.noise == "gaussian"
    scale = params.sigma if gaussian else params.width
    peak = 1 / (scale * sqrt(2 * pi)) if gaussian else 1 / scale
    aside = 0.45 * scale if gaussian else scale / 2 + 0.05  # where the letter stands beside its curve
    cut = scale * (float(ndtri(params.p_a)) if gaussian else params.p_a - 0.5)
    xlabel = f"along the change (input units, {'L2' if gaussian else 'L1'})"
    chart = _left((-4, 6), peak, xlabel, "density", ticks(-4, 6))
    parts, xs, inside = [], np.linspace(-4, 6, 801), np.linspace(cut, 6, 401)
    for letter, centre, colour, opacity, dash, side in (
        ("Q", params.shift, svg.VERMILLION, 0.35, "9 5", aside),
        ("P", 0.0, svg.BLUE, 0.6, "", -aside),
    ):
        anchor, at = "end" if side < 0 else "start", chart.x(centre + side)
        from_centre = (np.array([*inside, *xs]) - centre) / scale
        density = np.exp(-0.5 * from_centre**2) / (scale * sqrt(2 * pi))
        density = density if gaussian else np.where(np.abs(from_centre) <= 0.5, 1 / scale, 0.0)
        parts.append(chart.band(inside, 0 * inside, density[: len(inside)], colour, opacity))
        parts.append(chart.line(xs, density[len(inside) :], colour, dash=dash))
        parts.append(svg.text(at, chart.y(peak) + 14, letter, anchor=anchor, weight=700, halo=True))
    x, top = chart.x(cut), chart.y(peak * 1.14)
    parts.append(svg.line(x, top, x, chart.y(0), svg.INK, 2, "3 5"))
    return chart.filled(*parts, svg.label(x + 6, top + 8, "A \u2192"), _sums(found))


def _left(xlim: tuple[float, float], peak: float, xlabel: str, ylabel: str, xticks: Any) -> Chart:
    title = "worst event A: where Q / P is largest"
    yticks = [t for t in ticks(0, _AHEAD * peak) if t <= 1.2 * peak]
    return Chart((70, 62, 434, 400), xlim, (0, _AHEAD * peak), title, xlabel, ylabel, xticks, yticks, xformat=_signed)


def _sums(found: WorstCaseResult) -> str:
    """Write the probability of the filled event under both laws, above the drawing."""
    said = f"P(A) = 1 \u2212 p_a = {_short(found.params.miss)}", f"Q(A) = {_short(found.upper)}"
    return svg.lines(82, 80, said, 30, weight=600)


def _curve(found: WorstCaseResult) -> str:
    miss, upper = float(found.params.miss), min(found.upper, 1.0)
    title = "what an attack can make of p"
    labels = "p: probability, data as held", "upper(p): at most, data attacked"
    chart = Chart((545, 62, 900, 400), (0, 1), (0, 1), title, *labels)
    colour, shape = (svg.GREEN, "circle") if found.certified else (svg.VERMILLION, "diamond")
    x, y = chart.x(miss), chart.y(upper)
    verdict = "certified" if found.certified else "not certified"

    # A trade-off never lies below the diagonal: there is always room for words there.
    def below(height: float, said: str, weight: int) -> str:
        return svg.text(chart.box[2] - 8, chart.y(height), said, anchor="end", weight=weight, halo=True)

    return chart.filled(
        chart.line([0, 1], [0, 1], svg.SOFT, dash="9 5", width=2),
        svg.line(chart.x(0), chart.y(0.5), chart.x(1), chart.y(0.5), svg.INK, 2, "3 5"),
        chart.line(*found.curve, svg.BLUE),
        svg.line(x, chart.y(0), x, y, colour, 2, "3 5"),
        svg.line(chart.x(0), y, x, y, colour, 2, "3 5"),
        below(0.445, "one half", 600),
        below(0.25, f"{_short(found.params.miss)} becomes {_short(upper)}:", 700),
        below(0.17, verdict, 700),
        below(0.06, "dashed: no attack, upper(p) = p", 400),
        svg.marker(x, y, shape, colour, 9),
        Chart(chart.box, (1, 0), (0, 1)).grip("drag the miss 1 \u2212 p_a", "p_a"),
    )


def _short(number: float | Fraction) -> str:
    """Write three figures; a number below 1 is never written as 1.

    Examples
    --------
    >>> _short(Fraction(1, 8)), _short(1.0), _short(1 - 1e-6)
    ('0.125', '1', '0.999\u2026')
    """
    said = f"{float(number):.3g}"
    return "0.999\u2026" if said == "1" and number < 1 else said


def _signed(number: float) -> str:
    """Write a tick of an axis with two sides.

    Examples
    --------
    >>> _signed(-2), _signed(0), _signed(2)
    ('\u22122', '0', '+2')
    """
    return f"{number:+g}".replace("-", "\u2212") if number else "0"


def _sentence(found: WorstCaseResult) -> str:
    """Say if the prediction is certified, by how much, and how far this ``p_a`` reaches."""
    p, words = found.params, _numbers(found)
    if found.reach < 0:
        return _say("no_majority", p=p)
    room = _short(0.5 - found.upper)
    verdict = _say("certified" if found.certified else "lost" if found.limit > 0 else "hopeless", room=room, **words)
    more = "_at_least" if p.noise == "flips" and found.reach >= SEARCHED else ""
    radius = _say(f"{p.noise}_radius{more}", found=found, reach=_short(found.reach))
    return _say("sentence", p=p, change=_say(p.noise, p=p), verdict=verdict, radius=radius, **words)


def _alt(found: WorstCaseResult) -> str:
    p, below = found.params, "" if found.certified else "not "
    return _say("alt", p=p, setting=_say(f"{p.noise}_alt", p=p), below=below, **_numbers(found))


def _numbers(found: WorstCaseResult) -> dict[str, str]:
    return {"miss": _short(found.params.miss), "upper": _short(found.upper), "limit": _short(found.limit)}
