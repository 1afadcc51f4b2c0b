"""Run axe-core, which finds what keeps people with disabilities from using a page."""

from __future__ import annotations

from pathlib import Path


def violations(page, within: str = "body") -> list[str]:
    """Return the serious and critical violations inside a part of the page, in words."""
    import axe_playwright_python

    if not page.evaluate("() => 'axe' in window"):
        page.evaluate((Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8"))
    found = page.evaluate("within => axe.run(within, { resultTypes: ['violations'] })", within)["violations"]
    return [
        f"{v['impact']}: {v['id']} ({v['help']}) at {[node['target'] for node in v['nodes']][:4]}"
        for v in found
        if v["impact"] in ("serious", "critical")
    ]
