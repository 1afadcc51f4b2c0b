"""Explain the words of a panel, each by its entry in the glossary of the course."""

import functools
import re
from pathlib import Path

from rsbd.panels.svg import escape

_TOO_PLAIN = {"row", "point", "label", "target", "score", "patch", "slot", "model", "overlap", "band", "tight"}


@functools.cache
def entries() -> dict[str, str]:
    """Return the entries of the glossary by their words; nothing if this installation has no course."""
    package = Path(__file__).resolve().parents[1]
    stored = [folder / "GLOSSARY.md" for folder in (package.parent / "notebooks", package / "_course")]
    text = next((path.read_text("utf-8") for path in stored if path.is_file()), "")
    found = re.findall(r"^### (.+)\n\n((?:.+\n)+)", text, re.MULTILINE)
    return {word: _plain(entry) for word, entry in found if word not in _TOO_PLAIN}


def _plain(entry: str) -> str:
    """Return an entry without Markdown, and without the notebook that introduces it."""
    entry = re.sub(r"\*Introduced\s+in\*.*", "", " ".join(entry.split()))
    return re.sub(r"\[([^]]*)\]\([^)]*\)|[*`]", r"\1", entry).strip()


def explained(shown: str) -> str:
    """Return HTML with a fold for each word of the glossary that a picture or a sentence shows.

    Examples
    --------
    >>> explained("keep 0.8, <b>alpha</b> 0.001").count("<details"), explained("nothing")
    (2, '')
    """
    words = [word for word in entries() if re.search(rf"\b{re.escape(word)}s?\b", shown, re.IGNORECASE)]
    start = '<details><summary data-lm-suppress-shortcuts="true">'  # JupyterLab would take its keys for its own
    folds = (f"{start}{escape(word)}</summary>{escape(entries()[word])}</details>" for word in words)
    return f'<div class="rsbd-terms">Words: {"".join(folds)}</div>' if words else ""
