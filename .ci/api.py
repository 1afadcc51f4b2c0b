"""Write the API pages from the docstrings: ``python .ci/api.py FOLDER`` (needs the extra ``docs``)."""

from __future__ import annotations

import importlib
import sys
import warnings
from pathlib import Path
from types import ModuleType

PAGES = "recipes attacks noises learners ensemble bounds tradeoff certify data audit panels plots"


def public(module: ModuleType) -> list[str]:
    """Return the names that a package offers: its `__all__`, or else what it imports from its own modules."""
    listed = getattr(module, "__all__", None)
    own = (name for name, value in vars(module).items() if getattr(value, "__module__", "").startswith("rsbd."))
    return list(listed or (name for name in own if not name.startswith("_")))


def write(folder: Path) -> None:
    """Write `index.html`, a page on `rsbd`, and one page for each part of it that users import."""
    import pdoc

    modules = ["rsbd", *(f"rsbd.{name}" for name in PAGES.split())]
    for module in map(importlib.import_module, modules):
        if hasattr(module, "__path__"):
            module.__all__ = public(module)
            for name in module.__all__:
                setattr(module, name, getattr(module, name))  # pdoc does not see what is imported on first use
    warnings.filterwarnings("ignore", "Error parsing type annotation")  # the page then shows the annotation's text
    warnings.filterwarnings("ignore", "The module specification 'rsbd.certify'")  # it is in `rsbd.__all__` as well
    pdoc.render.configure(docformat="numpy", show_source=False)
    pdoc.pdoc(*modules, output_directory=folder)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
