"""Show a widget, and in its place, where no kernel runs, a page that says the same."""

from typing import Any

import IPython.display
import ipywidgets as ipw

# A cell leaves two outputs: the page, then the widget. The style lets JupyterLab show one of them: the widget while a
# kernel runs it, else the page, so that nobody sees an empty place or "model not found". JupyterLab removes the style
# from notebooks that it does not trust; they show the page too.
_STYLE = (
    "<style>/* JupyterLab shows the panel while a kernel runs it, and this page otherwise. */"
    ".jp-OutputArea-child:has(.rsbd-still) + .jp-OutputArea-child:not(:has(.rsbd-live)),"
    ".jp-OutputArea-child:has(.rsbd-still):has(+ .jp-OutputArea-child .rsbd-live) {display: none}</style>"
)


def still_page(page: str, words: str) -> dict[str, str]:
    """Return the output that stands in the place of a widget: HTML, and the same in a few words."""
    return {"text/html": f'{_STYLE}<div class="rsbd-still">{page}</div>', "text/plain": words}


def show_live(widget: ipw.DOMWidget, page: str, words: str) -> Any:
    """Show a widget and its page; return the handle by which the page can be renewed."""
    display: Any = IPython.display.display
    handle = display(still_page(page, words), raw=True, display_id=True)
    bundle = widget.add_class("rsbd-live")._repr_mimebundle_()
    display({**(bundle[0] if isinstance(bundle, tuple) else bundle), "text/html": "", "text/plain": ""}, raw=True)
    return handle
