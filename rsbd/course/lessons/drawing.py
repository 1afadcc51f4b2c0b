"""What the pictures of several notebooks share: colours that follow the theme, labels beside points, names of axes."""

import io
import re
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
