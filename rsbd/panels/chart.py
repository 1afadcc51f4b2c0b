"""One chart of a panel: a box with axes, and curves, bands, marks and labels in it, drawn as SVG."""

import json
import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rsbd.panels import svg
from rsbd.types import AnyFloats, Floats, Ints
from rsbd.words import percent

_Values = Sequence[float] | AnyFloats | Ints
Box = tuple[float, float, float, float]
_Format = Callable[[float], str]
_LINE = 26.0  # height of a line of words


@dataclass(frozen=True)
class Chart:
    """A chart. Each method returns a piece of SVG; :meth:`frame` goes first.

    Attributes
    ----------
    box : tuple of float
        Left, top, right and bottom of the plotted area on the page. Leave 68 to the left for the tick labels,
        45 below for the axis label and 45 above for the title.
    xlim, ylim : tuple of float
        Range of the data. Curves are cut off at the box.
    title, xlabel, ylabel : str
        The message of the chart, and the quantity of each axis with its unit and norm.
    xticks, yticks : sequence of float, optional
        Round numbers unless given.
    xformat, yformat : callable
        Writes a tick; :func:`rsbd.words.percent` writes per cent.
    above : int
        Lines of a :meth:`key` between the title and the box.
    glide : bool
        If true, curves move to their new course, and the page keeps the last one as a thin line.

    Examples
    --------
    >>> chart = Chart((70, 50, 590, 400), (0, 4), (0, 1), "certified accuracy", "L0 radius (pixels)", yformat=percent)
    >>> chart.x(2), chart.y(0.5)
    (330.0, 225.0)
    >>> page = svg.document(600, 450, [chart.frame(), chart.step([0, 1, 2], [1, 0.5, 0], svg.BLUE)])
    >>> page.startswith("<svg")
    True
    """

    box: Box
    xlim: tuple[float, float]
    ylim: tuple[float, float]
    title: str = ""
    xlabel: str = ""
    ylabel: str = ""
    xticks: Sequence[float] | None = None
    yticks: Sequence[float] | None = None
    xformat: _Format = "{:g}".format
    yformat: _Format = "{:g}".format
    above: int = 0
    glide: bool = True

    def x(self, value: float) -> float:
        """Return where on the page a value on the horizontal axis stands."""
        (low, high), (left, _, right, _) = self.xlim, self.box
        return left + (right - left) / (high - low) * (value - low)

    def y(self, value: float) -> float:
        """Return where on the page a value on the vertical axis stands."""
        (low, high), (_, top, _, bottom) = self.ylim, self.box
        return bottom + (top - bottom) / (high - low) * (value - low)

    @classmethod
    def of_shares(
        cls, box: Box, xlim: tuple[float, float], title: str = "", xlabel: str = "", top: float = 1.04, **more: Any
    ) -> "Chart":
        """Return a chart whose vertical axis holds shares in per cent, up to ``top``."""
        return cls(box, xlim, (0, top), title, xlabel, yticks=(0, 0.25, 0.5, 0.75, 1), yformat=percent, **more)

    def frame(self) -> str:
        """Draw title, ticks with faint horizontal lines, and the labels of the axes."""
        left, top, right, bottom = self.box
        parts = [svg.text(left - 60, top - 20 - _LINE * self.above, self.title, weight=600)]
        for tick in ticks(*self.ylim) if self.yticks is None else self.yticks:
            parts.append(svg.line(left, self.y(tick), right, self.y(tick), svg.GRID))
            parts.append(svg.text(left - 8, self.y(tick) + 5.5, self.yformat(tick), anchor="end", fill=svg.SOFT))
        for tick in ticks(*self.xlim) if self.xticks is None else self.xticks:
            parts.append(svg.line(self.x(tick), bottom, self.x(tick), bottom + 5, svg.SOFT))
            parts.append(svg.text(self.x(tick), bottom + 25, self.xformat(tick), anchor="middle", fill=svg.SOFT))
        parts.append(svg.line(left, bottom, right, bottom, svg.SOFT))
        parts.append(svg.text((left + right) / 2, bottom + 46, self.xlabel, anchor="middle"))
        if self.ylabel:
            parts.append(svg.text(left - 50, (top + bottom) / 2, self.ylabel, anchor="middle", turn=-90))
        return "".join(parts)

    def filled(self, *pieces: str) -> str:
        """Draw the frame and these pieces on it, the first one lowest."""
        return "".join([self.frame(), *pieces])

    def line(self, xs: _Values, ys: _Values, colour: str, dash: str = "", width: float = 3) -> str:
        """Draw a curve; :meth:`key` names it."""
        axes = repr((self.box, self.xlim, self.ylim, colour)).encode()  # curves on other axes are not compared
        name = f"{zlib.crc32(axes):x}" if self.glide else ""
        return self._cut(svg.path(self._points(xs, ys), colour, width, dash, glide=name))

    def step(self, xs: _Values, ys: _Values, colour: str, dash: str = "", width: float = 3) -> str:
        """Draw a curve over whole numbers; a curve that ends at zero goes on at zero to the end of the axis."""
        corners = level_around(xs, ys)
        if not corners[1][-1]:
            corners[0][-1] = max(corners[0][-1], self.xlim[1])
        return self.line(*corners, colour, dash, width)

    def band(self, xs: _Values, low: _Values, high: _Values, colour: str, opacity: float = 0.2) -> str:
        """Fill the area between two curves."""
        around = self._points([*_list(xs), *reversed(_list(xs))], [*_list(low), *reversed(_list(high))])
        return self._cut(f'<g opacity="{opacity:g}">{svg.path(around + "Z", "none", 0, fill=colour)}</g>')

    def area(self, rings: Sequence[AnyFloats], colour: str, opacity: float = 0.2) -> str:
        """Fill closed rings of points, each (points, 2); a ring inside another that turns the other way is a hole."""
        around = "".join(self._points(ring[:, 0], ring[:, 1]) + "Z" for ring in rings)
        return self._cut(f'<g opacity="{opacity:g}">{svg.path(around, "none", 0, fill=colour)}</g>')

    def mark(self, x: float, y: float, colour: str, shape: str = "circle", size: float = 7) -> str:
        """Mark a point."""
        return svg.marker(self.x(x), self.y(y), shape, colour, size)

    def upright(self, x: float, colour: str, label: str = "", high: float = 0) -> str:
        """Draw a vertical line at a value of the horizontal axis; its label stands ``high`` above the usual height."""
        if not min(self.xlim) <= x <= max(self.xlim):
            return ""
        anchor = "start" if self.x(x) < (self.box[0] + self.box[2]) / 2 else "end"
        top, aside = self.box[1] - high, 6 if anchor == "start" else -6
        line = svg.line(self.x(x), top - 6, self.x(x), self.box[3], colour, 3, "3 5")
        return line + svg.label(self.x(x) + aside, top + 12, label, anchor)

    def budget(self, x: float, label: str) -> str:
        """Mark the attacker's budget on the horizontal axis, or its end with an arrow if the budget lies beyond."""
        end = self.xlim[1]
        return self.upright(min(x, end), svg.VERMILLION, label + (" \u2192" if x > end else ""), high=26)

    def key(self, *curves: tuple[str, str, str], across: int = 2, wide: float = 300, high: float = 20) -> str:
        """Name curves in lines above the box, each as ``(words, colour, dash)`` beside a piece of the curve."""
        parts, lines = [], -(-len(curves) // across)
        for i, (words, colour, dash) in enumerate(curves):
            x, y = self.box[0] - 60 + i % across * wide, self.box[1] - high - _LINE * (lines - 1 - i // across)
            parts.append(svg.line(x, y - 6, x + 46, y - 6, colour, 3, dash))
            parts.append(svg.text(x + 56, y, words, weight=600))
        return "".join(parts)

    def note(self, *words: str) -> str:
        """Write a remark in lines below the axis."""
        return svg.lines(self.box[0] - 60, self.box[3] + 72, words, fill=svg.SOFT)

    def grip(self, said: str, x: str = "", y: str = "") -> str:
        """Let a click or a drag in the box set the parameters ``x`` and ``y``; goes last, above all that is drawn."""
        left, top, right, bottom = self.box
        axes = {"x": (x, *self.xlim, left, right), "y": (y, *self.ylim, bottom, top)}
        asked = svg.escape(json.dumps({axis: spec for axis, spec in axes.items() if spec[0]}))
        area = svg.rect(left, top, right - left, bottom - top, "transparent")
        return f'<g data-drag="{asked}"><title>{svg.escape(said)}</title>{area}</g>'

    def _points(self, xs: _Values, ys: _Values) -> str:
        return "M" + "L".join(f"{self.x(a):.1f} {self.y(b):.1f}" for a, b in zip(_list(xs), _list(ys), strict=True))

    def _cut(self, drawn: str) -> str:
        """Cut a drawing off at the box. An inner ``<svg>`` needs no name, which could occur twice on a page."""
        left, top, right, bottom = self.box
        edge = 3.0  # a thick line along the axis stays whole
        at = f"{left - edge:.1f} {top - edge:.1f} {right - left + 2 * edge:.1f} {bottom - top + 2 * edge:.1f}"
        x, y, w, h = at.split()
        return f'<svg x="{x}" y="{y}" width="{w}" height="{h}" viewBox="{at}">{drawn}</svg>'


def level_around(xs: _Values, ys: _Values) -> tuple[AnyFloats, AnyFloats]:
    """Return the corners of a curve that is level around each whole number: above 1 stands the value at 1.

    Examples
    --------
    >>> [corners.tolist() for corners in level_around([0, 1], [0.9, 0.4])]
    [[-0.5, 0.5, 0.5, 1.5], [0.9, 0.9, 0.4, 0.4]]
    """
    at = np.repeat(np.asarray(xs, dtype=float), 2)
    return at + np.tile([-0.5, 0.5], len(xs)), np.repeat(np.asarray(ys, dtype=float), 2)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return at most ``most`` round numbers from ``low`` to ``high``.

    Examples
    --------
    >>> ticks(0, 1), ticks(0, 13)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [0.0, 5.0, 10.0])
    """
    rough = (high - low) / (most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def radii_for(radius: AnyFloats | Ints, norm: str) -> Floats:
    """Choose the radii of a curve: every whole number, or a hundred lengths up to a round number.

    Parameters
    ----------
    radius : array, (points,)
        The certified radius of each point.
    norm : str
        "L0" for whole radii, any other norm for lengths.

    Examples
    --------
    >>> radii_for(np.array([3, -1]), "L0"), radii_for(np.array([0.3]), "L2")[-1]
    (array([0., 1., 2., 3., 4., 5.]), np.float64(0.5))
    """
    most = float(np.max(radius, initial=0))
    if norm == "L0":  # noise that forgets everything certifies every radius
        return np.arange(min(max(6, most + 2), 502), dtype=float)
    end = next((e for e in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0) if most < e), min(most * 1.1, 100.0))
    return np.linspace(0, end, 101)


def half_certified(radii: AnyFloats | Sequence[int], accuracies: Floats) -> tuple[float, float]:
    """Return the largest radius at which half of the points are certified, or the smallest above 0, and their share.

    Examples
    --------
    >>> half_certified([0, 1, 2, 3], np.array([0.9, 0.8, 0.6, 0.1])), half_certified([0, 1], np.array([0.4, 0.2]))
    ((2.0, 0.6), (1.0, 0.2))
    """
    at = np.asarray(radii, dtype=float)
    held = at[(accuracies >= 0.5) & (at > 0)]
    radius = float(held.max() if held.size else at[at > 0].min())
    return radius, float(accuracies[np.searchsorted(at, radius)])


def bars(
    box: Box, names: Sequence[str], values: Sequence[float], colours: Sequence[str], height: float = 26,
    gap: float = 12, spans: Mapping[str, tuple[float, float]] | None = None
) -> str:  # fmt: skip
    """Draw named horizontal bars for shares in [0, 1] with their figures; the bars begin at ``box[0]``.

    A value that is NaN gets its name and "none to test", never a bar of length 0. ``spans`` holds by name the intervals
    that bound values.
    """
    parts = []
    for i, (name, value, colour) in enumerate(zip(names, values, colours, strict=True)):
        top = box[1] + i * (height + gap)
        parts.append(svg.text(box[0] - 10, top + height / 2 + 6, name, anchor="end"))
        if math.isnan(value):
            parts.append(svg.text(box[0], top + height / 2 + 6, percent(value), fill=svg.SOFT))
        else:
            span = (spans or {}).get(name)
            parts.append(svg.bar(box[0], top, box[2] - box[0] - 72, height, value, colour, span, f"{name} {top:g}"))
    return "".join(parts)


def share_map(
    box: Box, shares: Floats, rows: Sequence[str], columns: Sequence[str], framed: tuple[int, int] | None = None,
    wish: Callable[[int, int], tuple[str, Mapping[str, Any]] | None] | None = None
) -> str:  # fmt: skip
    """Draw a map of shares, the first row lowest, with its names: the bluer a cell, the larger its figure in per cent.

    No cell is so blue that its figure is hard to read. The cell ``framed``, given by row and column, is outlined if the
    map has it. A click on the cell ``(i, j)`` sets the parameters of ``wish(i, j)``, which names the cell in words too.
    """
    left, top, right, bottom = box
    wide, high, parts = (right - left) / len(columns), (bottom - top) / len(rows), []
    for (i, j), share in np.ndenumerate(shares):
        x, y = left + j * wide, bottom - (i + 1) * high
        ink, weight = (svg.INK, 700) if share else (svg.SOFT, 400)
        said = svg.text(x + wide / 2, y + high / 2 + 6, percent(share)[:-2], anchor="middle", weight=weight, fill=ink)
        cell = svg.rect(x, y, wide, high, svg.BLUE, opacity=0.12 + 0.48 * float(share)) if share else ""
        cell += svg.rect(x, y, wide, high, "none", svg.GRID) + said
        asked = wish(i, j) if wish else None
        parts.append(svg.touchable(cell, f"{asked[0]}: {percent(share)} proved", asked[1]) if asked else cell)
    for i, name in enumerate(rows):
        parts.append(svg.text(left - 9, bottom - (i + 0.5) * high + 6, name, anchor="end", fill=svg.SOFT))
    for j, name in enumerate(columns):
        parts.append(svg.text(left + (j + 0.5) * wide, bottom + 22, name, anchor="middle", fill=svg.SOFT))
    if framed is not None and framed[0] < len(rows) and framed[1] < len(columns):
        parts.append(svg.outline(left + framed[1] * wide, bottom - (framed[0] + 1) * high, wide, high))
    return "".join(parts)


def _list(values: _Values) -> list[float]:
    return [float(v) for v in values]
