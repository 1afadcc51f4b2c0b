"""What the pictures of several notebooks share: three colours, labels beside points, and names of axes."""

from typing import Any

from matplotlib.axes import Axes

BLUE, VERMILLION, INK = "#0072b2", "#d55e00", "#1a1a1a"


def write_at(ax: Axes, words: str, point: tuple[float, float], shift: tuple[float, float], **look: Any) -> None:
    """Write words beside a point of the data, moved by ``shift`` in printer's points (1/72 inch)."""
    ax.annotate(words, point, shift, textcoords="offset points", **{"fontsize": 13, **look})


def name_axes(ax: Axes, xlabel: str, ylabel: str, size: int = 13, **settings: Any) -> Axes:
    """Name the axes in letters that can be read from the back of a hall, and remove the frame.

    Settings are those of ``Axes.set``, such as ``xlim`` and ``yscale``.
    """
    ax.set(**settings)
    ax.set_xlabel(xlabel, fontsize=size)
    ax.set_ylabel(ylabel, fontsize=size)
    ax.tick_params(labelsize=size - 1)
    ax.spines[["top", "right"]].set_visible(False)
    return ax
