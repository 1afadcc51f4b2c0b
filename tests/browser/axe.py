"""Run axe-core, which finds what keeps people with disabilities from using a page."""

from __future__ import annotations

from pathlib import Path

AXE = (Path(__file__).parent / "axe.js").read_text("utf-8")
_FINE: set[str] = set()  # looks of texts in which axe found nothing


def violations(page, within: str = "body") -> list[str]:
    """Return the serious and critical violations inside a part of the page, in words.

    Contrasts take most of the time, and axe judges texts that look alike in the same way: each look is judged once.
    """
    import axe_playwright_python

    if not page.evaluate("() => 'axe' in window"):
        page.evaluate((Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8"))
    found, looks = page.evaluate(AXE, [within, list(_FINE)])
    if not found:
        _FINE.update(looks)
    return list(found)
