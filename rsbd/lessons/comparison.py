"""Tables, figures and pictures of the notebook that compares all methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rsbd import plots
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.panels.words import percent
from rsbd.recipes.contest import CONTENDERS, Comparison, Row, refusal
from rsbd.recipes.contest.threats import Attack, attacked
from rsbd.smoothing import Threat

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SLOTS: dict[str, Threat] = {
    "training pixels": Threat(1, 1, relabel=False, on_test=False),
    "training labels": Threat(1, 0, relabel=True, on_test=False),
    "test image": Threat(0, 1, relabel=False, on_test=True),
}


def facing(dataset: Dataset, threat: Threat) -> list[str]:
    """Names of the methods that can face a threat, as the library answers.

    Examples
    --------
    >>> from rsbd import load
    >>> facing(load("digits", view="unit", classes=(0, 1)), Threat(1, 1))[-2:]
    ['BagFlip', 'bags + test flips']
    """
    names = []
    for contender in CONTENDERS:
        first = next(contender.defences(dataset, attacked(threat)))
        if refusal(first, threat, dataset.num_rows) is None:
            names.append(contender.name)
    return names


def who_faces(dataset: Dataset) -> list[list[str]]:
    """One line for each method: its name, its paper, and which of the three parts of the data it covers."""
    able = {slot: set(facing(dataset, threat)) for slot, threat in SLOTS.items()}
    return [
        [c.name, c.paper, *("yes" if c.name in able[slot] else "\u2013" for slot in SLOTS)]
        for c in CONTENDERS
    ]


def best(found: Comparison, attack: Attack, threat: int) -> tuple[str, float]:
    """Method with the largest certified accuracy against one threat of an attack, and that accuracy; "none" at 0."""
    held = {row.method: row.certified[threat] for row in found.against(attack) if row.certified is not None}
    name = max(held, key=lambda method: held[method])
    return (name, held[name]) if held[name] else ("none", 0.0)


def held(
    found: Comparison, method: str, attack: Attack, rows: int | None = None, pixels: int | None = None
) -> float:
    """Certified accuracy of a method against the first threat of an attack with so many rows and pixels, or more.

    Raises
    ------
    InputError
        If the method does not face the attack, or no threat is as large.
    """
    row = _row(found, method, attack)
    for threat, share in zip(row.threats, row.certified or (), strict=True):
        if threat.rows >= (rows or 0) and threat.trigger_on("test") >= (pixels or 0):
            return share
    raise InputError(f"no threat of this comparison has {rows} rows and {pixels} pixels: ask for fewer")


def _row(found: Comparison, method: str, attack: Attack) -> Row:
    for row in found.against(attack):
        if row.method == method and row.certified is not None:
            return row
    raise InputError(f"{method} does not face an attack on {', '.join(attack)}: choose another method")


def cells(
    found: Comparison, method: str, attack: Attack
) -> tuple[NDArray[np.float64], list[int], list[float]]:
    """Certified accuracy by poisoned rows and pixels of the trigger, as :func:`rsbd.plots.certified_map` draws it."""
    row = _row(found, method, attack)
    known = {
        (t.rows, t.trigger_on("test")): share
        for t, share in zip(row.threats, row.certified or (), strict=True)
    }
    rows, pixels = sorted({t.rows for t in row.threats}), sorted({t.trigger_on("test") for t in row.threats})
    return np.array([[known[m, t] for t in pixels] for m in rows]), rows, pixels


def compared(found: Comparison) -> str:
    """The settings of a stored comparison, as a sentence."""
    s = found.settings
    return (
        f"Stored comparison on {s['dataset']}, {' against '.join(s['classes'])}: {s['rows']:,} training images, "
        f"{s['points']:,} test images, at most {s['models']:,} models a method, alpha {s['alpha']:g}."
    )


def by_rows(
    found: Comparison,
    attack: Attack,
    rate: float,
    num_rows: int,
    names: Sequence[str] = (),
    pixels: int | None = None,
) -> Axes:
    """Draw how certified accuracy falls with poisoned rows, and where an attacker with a poison rate stands.

    Parameters
    ----------
    found : Comparison
        Growing numbers of rows.
    attack : tuple of str
        Which slots change.
    rate : float
        Poison rate that attackers use.
    num_rows : int
        Training rows.
    names : sequence of str
        Methods to draw; all that face the attack unless given.
    pixels : int, optional
        Size of the trigger, if there are several.
    """
    from matplotlib.patheffects import withStroke

    ax, budget = plots.new_axes(9.0, 4.6), rate * num_rows
    curves = {
        row.method: curve
        for row in found.against(attack)
        if (not names or row.method in names) and (curve := _curve(row, pixels))
    }
    ticks = sorted({rows for curve in curves.values() for rows, _ in curve})
    top = max(curves, key=lambda name: sum(share for _, share in curves[name]))
    for i, (name, curve) in enumerate(curves.items()):
        rows, shares = zip(*curve, strict=True)
        colour, dashes = plots.STYLES[i % len(plots.STYLES)]
        ax.plot(
            rows, shares, color=colour, linestyle=dashes, marker="osD^v"[i % 5], linewidth=2.5, clip_on=False
        )
        # The best curve has its label above it, the others beside their fall, each at a height of its own.
        at = len(rows) // 2 if name == top else -2
        spot, shift, side = (rows[at], shares[at]), (8, 8), "left"
        if name != top and any(shares):
            at = max(
                (j for j, share in enumerate(shares) if share >= (0.9 - 0.15 * i) * max(shares)), default=0
            )
            after = min(at + 1, len(rows) - 1)
            spot = (rows[at] ** 0.3 * rows[after] ** 0.7, 0.3 * shares[at] + 0.7 * shares[after])
            shift, side = ((-10, -14), "right") if at > len(rows) / 2 or (at and i % 2) else ((10, 4), "left")
        ax.annotate(
            name,
            spot,
            shift,
            textcoords="offset points",
            ha=side,
            color=colour,
            fontsize=13,
            fontweight="bold",
            path_effects=[withStroke(linewidth=4, foreground="white")],
        )
    far = budget > 0.8 * ticks[-1]
    ax.axvline(budget, color="#d55e00", linestyle=":", linewidth=3)
    ax.text(
        budget,
        1.06,
        f" poison rate {percent(rate)} ",
        fontsize=12,
        color="#a63d00",
        ha="right" if far else "left",
    )
    if ticks[-1] > 50:
        ax.set_xscale("log")
        ax.minorticks_off()
    ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks], fontsize=12)
    ax.set_ylim(-0.02, 1.12)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"], fontsize=12)
    ax.set_xlabel("poisoned training rows" + (" (logarithmic)" if ticks[-1] > 50 else ""), fontsize=13)
    ax.set_ylabel("certified accuracy", fontsize=13)
    return ax


def fallen(found: Comparison, attack: Attack, pixels: int | None = None) -> str:
    """Put the curves of :func:`by_rows` in words, for alt texts."""
    said = []
    for row in found.against(attack):
        if curve := _curve(row, pixels):
            said.append(f"{row.method}: " + ", ".join(f"{percent(share)} at {rows}" for rows, share in curve))
    return "; ".join(said)


def _curve(row: Row, pixels: int | None) -> list[tuple[int, float]]:
    pairs = zip(row.threats, row.certified or (), strict=False)
    return [(t.rows, share) for t, share in pairs if pixels is None or t.trigger == pixels]
