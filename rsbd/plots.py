"""Drawings of results with matplotlib, on given Axes or on a new figure.

Nothing here imports pyplot, so there is no hidden state, and the functions are safe in threads, panels and servers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rsbd.errors import InputError
from rsbd.files import atomic_file, read_path
from rsbd.types import ArrayLike, Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, VERMILLION, INK = "#0072b2", "#d55e00", "#1a1a1a"
# Colours of Okabe and Ito that are legible on white, each with its own line style, so that no curve needs its colour.
STYLES = ((BLUE, "-"), (VERMILLION, "--"), ("#009e73", "-."), ("#cc79a7", ":"), ("#000", (0, (5, 1, 1, 1, 1, 1))))
# Norms whose radii are whole numbers.
COUNTED = ("L0", "rows", "rows in or out", "rows in place", "pixels")
_UNITS = {"L1": "input units", "L2": "input units", "rows": "training rows"}


def new_figure(width: float, height: float) -> Figure:
    """Return a new figure, width x height inches, that pyplot does not know."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def new_axes(width: float = 7.0, height: float = 4.5) -> Axes:
    """Return the Axes of a new figure that pyplot does not know."""
    return new_figure(width, height).add_subplot()


def certified_accuracy(
    radii: ArrayLike,
    accuracies: ArrayLike,
    *,
    label: str = "",
    norm: str = "L0",
    counted: str = "pixels",
    budget: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw certified accuracy by radius as a step curve; call again with the same ``ax`` to compare.

    Parameters
    ----------
    radii : array, (radii,)
        Ascending, in ``norm``.
    accuracies : array, (radii,)
        Certified accuracy at each radius, in [0, 1]. For norms that count, a value holds until the next radius; for
        lengths, a radius between two others gets the lower value.
    label : str
        Name of the curve, written above the axes.
    norm : str
        "L0", "L1" or "L2".
    counted : str
        What L0 counts beside labels, see :attr:`rsbd.Dataset.counted`.
    budget : float, optional
        The attacker's budget, marked by a vertical line: at the end of the axis, and named with an arrow, if it lies
        beyond. Give it with the curve that reaches furthest.

    Raises
    ------
    InputError
        If the two arrays do not match.

    Examples
    --------
    >>> ax = certified_accuracy([0, 1, 2], [0.9, 0.7, 0.2], label="keep 0.8", budget=2)
    >>> ax.get_xlabel()
    'L0 radius (pixels and labels changed)'
    """
    from matplotlib.ticker import MaxNLocator

    xs, ys = np.asarray(radii, dtype=float), np.asarray(accuracies, dtype=float)
    if xs.ndim != 1 or xs.shape != ys.shape or not xs.size:
        raise InputError(f"{xs.shape} radii and {ys.shape} accuracies", "give two lists of the same length, at least 1")
    ax = new_axes() if ax is None else ax
    curves = sum(line.get_gid() == "rsbd-curve" for line in ax.get_lines())
    colour, dashes = STYLES[curves % len(STYLES)]
    whole = norm in COUNTED
    end = xs[-1] + (1.0 if whole else 0.0)
    steps = "steps-post" if whole else "steps-pre"
    look: Any = {"color": colour, "linestyle": dashes, "linewidth": 2.5, "drawstyle": steps}
    ax.plot([*xs, end], [*ys, ys[-1]], **look, label=label, gid="rsbd-curve")
    right = max(ax.get_xlim()[1] if curves else 0.0, end)
    ax.set_xlim(0, right)
    ax.set_ylim(0, 1.05)
    ax.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.0f} %")
    if whole:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if budget is not None:
        said = f"attacker's budget {budget:,.4g}" + (" \u2192" if budget > right else "")
        ax.axvline(min(budget, right), color=VERMILLION, linestyle=":", linewidth=3, label=said)
    measured = f"{norm} radius" if norm.startswith("L") else "certified radius"
    units = f"{counted} and labels changed" if norm == "L0" else _UNITS.get(norm, norm)
    ax.grid(axis="y", color="#d0d0d0", linewidth=0.8)
    ax.set_axisbelow(True)
    return name_axes(ax, f"{measured} ({units})", "certified accuracy (share of test inputs)")


def draw_curves(ax: Axes, x: ArrayLike, curves: Mapping[str, ArrayLike], **look: Any) -> None:
    """Draw curves by name, each in a style of its own; :func:`name_axes` writes the names above them."""
    for (name, y), (colour, dashes) in zip(curves.items(), STYLES, strict=False):
        ax.plot(x, y, color=colour, linestyle=dashes, linewidth=3, label=name, **look)


def name_axes(ax: Axes, xlabel: str, ylabel: str, **settings: Any) -> Axes:
    """Name the axes, write the names of curves and areas above them, and remove the frame.

    No name can then lie on a curve. Settings are those of ``Axes.set``, such as ``xlim`` and ``yscale``.
    """
    ax.set(**settings)
    ax.set_xlabel(xlabel, fontsize=13)
    ax.set_ylabel(ylabel, fontsize=13)
    ax.tick_params(labelsize=12)
    ax.spines[["top", "right"]].set_visible(False)
    handles, names = ax.get_legend_handles_labels()
    if names:
        look: Any = {"loc": "lower left", "bbox_to_anchor": (0, 1.01), "borderaxespad": 0, "frameon": False}
        ax.legend(handles, names, **look, ncols=2 if len(names) == 4 else 3, fontsize=12, columnspacing=1.2)
    return ax


def certified_map(
    accuracies: ArrayLike,
    rows: Sequence[float],
    triggers: Sequence[float],
    *,
    point: tuple[float, float] | None = None,
    measured: str = "pixels",
    ax: Axes | None = None,
) -> Axes:
    """Draw certified accuracy against each threat: poisoned rows upwards, trigger size to the right.

    Parameters
    ----------
    accuracies : array, (rows, triggers)
        In [0, 1].
    rows, triggers : sequence
        Values on the two axes, ascending.
    measured : str
        What the sizes are: "pixels", "L2 length".
    point : (rows, trigger), optional
        An attack: the smallest cell that contains it is outlined.

    Examples
    --------
    >>> ax = certified_map([[0.9, 0.5], [0.4, 0.0]], [1, 2], [1, 4], point=(2, 1))
    >>> [text.get_text() for text in ax.texts]
    ['90', '50', '40', '0']
    """
    from matplotlib.patches import Rectangle

    cells = np.asarray(accuracies, dtype=float)
    if cells.shape != (len(rows), len(triggers)):
        raise InputError(f"a map of shape {cells.shape}", f"give {len(rows)} x {len(triggers)} values, one a threat")
    ax = new_axes() if ax is None else ax
    paint_shares(ax, cells, [f"{r:g}" for r in rows], [f"{t:g}" for t in triggers])
    ax.invert_yaxis()
    if point is not None:
        i = min(int(np.searchsorted(rows, point[0])), len(rows) - 1)
        j = min(int(np.searchsorted(triggers, point[1])), len(triggers) - 1)
        for colour, width in (("white", 6), (VERMILLION, 3)):
            box = Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, edgecolor=colour, linewidth=width, clip_on=False)
            ax.add_patch(box)
    ax.set_xlabel(f"trigger size ({measured})", fontsize=13)
    ax.set_ylabel("poisoned training rows", fontsize=13)
    outlined = "" if point is None else "; outlined: the attack"
    ax.set_title(f"certified accuracy (% of test inputs){outlined}", fontsize=13, loc="left")
    return ax


def paint_shares(ax: Axes, cells: Floats, rows: Sequence[str], columns: Sequence[str], size: float = 12) -> None:
    """Paint a table of shares with their numbers and the names of its rows and columns; hatched where a share is NaN.

    The bluer, the larger; never so blue that a black number is hard to read, or a white one in a dark theme. Zero has
    the colour of the paper.
    """
    from matplotlib.patches import Rectangle

    for (i, j), share in np.ndenumerate(cells):
        look: Any = {"facecolor": (BLUE, 0.12 + 0.48 * share if share else 0), "edgecolor": "#d0d0d0"}
        if np.isnan(share):
            look = {"facecolor": "#ececec", "edgecolor": "#c4c4c4", "hatch": "///", "linewidth": 0}
        ax.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, **look))
        if not np.isnan(share):
            bold = "bold" if share else "normal"
            ax.text(j, i, f"{100 * share:.0f}", ha="center", va="center", fontsize=size, fontweight=bold)
    ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    ax.set_yticks(range(len(rows)), rows, fontsize=size)
    ax.set_xticks(range(len(columns)), columns, fontsize=size)
    ax.tick_params(length=0)


def images(
    groups: Mapping[str, ArrayLike], *, captions: Mapping[str, Sequence[str]] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw rows of images, one labelled row per group: clean, poisoned, noised.

    Parameters
    ----------
    groups : mapping from name to array, (images, height, width) or (images, 3, height, width)
        Values are clipped to [0, 1]. All images have one size.
    captions : mapping from name to sequence of str, optional
        Texts under the images of a group, such as their labels.

    Examples
    --------
    >>> ax = images({"clean": np.zeros((4, 8, 8)), "noised": np.ones((4, 8, 8))})
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['clean', 'noised']
    """
    from matplotlib.patches import Rectangle

    stacks = [np.clip(np.asarray(stack, dtype=float), 0, 1) for stack in groups.values()]
    if not stacks or len({stack.shape[1:] for stack in stacks}) != 1 or stacks[0].ndim not in (3, 4):
        shapes = ", ".join(str(stack.shape) for stack in stacks) or "none"
        raise InputError(f"images of shapes {shapes}", "give groups of (images, height, width), all of one size")
    stacks = [np.moveaxis(s, 1, -1) if s.ndim == 4 else s[..., None].repeat(3, -1) for s in stacks]
    high, wide = stacks[0].shape[1:3]
    most = max(len(stack) for stack in stacks)
    gap = max(1, high // 12)
    under = high // 3 if captions else 0  # room for a line of text
    step = high + gap + under
    sheet = np.zeros((len(stacks) * step + gap, most * (wide + gap) + gap, 4))  # clear between the images
    places = [(g * step + gap, i * (wide + gap) + gap, p) for g, row in enumerate(stacks) for i, p in enumerate(row)]
    for y, x, picture in places:
        sheet[y : y + high, x : x + wide, :3], sheet[y : y + high, x : x + wide, 3] = picture, 1
    names = max(1.5, 0.25 * max(map(len, groups)) - 0.5)  # room for the longest name, in inches
    ax = new_axes(1.2 * most + names, 1.3 * step / (high + gap) * len(stacks)) if ax is None else ax
    ax.imshow(sheet, interpolation="nearest")
    for y, x, _ in places:  # a thin frame, since an image may be of the page's colour
        ax.add_patch(Rectangle((x - 0.5, y - 0.5), wide, high, fill=False, edgecolor="#999", linewidth=1))
    ax.set_yticks([g * step + gap + (high - 1) / 2 for g in range(len(stacks))], list(groups), fontsize=13)
    for g, name in enumerate(groups):
        for i, said in enumerate((captions or {}).get(name, ())):
            x, y = i * (wide + gap) + gap + (wide - 1) / 2, g * step + gap + high + under / 2 - 0.5
            ax.text(x, y, said, ha="center", va="center", fontsize=13, fontweight="bold")
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def signed(weights: ArrayLike) -> Floats:
    """Return arrays of weights as colour images, (..., 3, height, width): orange above 0, blue below, white at 0.

    Examples
    --------
    >>> signed([[1.0, 0.0, -1.0]])[:, 0].T.round(2)
    array([[0.84, 0.37, 0.  ],
           [1.  , 1.  , 1.  ],
           [0.  , 0.45, 0.7 ]])
    """
    values = np.asarray(weights, dtype=float)[..., None]
    strength = np.abs(values) / max(float(np.abs(values).max()), 1e-12)
    ends = np.where(values > 0, [0.835, 0.369, 0.0], [0.0, 0.447, 0.698])  # Okabe and Ito's vermilion and blue
    return np.moveaxis(1 - strength * (1 - ends), -1, -3)


def save(figure: Figure, folder: Path | str, name: str) -> tuple[Path, Path]:
    """Write ``figure`` as ``name.png`` and ``name.svg``; equal figures give identical files."""
    import matplotlib

    folder = read_path(folder)
    png, svg = folder / f"{name}.png", folder / f"{name}.svg"
    with matplotlib.rc_context({"svg.hashsalt": "rsbd", "svg.fonttype": "none"}):
        with atomic_file(png) as file:
            figure.savefig(file, format="png", dpi=150, metadata={"Software": None})
        with atomic_file(svg) as file:
            figure.savefig(file, format="svg", metadata={"Date": None})
    return png, svg
