"""What a cell shows: prose, tables and pictures that can be read without a kernel, without sight, without colours."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import mistune
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rsbd.course.lessons.drawing import themed_svg
from rsbd.panels import Picture
from rsbd.words import percent


@dataclass(frozen=True)
class Said:
    """Markdown that a cell makes, so that its numbers are computed."""

    text: str

    @property
    def html(self) -> str:
        """The same as HTML, for widgets and for pages that know no Markdown."""
        return str(_MARKDOWN(self.text))

    def _repr_markdown_(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return re.sub(r'<img [^>]*alt="([^"]*)"[^>]*>', r"\1 ", self.text)  # the alt text, and not a page of base64


_MARKDOWN = mistune.create_markdown(escape=False, plugins=["table", "math"])
Part: TypeAlias = Said | Picture | str


def say(*parts: Part, **shares: float) -> Said:
    """Return prose, tables and figures below each other; in prose each ``{name}`` becomes that share in per cent.

    Examples
    --------
    >>> say("{seen} of them were fooled.", seen=0.975)
    98 % of them were fooled.
    """
    written = {name: percent(share) for name, share in shares.items()}
    shown = [Said(part.format(**written)) if isinstance(part, str) else part for part in parts]
    return Said("\n\n".join(part.text if isinstance(part, Said) else part._repr_html_() for part in shown))


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Said:
    """Return a Markdown table; floats are shares, shown in per cent.

    Examples
    --------
    >>> table(["radius", "certified"], [[1, 0.865]])
    | radius | certified |
    | --- | --- |
    | 1 | 86 % |
    """
    lines = [head, ["---"] * len(head)]
    lines += [[percent(cell) if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    return Said("\n".join(f"| {' | '.join(map(str, line))} |" for line in lines))


def figure(drawing: Axes | Figure, alt: str, caption: str) -> Picture:
    """Show a matplotlib drawing with alt text and a sentence; it follows the theme of the page.

    Parameters
    ----------
    drawing : Axes or Figure
        As the functions of :mod:`rsbd.plots` return it.
    alt : str
        A description for a reader who does not see the picture.
    caption : str
        The message of the picture.
    """
    sheet: Any = drawing if hasattr(drawing, "savefig") else drawing.figure
    return Picture(themed_svg(sheet), alt, caption, width=round(90 * sheet.get_figwidth()))


def falls(radii: Sequence[float], accuracies: Sequence[float]) -> str:
    """Return a curve in words, for alt texts.

    Examples
    --------
    >>> falls([0, 1], [0.99, 0.865])
    '99 % at radius 0, 86 % at radius 1'
    """
    pairs = zip(radii, accuracies, strict=True)
    return ", ".join(f"{percent(share)} at radius {radius:g}" for radius, share in pairs)
