"""The panel in words: the sentence that reads the result, and what the picture shows."""

from __future__ import annotations

from fractions import Fraction

from rsbd.panels.controls import Slider
from rsbd.panels.worst_case.compute import SEARCHED, Found
from rsbd.panels.worst_case.params import CONTROLS, Params, visible
from rsbd.words import count


def short(number: float | Fraction) -> str:
    """Three figures; what is not quite 1 is not called 1.

    Examples
    --------
    >>> short(Fraction(1, 8)), short(1.0), short(1 - 1e-6)
    ('0.125', '1', '0.999\u2026')
    """
    said = f"{float(number):.3g}"
    return "0.999\u2026" if said == "1" and number < 1 else said


def signed(number: float) -> str:
    """Write a tick of an axis with two sides.

    Examples
    --------
    >>> signed(-2), signed(0), signed(2)
    ('\u22122', '0', '+2')
    """
    return f"{number:+g}".replace("-", "\u2212") if number else "0"


def norm(params: Params) -> str:
    """Name the norm in which the noise measures a change."""
    return {"flips": "L0", "gaussian": "L2", "uniform": "L1"}[params.noise]


def change(params: Params) -> str:
    """Name the attacker's budget and the noise against it."""
    if params.noise == "flips":
        return f"{count(params.changes, 'changed bit')} (keep {params.keep:g})"
    noise = f"sigma {params.sigma:g}" if params.noise == "gaussian" else f"width {params.width:g}"
    return f"a change of {norm(params)} length {params.shift:g} ({noise})"


def sentence(found: Found) -> str:
    """Read the result: certified or not, by how much, and how far this ``p_a`` reaches."""
    params = found.params
    if found.reach < 0:
        said = "there is no majority to lose: nothing is certified, not even without an attack."
        return f"With p_a = {params.p_a:g} {said}"
    opening = (
        f"With p_a = {params.p_a:g} the miss is {short(params.miss)}, and {change(params)} can make of it up to "
        f"{short(found.upper)}; the worst classifier reaches that."
    )
    if found.certified:
        gap = f"Certified: {short(0.5 - found.upper)} below one half."
    elif found.limit > 0:
        gap = (
            f"Not certified: a classifier with this p_a exists that loses its majority, as {short(found.upper)} is not "
            f"below one half. It takes a miss below {short(found.limit)}."
        )
    else:
        gap = "Not certified, and no p_a below 1 would be: a classifier as sure exists that loses its majority."
    return f"{opening} {gap} {radius(found)}"


def radius(found: Found) -> str:
    """Say how much change this ``p_a`` certifies at this noise."""
    if found.params.noise == "flips":
        bits = count(found.reach, "changed bit")
        most = f"{bits} and more" if found.reach >= SEARCHED else f"up to {bits}"
        return f"This p_a certifies {most} (L0 radius)."
    return f"This p_a certifies up to a length of {short(found.reach)} ({norm(found.params)} radius)."


def alt(found: Found) -> str:
    """Say what the picture shows, with every setting and the main figures."""
    params, shown = found.params, visible(found.params)
    sliders = [c for c in CONTROLS if isinstance(c, Slider) and shown.get(c.name, True)]
    settings = ", ".join(f"{control.label} {getattr(params, control.name):g}" for control in sliders)
    return (
        f"Worst-case panel: {params.noise}, {settings}. Left, the two laws P and Q with the worst event filled: "
        f"probability {short(params.miss)} under P, {short(found.upper)} under Q. Right, the trade-off curve above "
        f"the diagonal with that point on it, {'' if found.certified else 'not '}below one half; the limit is a miss "
        f"of {short(found.limit)} (final)"
    )
