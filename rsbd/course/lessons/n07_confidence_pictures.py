"""Notebook 07: pictures of the scores of two images, of one average level by level, and of bounds by radius."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rsbd.course.lessons.drawing import BLUE, INK, VERMILLION, name_axes, write_at
from rsbd.plots import new_axes
from rsbd.tradeoff import Tradeoff
from rsbd.types import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_scores(scores: Sequence[Floats], names: Sequence[str]) -> Axes:
    """Draw the scores of two images as histograms, with a name at each peak."""
    ax = new_axes(9, 4)
    bins = np.linspace(0, 1, 41)
    for some, name, colour, style in zip(scores, names, (BLUE, VERMILLION), ("-", "--"), strict=False):
        share = np.histogram(some, bins)[0] / len(some)
        ax.stairs(share, bins, color=colour, linestyle=style, linewidth=3)
        peak = int(share.argmax())
        write_at(ax, name, (bins[peak], share[peak]), (-8, 4), ha="right")
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1.15 * ax.get_ylim()[1])
    return name_axes(ax, "score of the answer on a noisy copy", "share of the copies")


def draw_levels(scores: Sequence[float], law: Tradeoff) -> Axes:
    """Draw the share of scores that reach each threshold, before and after an attack; the areas are the averages."""
    ordered = np.sort(np.asarray(scores, dtype=float))
    edges = np.unique(np.concatenate([[0.0], ordered]))
    reached = np.array([np.mean(ordered >= edge) for edge in edges[1:]])
    kept = np.asarray(law.lower(reached), dtype=float)
    mean = float(ordered.mean())
    naive = float(np.asarray(law.lower(np.array([mean])))[0])
    ax = new_axes(9, 4.5)
    ax.stairs(reached, edges, color=INK, linewidth=2)
    ax.stairs(kept, edges, color=BLUE, fill=True, alpha=0.3)
    ax.stairs(kept, edges, color=BLUE, linewidth=3)
    ax.axhline(naive, color=VERMILLION, linestyle="--", linewidth=2)
    area = float(kept @ np.diff(edges))
    for words, at in (
        (f"before: area = average = {mean:.2f}", (0.55, 0.75)),
        (f"after the attack: area at least {area:.2f}", (0.22, float(kept[1]) + 0.04)),
        (f"naive: {naive:.2f}", (0.02, naive + 0.02)),
    ):
        ax.text(*at, words, fontsize=13)
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1.05)
    return name_axes(ax, "threshold s", "share with score of at least s")


def draw_bounds(radii: Floats, curves: Sequence[tuple[str, Floats]]) -> Axes:
    """Draw certified averages by radius, with a name for each curve."""
    ax = new_axes(9, 4.5)
    styles = ((BLUE, "-"), (VERMILLION, "--"), ("#009e73", "-."), ("#cc79a7", ":"))
    for k, ((name, values), (colour, style)) in enumerate(zip(curves, styles, strict=False)):
        ax.plot(radii, values, color=colour, linestyle=style, linewidth=3)
        at = (2 + 2 * k) * len(radii) // 12
        point, place = (radii[at], values[at]), (0.5, 0.9 - 0.12 * k)
        thread = {"arrowstyle": "-", "color": colour, "relpos": (0, 0.5)}
        ax.annotate(name, point, place, textcoords="axes fraction", arrowprops=thread, fontsize=13, va="center")
    ax.set_xlim(0, float(radii[-1]))
    ax.set_ylim(0, 1)
    return name_axes(ax, "L2 radius of a change of the test image (pixel units)", "certified average score")
