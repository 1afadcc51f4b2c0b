"""One figure of a comparison: methods downwards, threats to the right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rsbd import plots
from rsbd.recipes.contest.threats import WORDS, Attack

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rsbd.recipes.contest.result import Comparison


def draw(found: Comparison, ax: Axes | None = None) -> Axes:
    """Draw ``found``; see :meth:`~rsbd.recipes.contest.result.Comparison.plot`."""
    groups = [found.against(attack) for attack in found.attacks]
    methods = [row.method for row in groups[0]]
    columns = [threat for group in groups for threat in group[0].threats]
    cells = np.full((len(methods), len(columns)), np.nan)
    left = 0
    for group in groups:
        right = left + len(group[0].threats)
        for i, row in enumerate(group):
            if row.certified is not None:
                cells[i, left:right] = row.certified
        left = right
    if ax is None:
        ax = plots.new_axes(max(10.0, 4.5 + 0.62 * len(columns)), 2.6 + 0.38 * len(methods))
    paint(ax, cells, methods)
    ax.set_xticks(range(len(columns)), [f"{t.rows}\n{t.trigger}" for t in columns], fontsize=12)
    ax.annotate(
        "poisoned rows\ntrigger, pixels",
        (0, 0),
        (-4, -3.5),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=12,
    )
    lines = _mark_groups(
        ax, [(attack, len(group[0].threats)) for attack, group in zip(found.attacks, groups, strict=True)]
    )
    ax.set_title(
        "Certified accuracy, % of test inputs, by what the attacker changes (hatched: no certificate)",
        fontsize=13,
        loc="left",
        pad=14 + 15 * lines,
    )
    return ax


def paint(ax: Axes, cells: NDArray[np.float64], methods: Sequence[str], size: float = 12) -> None:
    """Paint shares with their numbers, one line for each method; hatched where there is none."""
    from matplotlib.patches import Rectangle

    ax.imshow(cells, aspect="auto", cmap="cividis", vmin=0, vmax=1)
    look: Any = {"facecolor": "#ececec", "edgecolor": "#c4c4c4", "hatch": "///", "linewidth": 0}
    for (i, j), share in np.ndenumerate(cells):
        if np.isnan(share):
            ax.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, **look))
        else:
            ink = "black" if share > 0.46 else "white"
            ax.text(j, i, f"{100 * share:.0f}", ha="center", va="center", color=ink, fontsize=size)
    ax.set_yticks(range(len(methods)), methods, fontsize=size)
    ax.tick_params(length=0)


def _mark_groups(ax: Axes, groups: list[tuple[Attack, int]]) -> int:
    """Name what each group of threats changes, and part it from the next; return the lines that the names take."""
    left, lines = 0, 1
    for attack, width in groups:
        narrow = width < 3
        named = [WORDS[slot].replace(" ", "\n") if narrow else WORDS[slot] for slot in attack]
        words = ",\n".join(named)
        lines = max(lines, words.count("\n") + 1)
        ax.text(left + width / 2 - 0.5, -0.62, words, ha="center", va="bottom", fontsize=11)
        if left:
            ax.axvline(left - 0.5, color="white", linewidth=5)
        left += width
    return lines
