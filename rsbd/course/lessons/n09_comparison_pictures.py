"""Notebook 09: pictures that compare all methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rsbd import plots
from rsbd.course.lessons.drawing import VERMILLION, write_at
from rsbd.course.lessons.n09_comparison import accuracy_by_rows, changes
from rsbd.recipes.contest import Comparison
from rsbd.recipes.contest.threats import Attack
from rsbd.words import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_methods(found: Comparison, threat: int = 0) -> Axes:
    """Draw every method against one threat of each kind of attack, by default the smallest."""
    groups = [found.against(attack) for attack in found.attacks]
    cells = [[row.certified[threat] if row.certified else np.nan for row in group] for group in groups]
    methods = [row.method for row in groups[0]]
    ax = plots.new_axes(10, 1.6 + 0.42 * len(methods))
    plots.paint_shares(ax, np.array(cells).T, methods, size=14)
    ax.tick_params(length=0)
    names = [" + ".join(changes(attack).split(" + training ")) for attack in found.attacks]
    names = [name.replace("training ", "training\n").replace(" + ", "\n+ ") for name in names]
    ax.set_xticks(range(len(names)), names, fontsize=13)
    ax.xaxis.tick_top()
    for j in range(1, len(names)):
        ax.axvline(j - 0.5, color="white", linewidth=4)
    return ax


def by_rows(
    found: Comparison, attack: Attack, rate: float, num_rows: int, names: Sequence[str] = (), pixels: int | None = None
) -> Axes:
    """Draw certified accuracy by poisoned rows, and mark the rows of an attacker with a poison rate.

    Parameters
    ----------
    found : Comparison
        With several numbers of rows.
    attack : tuple of str
        The slots that change.
    rate : float
        Poison rate that attackers use.
    num_rows : int
        Number of training rows.
    names : sequence of str
        Methods to draw; by default all that face the attack.
    pixels : int, optional
        Size of the trigger, if there are several.
    """
    from matplotlib.patheffects import withStroke

    ax, budget = plots.new_axes(9.0, 4.6), rate * num_rows
    curves = {
        row.method: points
        for row in found.against(attack)
        if (not names or row.method in names) and (points := accuracy_by_rows(row, pixels))
    }
    ticks = sorted({rows for points in curves.values() for rows, _ in points})
    top = max(curves, key=lambda name: sum(share for _, share in curves[name]))
    for i, (name, points) in enumerate(curves.items()):
        rows, shares = zip(*points, strict=True)
        colour, dashes = plots.STYLES[i % len(plots.STYLES)]
        ax.plot(rows, shares, color=colour, linestyle=dashes, marker="osD^v"[i % 5], linewidth=2.5, clip_on=False)
        spot, shift, side = _label_place(i, rows, shares, name == top)
        halo = [withStroke(linewidth=4, foreground="white")]
        write_at(ax, name, spot, shift, ha=side, color=colour, fontweight="bold", path_effects=halo)
    far = budget > 0.8 * ticks[-1]
    ax.axvline(budget, color=VERMILLION, linestyle=":", linewidth=3)
    ax.text(budget, 1.06, f" poison rate {percent(rate)} ", fontsize=12, color="#a63d00", ha="right" if far else "left")
    if ticks[-1] > 50:
        ax.set_xscale("log")
        ax.minorticks_off()
    ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks], fontsize=12)
    ax.set_ylim(-0.02, 1.12)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"], fontsize=12)
    ax.set_xlabel("poisoned training rows" + (" (logarithmic)" if ticks[-1] > 50 else ""), fontsize=13)
    ax.set_ylabel("certified accuracy", fontsize=13)
    return ax


def _label_place(
    i: int, rows: Sequence[float], shares: Sequence[float], best: bool
) -> tuple[tuple[float, float], tuple[float, float], str]:
    """Return the place of the label of the i-th curve: a point, the shift from it, and the horizontal alignment."""
    if best or not any(shares):  # above the curve
        at = len(rows) // 3 if best else -2
        return (rows[at], shares[at]), (8, 8), "left"
    # Beside the curve, where it falls, each label at its own height.
    at = max((j for j, share in enumerate(shares) if share >= (0.9 - 0.15 * i) * max(shares)), default=0)
    after = min(at + 1, len(rows) - 1)
    spot = rows[at] ** 0.2 * rows[after] ** 0.8, 0.2 * shares[at] + 0.8 * shares[after]
    return (spot, (-10, -14), "right") if at > len(rows) / 2 or (at and i % 2) else (spot, (10, 4), "left")
