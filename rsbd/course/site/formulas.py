"""Formulas as pictures, so that a page needs no typesetting program."""

import re
from functools import cache

from matplotlib.font_manager import FontProperties
from matplotlib.path import Path as Outline
from matplotlib.textpath import TextPath

from rsbd.panels.svg import escape

_UNITS = 9  # of the drawing to an em of the text, whose letters are larger than those of formulas
_LETTERS = {Outline.MOVETO: "M", Outline.LINETO: "L", Outline.CURVE3: "Q", Outline.CURVE4: "C", Outline.CLOSEPOLY: "Z"}
# Names of TeX that matplotlib lacks: sizes of brackets are left out, the others have another name.
_NAMES = (
    (r"\\[bB]igg?(?![a-zA-Z])", ""),
    (r"\\([lg])e(?![a-zA-Z])", r"\\\1eq"),
    (r"\\tfrac", r"\\frac"),
    (r"\\(mathcal|mathbb) (\w)", r"\\\1{\2}"),
)


@cache
def draw_formula(tex: str) -> str:
    r"""Return a formula as SVG in the size and the colour of the text around it; its name is its TeX.

    Examples
    --------
    >>> draw_formula(r"p \ge \tfrac12")[:50]
    '<svg role="img" aria-label="p \\ge \\tfrac12" viewBo'
    """
    known = " ".join(tex.split())
    for pattern, name in _NAMES:
        known = re.sub(pattern, name, known)
    known = re.sub(r"\\frac(\d)(\d)", r"\\frac{\1}{\2}", known)
    drawn = TextPath((0, 0), f"${known}$", size=10, prop=FontProperties(family="serif", math_fontfamily="cm"))
    left, low, right, high = drawn.get_extents().extents
    segments = drawn.iter_segments(simplify=False)
    strokes = "".join(
        _LETTERS[code] + ("" if code == Outline.CLOSEPOLY else " ".join(f"{v:.2f}" for v in points))
        for points, code in segments
    )
    box = f"{left:.2f} {-high:.2f} {right - left:.2f} {high - low:.2f}"
    size = f"width:{(right - left) / _UNITS:.2f}em;height:{(high - low) / _UNITS:.2f}em"
    return (
        f'<svg role="img" aria-label="{escape(" ".join(tex.split()))}" viewBox="{box}" '
        f'style="{size};vertical-align:{low / _UNITS:.2f}em;fill:currentColor;overflow:visible">'
        f'<path transform="scale(1 -1)" d="{strokes}"/></svg>'
    )
