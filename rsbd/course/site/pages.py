"""A notebook as a page: nbconvert writes its cells, pictures and tables get room on a phone, panels get stops."""

import base64
import html
import re
from pathlib import Path
from typing import Any

from jinja2 import Template
from nbconvert.exporters import TemplateExporter
from nbconvert.filters.highlight import Highlight2HTML
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from rsbd.course.lecture import pages
from rsbd.course.lecture.frames import Frames
from rsbd.course.site.formulas import draw_formula
from rsbd.panels.svg import escape
from rsbd.version import __version__

_HERE = Path(__file__).parent
_PANEL = Template((_HERE / "page" / "panel.html.j2").read_text("utf-8"))
_SMALLEST = 12  # pixels of the smallest letters, in pictures too
_IMAGE = re.compile(r'<img src="data:image/svg\+xml;base64,([^"]+)"([^>]*?)style="width:100%;max-width:(\d+)px">')
_LINK = re.compile(r'<a href="(\w+)\.(?:ipynb|md)(#[^"]*)?"[^>]*>(.*?)</a>', re.DOTALL)


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
        """Return a formula on a line of its own."""
        return f'<div class="wide">{draw_formula(html.unescape(body))}</div>'


def prose(markdown: str) -> str:
    r"""Return Markdown as HTML.

    Examples
    --------
    >>> prose("## Two *words*")
    '<h2 id="two-words">Two <em>words</em></h2>\n'
    """
    return str(MarkdownWithMath(renderer=_Prose(escape=False)).render(markdown))


def notebook_body(notebook: NotebookNode, known: set[str], panels: list[Frames], **resources: Any) -> str:
    """Return the body of a page.

    Parameters
    ----------
    notebook : NotebookNode
        With its outputs.
    known : set of str
        The stems of all pages, in lower case; links to other files become plain text.
    panels : list of Frames
        The panels of the notebook, which take the place of their stored pictures.
    **resources
        What ``page/index.html.j2`` asks for.
    """
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "text/html" in output.get("data", {}):
                output.data["text/html"] = _still(output.data["text/html"], panels)
    filters = {"prose": prose, "highlight": Highlight2HTML(pygments_lexer="python3")}
    exporter = TemplateExporter(
        extra_template_basedirs=[str(_HERE)], template_name="page", file_extension=".html", filters=filters
    )
    body, _ = exporter.from_notebook_node(notebook, resources={"version": __version__, **resources})
    body = (
        _IMAGE.sub(_fitting, body).replace("<table", '<div class="wide"><table').replace("</table>", "</table></div>")
    )

    def led(link: re.Match[str]) -> str:
        stem = link[1].lower() if link[1].isupper() else link[1]
        return f'<a href="{stem}.html{link[2] or ""}">{link[3]}</a>' if stem in known else link[3]

    return _LINK.sub(led, body)


def course_page(title: str, body: str, *scripts: str) -> str:
    """Return a page of the course, which loads nothing."""
    scripts = tuple(f"../site/{name}" for name in scripts)
    shared = ("../../panels/calm.js", "../../panels/stack.js", "stops.js") if scripts else ()
    return pages.html_page(title, body, (*shared, *scripts), ("../site/site.css",))


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


def _still(output: str, panels: list[Frames]) -> str:
    """Return an output without JupyterLab's rules; the picture of a panel is replaced by its panel."""
    for frames in panels:
        if f'alt="{escape(frames.first.alt)}"' in output:
            parts = {"first": frames.first, "controls": pages.page_controls(frames), "made": pages.described(frames)}
            data = pages.as_json(pages.page_data(frames))
            return str(_PANEL.render(frames=frames, least=least_width(frames.first.svg), data=data, **parts))
    return re.sub(r'<style>[^<]*</style>(?=<div class="rsbd-still">)', "", output)


def _fitting(image: re.Match[str]) -> str:
    """Return a picture that a narrow screen scrolls sideways before its letters get too small."""
    least = min(least_width(base64.b64decode(image[1]).decode()), int(image[3]))
    style = f"width:100%;max-width:{image[3]}px;min-width:{least}px"
    return f'<div class="wide"><img src="data:image/svg+xml;base64,{image[1]}"{image[2]}style="{style}"></div>'
