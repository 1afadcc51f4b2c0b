"""SVG from data: small pure functions that return strings, fast enough to redraw while a slider moves.

Text takes the page's own colours through CSS variables, so that a picture is readable in a light and in a dark
theme; a page without a theme shows the second value of each variable. The colours are Okabe and Ito's, which
colour-blind readers can tell apart, and colour is never the only difference between two marks.
"""

import base64
import functools
import json
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape as _escape
from typing import Any

import numpy as np

from rsbd.types import AnyFloats
from rsbd.words import percent

BLUE = "var(--rsbd-blue,#0072b2)"  # in a dark theme the page makes it Okabe and Ito's sky blue
ORANGE, GREEN, VERMILLION = "#e69f00", "#009e73", "#d55e00"
INK = "var(--rsbd-ink,#1a1a1a)"
SOFT = "var(--rsbd-soft,#444)"
PAPER = "var(--rsbd-paper,#fff)"
GRID = "var(--rsbd-grid,#d0d0d0)"
_SIZE = 19.0  # font size of all words but a few larger ones: on stage about a 42nd of the height of a slide
_FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',sans-serif"


@dataclass(frozen=True, repr=False)
class Picture:
    """The drawing, a description of it in words, and the result as a sentence; a notebook shows all three.

    There the drawing is an image, since JupyterLab takes SVG proper out of notebooks that it does not trust.

    Attributes
    ----------
    svg : str
        One complete ``<svg>`` element.
    alt : str
        What the drawing shows, with the current parameters, for a reader who does not see it.
    sentence : str
        The result in words, with its limits.
    note : str
        The evidence behind the result, shown beside its state: "200 of 1,000 models".
    width : int
        Pixels that it takes in a notebook at most.
    """

    svg: str
    alt: str
    sentence: str
    note: str = ""
    width: int = 1200

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.svg.encode()).decode()
        image = (
            f'<img src="data:image/svg+xml;base64,{data}" alt="{escape(self.alt)}" '
            f'style="width:100%;max-width:{self.width}px">'
        )
        return f'<figure style="margin:0">{image}<figcaption>{escape(self.sentence)}</figcaption></figure>'

    def __repr__(self) -> str:
        return self.sentence


def escape(value: object) -> str:
    """Make text safe inside SVG and HTML, attributes included, and drop control characters.

    Examples
    --------
    >>> escape('<a href="x">')
    '&lt;a href=&quot;x&quot;&gt;'
    """
    return _escape("".join(c for c in str(value) if c.isprintable() or c == " "), quote=True)


def document(
    width: float, height: float, parts: Iterable[str], stack: Iterable[tuple[float, float, float, float]] = ()
) -> str:
    """Return one ``<svg>`` that fills its column at any size.

    A page on which its letters would be too small shows the boxes of ``stack``, each (left, top, right, bottom), one
    after the other.
    """
    boxes = ";".join(f"{a:g} {b:g} {c - a:g} {d - b:g}" for a, b, c, d in stack)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" data-stack="{boxes}" '
        f'font-family="{escape(_FONT)}" style="fill:{INK}">{"".join(parts)}</svg>'
    )


def halves(*parts: str, height: float = 506, cut: float = 0) -> str:
    """Return a document of a left and a right half, each 452 units wide, which a phone shows below each other.

    The right half is in two parts, above and below the height ``cut``, if that is not 0.
    """
    right = [(460, top, 912, low) for top, low in ((0, cut), (cut, height)) if top < low]
    return document(912, height, parts, [(0, 0, 452, height), *right])


def themed(picture: str) -> str:
    """Return a document for a page that sets none of the colours: they follow its colour scheme, light or dark."""
    dark = "--rsbd-ink:#eee;--rsbd-soft:#bbb;--rsbd-paper:#111;--rsbd-grid:#444;--rsbd-blue:#56b4e9"
    start, end, body = picture.partition(">")
    return f"{start}{end}<style>@media(prefers-color-scheme:dark){{svg{{{dark}}}}}</style>{body}"


def touchable(drawn: str, said: str, wish: Mapping[str, Any]) -> str:
    """Let a click on a drawing set parameters of its panel; ``said`` is what the pointer shows above it."""
    return f'<g data-set="{escape(json.dumps(wish))}"><title>{escape(said)}</title>{drawn}</g>'


def text(
    x: float, y: float, words: object, size: float = _SIZE, anchor: str = "start", weight: int = 400,
    fill: str = INK, turn: float = 0, halo: bool = False
) -> str:  # fmt: skip
    """Write words at a point; ``halo`` outlines them in the paper's colour, for words that cross a line."""
    if words == "":
        return ""
    turned = f' transform="rotate({turn:g} {x:.1f} {y:.1f})"' if turn else ""
    edge = f";stroke:{PAPER};stroke-width:4px;paint-order:stroke;stroke-linejoin:round" if halo else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="{anchor}" font-weight="{weight}"'
        f'{turned} style="fill:{fill}{edge}">{escape(words)}</text>'
    )


def lines(x: float, y: float, words: Iterable[str], gap: float = 24, fill: str = INK, weight: int = 400) -> str:
    """Write lines of words below each other."""
    return "".join(text(x, y + gap * i, line, weight=weight, fill=fill) for i, line in enumerate(words))


def large(x: float, y: float, share: float, size: float = 56) -> str:
    """Write what is proved in large figures."""
    return text(x, y, percent(share), size, weight=700, fill=BLUE if share else SOFT)


