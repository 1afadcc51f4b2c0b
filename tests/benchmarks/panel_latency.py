"""Measure, in a real browser, the time from a key on a control to the new picture of the main panel.

Run ``python tests/benchmarks/panel_latency.py [presses]``; prints one row per control and writes them to
``.artifacts/panel_latency.json``. *First* is the first picture of the new value, a preview or the final one.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from browser.lab import ARTIFACTS, open_browser, write_notebook

CELLS = (
    "import os, psutil\nfrom rsbd.panels import backdoor\npanel = backdoor(num_models=1000)\npanel",
    "panel.wait()",
)
CONTROLS = (  # role, accessible name, its values in the picture's alt text, what it needs
    ("combobox", "alpha", r"alpha ([\d.e-]+)", "votes at hand"),
    ("slider", "keep", r"keep ([\d.]+)", "both ensembles retrained"),
    ("slider", "trigger (pixels)", r"trigger (\d+)", "poisoned ensemble retrained"),
    ("slider", "poison rate", r"poison rate ([\d.]+)", "poisoned ensemble retrained"),
    ("slider", "models", r"(\d+) models, alpha", "100 more models"),
)
WATCH = """pattern => {
    const picture = document.querySelector(".rsbd-picture");
    const value = () => picture.getAttribute("aria-label").match(new RegExp(pattern))[1];
    window.rsbdKey?.abort();
    window.rsbdSeen?.disconnect();
    window.rsbdKey = new AbortController();
    document.addEventListener("keydown", () => {
        window.rsbd = { pressed: performance.now(), before: value(), first: 0, final: 0 };
    }, { capture: true, signal: window.rsbdKey.signal });
    window.rsbdSeen = new MutationObserver(() => {
        const seen = window.rsbd;
        if (!seen || value() === seen.before) return;
        requestAnimationFrame(() => {  // when it is painted
            seen.first ||= performance.now();
            if (picture.getAttribute("aria-label").includes("(final)")) seen.final ||= performance.now();
        });
    });
    window.rsbdSeen.observe(picture, { attributes: true });
}"""


def main(presses: int = 30) -> None:
    """Print the table."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        name = write_notebook(Path(folder) / "notebooks", "latency.ipynb", *CELLS)
        with open_browser(Path(folder) / "notebooks", Path(folder) / "home") as open_page, open_page() as lab:
            lab.open(name)
            lab.run_all()
            for role, label, pattern, needs in CONTROLS:
                lab.page.evaluate(WATCH, pattern)
                control = lab.page.get_by_role(role, name=label, exact=True).first
                firsts, finals = [], []
                for press in range(
                    min(presses, 16 if label.startswith("trigger") else 30)
                ):  # to the end of the scale
                    control.focus()
                    step = ("ArrowDown", "ArrowUp")[press % 2] if role == "combobox" else "ArrowRight"
                    step = "ArrowLeft" if label == "keep" else step
                    lab.page.keyboard.press(step)
                    lab.page.wait_for_function("() => window.rsbd.final > 0", timeout=60_000)
                    seen = lab.page.evaluate("() => window.rsbd")
                    firsts.append(seen["first"] - seen["pressed"])
                    finals.append(seen["final"] - seen["pressed"])
                figures = {**_summary("first", firsts), **_summary("final", finals)}
                rows.append({"control": label, "needs": needs, **figures})
            complaints = lab.complaints
    print(f"{'control':18} {'needs':30} first: median   95 %  final: median   95 %  (ms)")
    for row in rows:
        print(
            f"{row['control']:18} {row['needs']:30} {row['first_median']:13.0f} {row['first_95']:6.0f} "
            f"{row['final_median']:14.0f} {row['final_95']:6.0f}"
        )
    ARTIFACTS.mkdir(exist_ok=True)
    (ARTIFACTS / "panel_latency.json").write_text(json.dumps(rows, indent=1))
    if complaints:
        sys.exit(f"the browser's console is not empty: {complaints}")


def _summary(name: str, times: list[float]) -> dict[str, float]:
    return {f"{name}_median": statistics.median(times), f"{name}_95": statistics.quantiles(times, n=20)[-1]}


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
