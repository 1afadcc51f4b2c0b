"""Pictures of the lessons that show one idea each; results are drawn by :mod:`rsbd.plots`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rsbd.bounds import Bounds
from rsbd.plots import new_axes
from rsbd.words import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def misses_and_limits(evidence: Bounds, limits: Sequence[float]) -> Axes:
    """Draw the miss of every test input, in order, and for each radius the limit that it must stay below.

    Parameters
    ----------
    evidence : Bounds
        Of all points.
    limits : sequence of float
        ``limits[r]`` is the threshold of the trade-off at radius ``r``, falling.

    Examples
    --------
    >>> from rsbd.bounds import simultaneous
    >>> ax = misses_and_limits(simultaneous([[1000, 0], [700, 300]], 0.001), [0.5, 0.125])
    >>> [text.get_text() for text in ax.texts]
    ['radius 0: 100 % certified', 'radius 1: 50 % certified', 'miss of each test image']
    """
    misses = np.sort(evidence.miss)
    share = 100 * np.arange(1, len(misses) + 1) / len(misses)
    ax = new_axes(9, 4.5)
    ax.plot(share, misses, color="#0072b2", linewidth=3)
    for radius, limit in enumerate(limits):
        ax.axhline(limit, color="#d55e00", linestyle="--", linewidth=1.5)
        words = f"radius {radius}: {percent(float((misses < limit).mean()))} certified"
        ax.annotate(
            words,
            (1, limit),
            (8, 0),
            xycoords=ax.get_yaxis_transform(),
            textcoords="offset points",
            fontsize=13,
            va="center",
            color="#a34700",
        )
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter(lambda miss, _: f"{100 * miss:g} %")
    ax.set_xlim(0, 100)
    ax.set_ylim(min(float(misses[0]), limits[-1]) / 2, 1)
    at = len(misses) // 2
    ax.annotate(
        "miss of each test image", (share[at], misses[at]), (-8, -12), textcoords="offset points", fontsize=13,
        fontweight="bold", color="#0072b2", va="top"
    )  # fmt: skip
    return finish(ax, "test images, the clearest vote first (%)", "miss (at most)")


def finish(ax: Axes, xlabel: str, ylabel: str) -> Axes:
    """Name the axes, in letters that are read from the back of a hall, and take the frame away."""
    ax.set_xlabel(xlabel, fontsize=13)
    ax.set_ylabel(ylabel, fontsize=13)
    ax.tick_params(labelsize=12)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    return ax
