"""What a cell shows: prose, tables and pictures that can be read without a kernel, without sight, without colours."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import matplotlib
import mistune
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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


_COLOUR = r"#[0-9a-f]{6}\b"
_DARK = {"#0072b2": "#56b4e9", "#005a8c": "#7cc4ee", "#a34700": "#f58a4b", "#a63d00": "#f58a4b"}


def themed_svg(figure: Figure) -> str:
    """Return a figure as SVG without a ground. Its ink follows the theme of the page; equal figures give equal text.

    An image in a page takes the page's colour scheme, light or dark, for which JupyterLab has its theme. There grays
    are turned around, and blue and the dark browns become lighter.
    """
    file = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "rsbd", "svg.fonttype": "none"}):
        about = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(file, format="svg", transparent=True, metadata=about)
    start, body = re.sub(r"(\d\.\d\d)\d+", r"\1", file.getvalue()).partition("<svg")[2].split(">", 1)
    dark = {colour: _dark(colour) for colour in {"#000000", *re.findall(_COLOUR, body)}}
    body = re.sub(_COLOUR, lambda found: f"var(--{found[0][1:]},{found[0]})" if dark[found[0]] else found[0], body)
    theme = "".join(f"--{colour[1:]}:{other};" for colour, other in sorted(dark.items()) if other)
    style = f"svg{{fill:var(--000000,#000)}}@media(prefers-color-scheme:dark){{svg{{{theme}}}}}"
    return f"<svg{start}><style>{style}</style>{body}"


def _dark(colour: str) -> str:
    """Return what a colour becomes in a dark theme, or nothing if it stays."""
    gray = int(colour[1:3], 16)
    turned = 238 - round(gray * 221 / 255)  # from #eee for black to #111 for white
    return (
        f"#{turned:02x}{turned:02x}{turned:02x}"
        if colour == f"#{gray:02x}{gray:02x}{gray:02x}"
        else _DARK.get(colour, "")
    )
