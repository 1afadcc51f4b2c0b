"""A notebook as a page: its cells, pictures and tables that get room on a phone, and panels that stop at settings."""

import base64
import html
import re
from typing import Any

from nbconvert.filters.highlight import Highlight2HTML
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from rsbd.course.site.formulas import draw_formula
from rsbd.course.templates import fill_page
from rsbd.panels.svg import escape
from rsbd.version import __version__

_SMALLEST = 12  # pixels of the smallest letters, in pictures too
_IMAGE = re.compile(r'<img src="data:image/svg\+xml;base64,([^"]+)"([^>]*?)style="width:100%;max-width:(\d+)px">')
_LINK = re.compile(r'<a href="(\w+)\.(?:ipynb|md)(#[^"]*)?"[^>]*>(.*?)</a>', re.DOTALL)
_SHARED = "../panels/calm.js", "../panels/stack.js", "lecture/stops.js"


class _Prose(IPythonRenderer):
    """Markdown as nbconvert writes it, but with formulas as pictures."""

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        """Return a heading that links and the search can lead to."""
        name = "-".join(html.unescape(re.sub("<[^>]*>", "", text)).lower().split())
        return f'<h{level} id="{escape(name)}">{text}</h{level}>\n'

    def inline_math(self, body: str) -> str:
        """Return a formula in a line."""
        return draw_formula(html.unescape(body))

    def block_math(self, body: str) -> str:
        """Return a formula on a line of its own, whose parts a narrow screen shows below each other."""
        parts = re.split(r"\\qquad|(?=\\;\\[gl]e)", html.unescape(body))
        return f'<div class="wide">{" ".join(map(draw_formula, parts))}</div>'


def prose(markdown: str) -> str:
    r"""Return Markdown as HTML.

    Examples
    --------
    >>> prose("## Two *words*")
    '<h2 id="two-words">Two <em>words</em></h2>\n'
    """
    return str(MarkdownWithMath(renderer=_Prose(escape=False)).render(markdown))


def course_page(stem: str, title: str, inner: str, known: set[str], **values: object) -> str:
    """Return a page of the course.

    Parameters
    ----------
    stem, title : str
        The name of its file without suffix, and its title.
    inner : str
        The template of what stands on it, beside this file; ``values`` are what it and ``course.html.j2`` ask for.
    known : set of str
        The stems of all pages, in lower case; links to other files become plain text.
    """

    def led(link: re.Match[str]) -> str:
        stem = link[1].lower() if link[1].isupper() else link[1]
        return f'<a href="{stem}.html{link[2] or ""}">{link[3]}</a>' if stem in known else link[3]

    def fitted(body: str) -> str:
        body = re.sub(r'<style>[^<]*</style>(?=<div class="rsbd-still">)', "", str(body))  # JupyterLab's rules
        body = _IMAGE.sub(_fitting, body).replace("<table", '<div class="wide"><table')
        return _LINK.sub(led, body.replace("</table>", "</table></div>"))

    scripts = (*_SHARED, "site/search.js" if stem == "search" else "site/site.js")
    tools = {"prose": prose, "highlight": Highlight2HTML(pygments_lexer="python3"), "fitted": fitted}
    values |= {"stem": stem, "inner": f"site/{inner}", "version": __version__, "least_width": least_width}
    return fill_page("site/course.html.j2", title, scripts, ("site/site.css",), **tools, **values)


def least_width(picture: str) -> int:
    """Return the width in pixels at which the smallest letters of an SVG can be read.

    Examples
    --------
    >>> least_width('<svg viewBox="0 0 1200 500"><text font-size="18">a</text></svg>')
    800
    """
    wide = re.search(r'viewBox="[-\d.]+ [-\d.]+ ([\d.]+)', picture)
    sizes = [float(size) for size in re.findall(r'font(?:-size)?[:=] ?"?([\d.]+)', picture)]
    return round(float(wide[1]) * _SMALLEST / min(sizes)) if wide and sizes else 0


def _fitting(image: re.Match[str]) -> str:
    """Return a picture that a narrow screen scrolls sideways before its letters get too small."""
    least = min(least_width(base64.b64decode(image[1]).decode()), int(image[3]))
    style = f"width:100%;max-width:{image[3]}px;min-width:{least}px"
    return f'<div class="wide"><img src="data:image/svg+xml;base64,{image[1]}"{image[2]}style="{style}"></div>'
