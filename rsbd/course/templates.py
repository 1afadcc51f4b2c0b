"""Fill templates into complete pages: each is one file that loads nothing and runs no script but its own."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_HERE = Path(__file__).parent
_STYLES = "lecture/look.css", "lecture/pages.css"
_TEMPLATES = Environment(
    loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
# `tojson` writes JSON that cannot end the script element around it.
_TEMPLATES.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}


def fill_page(
    template: str, title: str, scripts: Sequence[str] = (), styles: Sequence[str] = _STYLES, **values: object
) -> str:
    """Return a page: ``template`` is its body, and all names are paths from the folder of this file."""
    script, style = read_assets(*scripts), read_assets(*styles)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() if scripts else ""
    page = _TEMPLATES.get_template("page.html.j2")
    return page.render(template=template, title=title, script=script, style=style, digest=digest, **values)


def read_assets(*names: str) -> str:
    """Return scripts or stylesheets, one after another."""
    return "\n".join((_HERE / name).read_text("utf-8") for name in names)
