"""What the pictures of several notebooks share: curves with their names, and colours that follow the theme."""

import io
import re
from collections.abc import Mapping
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rsbd.plots import STYLES
from rsbd.types import ArrayLike


def draw_curves(ax: Axes, x: ArrayLike, curves: Mapping[str, ArrayLike], **look: Any) -> None:
    """Draw curves by name, each in a style of its own; :func:`rsbd.plots.name_axes` writes the names above them."""
    for (name, y), (colour, dashes) in zip(curves.items(), STYLES, strict=False):
        ax.plot(x, y, color=colour, linestyle=dashes, linewidth=3, label=name, **look)


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