def label(x: float, y: float, words: object, anchor: str = "start", weight: int = 600) -> str:
    """Write bold words that may cross a line."""
    return text(x, y, words, anchor=anchor, weight=weight, halo=True)


def rect(
    x: float, y: float, w: float, h: float, fill: str, stroke: str = "none", width: float = 1, opacity: float = 1,
    glide: str = ""
) -> str:  # fmt: skip
    """Draw a rectangle; ``opacity`` is that of its fill, and ``glide`` a name under which it moves on the page."""
    named = f'data-glide="{escape(glide)}" ' if glide else ""
    thin = f";fill-opacity:{opacity:.3g}" if opacity < 1 else ""
    return (
        f'<rect {named}x="{x:.1f}" y="{y:.1f}" width="{max(w, 0):.1f}" height="{max(h, 0):.1f}" '
        f'style="fill:{fill};stroke:{stroke};stroke-width:{width:g}{thin}"/>'
    )


def outline(x: float, y: float, wide: float, high: float, width: float = 4) -> str:
    """Draw a frame in vermillion on white, which shows on every colour."""
    return rect(x, y, wide, high, "none", "#fff", 1.75 * width) + rect(x, y, wide, high, "none", VERMILLION, width)


def path(d: str, stroke: str, width: float = 2, dash: str = "", fill: str = "none", glide: str = "") -> str:
    """Draw a path; ``dash`` is SVG's dash list, and ``glide`` a name under which the path moves on the page."""
    named = f'data-glide="{escape(glide)}" ' if glide else ""
    dashed = f";stroke-dasharray:{dash}" if dash else ""
    return f'<path {named}d="{d}" style="fill:{fill};stroke:{stroke};stroke-width:{width:g}{dashed}"/>'


def line(x1: float, y1: float, x2: float, y2: float, stroke: str, width: float = 1, dash: str = "") -> str:
    """Draw a straight line."""
    return path(f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}", stroke, width, dash)


def marker(x: float, y: float, shape: str, fill: str, size: float = 6) -> str:
    """Draw a ``circle``, ``square``, ``diamond`` or ``triangle`` at a point."""
    if shape == "circle":
        style = f"fill:{fill};stroke:{PAPER};stroke-width:1.5"
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:g}" style="{style}"/>'
    shapes: dict[str, list[tuple[float, float]]] = {
        "square": [(-1, -1), (1, -1), (1, 1), (-1, 1)],
        "diamond": [(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)],
        "triangle": [(0, -1.2), (1.2, 1), (-1.2, 1)],
    }
    d = "M" + "L".join(f"{x + size * dx:.1f} {y + size * dy:.1f}" for dx, dy in shapes[shape]) + "Z"
    return path(d, PAPER, 1.5, fill=fill)


def bar(
    x: float, y: float, length: float, height: float, value: float, colour: str,
    span: tuple[float, float] | None = None, glide: str = ""
) -> str:  # fmt: skip
    """Draw a horizontal bar for a share in [0, 1] with its figure; ``span`` is an interval that bounds the share."""
    drawn = rect(x, y, length, height, "none", GRID)
    drawn += rect(x, y, length * float(value), height, colour, colour, 2.5, glide=glide)
    if span is not None and span[0] < span[1]:
        low, high, middle = x + length * span[0], x + length * span[1], y + height / 2
        ends = "".join(f"M{end:.1f} {y + 3:.1f}V{y + height - 3:.1f}" for end in (low, high))
        whisker = f"M{low:.1f} {middle:.1f}H{high:.1f}{ends}"
        drawn += path(whisker, PAPER, 5) + path(whisker, INK, 2)
    return drawn + text(x + length + 8, y + height * 0.5 + 5.5, percent(float(value)), weight=600)


def captioned(
    pixels: AnyFloats, x: float, y: float, size: float, said: str, below: float, border: str = GRID,
    width: float = 1, weight: int = 400
) -> str:  # fmt: skip
    """Draw a square image with words in the middle under it, ``below`` its lower edge."""
    words = text(x + size / 2, y + size + below, said, anchor="middle", weight=weight)
    return image(pixels, x, y, size, border, width) + words


def image(pixels: AnyFloats, x: float, y: float, size: float, border: str = GRID, width: float = 1) -> str:
    """Draw an image with crisp pixels, ``size`` high.

    Parameters
    ----------
    pixels : array, (height, width) or (channels, height, width), in [0, 1]
        Gray or RGB.
    """
    grid = np.ascontiguousarray(np.clip(np.asarray(pixels, dtype=np.float64), 0, 1) * 255 + 0.5, dtype=np.uint8)
    if grid.ndim == 3:
        grid = np.ascontiguousarray(np.moveaxis(grid, 0, -1) if grid.shape[0] == 3 else grid[0])
    wide = size * grid.shape[1] / grid.shape[0]
    return (
        f'<image x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{size:.1f}" preserveAspectRatio="none" '
        f'style="image-rendering:pixelated" href="{_png(grid.tobytes(), grid.shape)}"/>'
        + rect(x, y, wide, size, "none", border, width)
    )


@functools.lru_cache(maxsize=512)
def _png(data: bytes, shape: tuple[int, ...]) -> str:
    """Encode 8-bit gray or RGB as a PNG data URI."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    row = len(data) // shape[0]
    filtered = b"".join(b"\0" + data[i * row : (i + 1) * row] for i in range(shape[0]))
    header = struct.pack(">IIBBBBB", shape[1], shape[0], 8, 2 if len(shape) == 3 else 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(filtered, 6)) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + body).decode()
