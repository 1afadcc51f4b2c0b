"""Measure every panel in a real browser: from a key on a control to the new picture, after bursts, and in memory.

Run ``python tests/benchmarks/panel_latency.py [presses [panel ...]]``; prints the rows of each panel when it is done,
and writes a table to ``.artifacts/panel_latency.md`` and ``.json``. *First* is the first picture of the new value, a
preview or the final one; *burst* is the time from the last of sixty keys to the final picture of the last value;
*memory* is what 500 updates from code add to the kernel and to the page, once each value has been seen.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from browser.lab import ARTIFACTS, Lab, open_browser, write_notebook

SETUP = """
import os, psutil, ipywidgets
from rsbd.learners import undefended
from rsbd.learners import Learner
from rsbd.panels import PANELS, Slider
names = {names!r}
asked = {{"planted_asked": lambda: PANELS["planted"](wanted=0.75)}}  # the other way round
panels = {{name: (PANELS | asked)[name]() for name in names or [*PANELS, *asked]}}
for name, panel in panels.items():
    panel.wait()
    panel.widget.add_class(f"rsbd-test-{{name}}")

trained = []  # every time that a learner really trains, for whichever panel
def count(kind, train):
    kind.train = lambda self, *given: trained.append(kind) or train(self, *given)
for kind in Learner.__subclasses__():
    count(kind, kind.train)
ridge = undefended._ridge
undefended._ridge = lambda *given: trained.append("undefended") or ridge(*given)

def memory(panel, updates):
    sliders = [c for c in panel.controls.spec if isinstance(c, Slider)]
    wishes = []
    for c in sliders:
        start = getattr(panel.params, c.name)
        steps = [min(c.high, max(c.low, start + n * c.step)) for n in (1, 2, 1, 0)]
        wishes += [{{c.name: int(v) if isinstance(c.step, int) else round(v, 10)}} for v in steps]
    def update(times):
        for n in range(times):
            panel.set(**wishes[n % len(wishes)])
            panel.wait()
    update(2 * len(wishes))
    before = psutil.Process().memory_info().rss
    update(updates)
    return (psutil.Process().memory_info().rss - before) / 1e6

ipywidgets.VBox([panel.widget for panel in panels.values()])
"""
CONTROLS = """panel => [...panel.querySelectorAll(".rsbd-controls :is(select, input[type=checkbox], .noUi-handle)")]
    .filter(e => e.offsetParent).map((e, i) => { e.dataset.rsbdTest = i; return {
        at: i, kind: e.matches("select") ? "choice" : e.matches("input") ? "toggle" : "slider",
        label: e.getAttribute("aria-label") || e.closest(".jupyter-widgets").innerText.split("\\n")[0].trim() }; })"""
WATCH = """panel => {
    const carrier = panel.querySelector(".rsbd-carrier"), picture = panel.querySelector(".rsbd-picture");
    const alt = () => picture.getAttribute("aria-label");
    window.rsbdKey?.abort();
    window.rsbdSeen?.disconnect();
    window.rsbdKey = new AbortController();
    document.addEventListener("keydown", () => {
        window.rsbd = { pressed: performance.now(), before: alt(), first: 0, final: 0 };
    }, { capture: true, signal: window.rsbdKey.signal });
    window.rsbdSeen = new MutationObserver(() => {
        const seen = window.rsbd;
        if (!seen) return;
        if (alt() === seen.before && seen.final) return;
        requestAnimationFrame(() => {
            const changed = alt() !== seen.before, done = changed && carrier.dataset.state === "final";
            const painted = new MessageChannel();  // its message comes after the frame that draws this
            painted.port1.onmessage = () => {
                if (changed) seen.first ||= performance.now();
                if (done) seen.final ||= performance.now();
            };
            painted.port2.postMessage(0);
        });
    });
    window.rsbdSeen.observe(carrier, { attributes: true, subtree: true });
}"""
LOG = """panel => {
    const carrier = panel.querySelector(".rsbd-carrier"), picture = panel.querySelector(".rsbd-picture");
    window.rsbdLogged?.disconnect();
    window.rsbdLog = [];
    window.rsbdLast = performance.now();
    window.rsbdLogged = new MutationObserver(() => requestAnimationFrame(() => {
        window.rsbdLast = performance.now();
        window.rsbdLog.push([performance.now(), picture.getAttribute("aria-label")]);
    }));
    window.rsbdLogged.observe(carrier, { attributes: true, subtree: true });
}"""


def ask(lab: Lab, code: str) -> str:
    """Run code in the notebook's kernel and return what it prints."""
    return str(
        lab.page.evaluate(
            """async code => {
                const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
                const future = kernel.requestExecute({ code });
                let said = "";
                future.onIOPub = m => { said += m.content.text ?? m.content.evalue ?? ""; };
                await future.done;
                return said;
            }""",
            code,
        )
    ).strip()


def measure(lab: Lab, name: str, presses: int) -> list[dict[str, Any]]:
    """Rows of one panel."""
    panel, rows = lab.page.locator(f".rsbd-test-{name}"), []
    panel.scroll_into_view_if_needed()
    for control in panel.evaluate(CONTROLS):
        element = panel.locator(f"[data-rsbd-test='{control['at']}']")
        panel.evaluate(WATCH)
        firsts, finals, before = [], [], int(ask(lab, "print(len(trained))"))
        for press in range(presses if control["kind"] == "slider" else min(presses, 6)):
            element.focus()
            keys = {
                "slider": ("ArrowRight", "ArrowLeft"),
                "choice": ("ArrowDown", "ArrowUp"),
                "toggle": (" ", " "),
            }
            key = keys[control["kind"]][press // max(1, presses // 2) % 2 if control["kind"] == "slider" else press % 2]
            lab.page.keyboard.press(key)
            try:
                lab.page.wait_for_function("() => window.rsbd.final > 0", timeout=4000)
            except Exception:  # the end of the scale, where a key changes nothing
                continue
            seen = lab.page.evaluate("() => window.rsbd")
            firsts.append(seen["first"] - seen["pressed"])
            finals.append(seen["final"] - seen["pressed"])
        row: dict[str, Any] = {"panel": name, "control": control["label"], "kind": control["kind"]}
        row["retrained"] = int(ask(lab, "print(len(trained))")) > before
        if firsts:
            row |= {**_summary("first", firsts), **_summary("final", finals)}
        if control["kind"] == "slider":
            row["burst"] = burst(lab, panel, element)
        rows.append(row)
    return rows


def burst(lab: Lab, panel: Any, element: Any) -> float:
    """Milliseconds from the last of sixty keys to the picture of the last value, after which no other one comes."""
    panel.evaluate(LOG)
    element.focus()
    for number in range(60):
        lab.page.keyboard.press("ArrowRight" if number % 3 != 2 else "ArrowLeft")
    pressed = lab.page.evaluate("() => window.rsbd.pressed")
    lab.page.wait_for_function(
        "panel => panel.querySelector('.rsbd-carrier').dataset.state === 'final' "
        "&& performance.now() - window.rsbdLast > 1000",
        arg=panel.element_handle(),
        timeout=30_000,
    )
    value = float(element.get_attribute("aria-valuenow"))
    said = re.compile(rf"(?<![\d.])({re.escape(f'{value:g}')}|{re.escape(f'{value:,g}')})(?!\.?\d)")
    shown = pressed
    for at, alt in reversed(lab.page.evaluate("() => window.rsbdLog")):
        if not said.search(alt):
            break
        shown = at
    return max(0.0, float(shown - pressed))


def main(presses: int = 12, *names: str) -> None:
    """Print the table."""
    rows: list[dict[str, Any]] = []
    memories: dict[str, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        name = write_notebook(Path(folder) / "notebooks", "latency.ipynb", SETUP.format(names=names))
        with open_browser(Path(folder) / "notebooks", Path(folder) / "home") as open_page, open_page() as lab:
            lab.open(name)
            lab.run_all()
            for each in ask(lab, "print(*panels)").split():
                rows += measure(lab, each, presses)
                before = heap(lab)
                grown = float(ask(lab, f"print(memory(panels[{each!r}], 500))"))
                memories[each] = grown, heap(lab) - before
                write(rows, memories)  # after each panel: a run that is cut short leaves what it has
                done = [row for row in rows if row["panel"] == each]
                print(_table(done, {each: memories[each]}), flush=True)
            complaints = lab.complaints
    if complaints:
        sys.exit(f"the browser's console is not empty: {complaints}")


def heap(lab: Lab) -> float:
    """Return the megabytes of live JavaScript objects of the page."""
    session = lab.page.context.new_cdp_session(lab.page)
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    metrics = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    session.detach()
    return float(metrics["JSHeapUsedSize"]) / 1e6


def write(rows: list[dict[str, Any]], memories: dict[str, tuple[float, float]]) -> None:
    """Write the table so far."""
    ARTIFACTS.mkdir(exist_ok=True)
    text = json.dumps({"controls": rows, "memory": memories}, indent=1)
    (ARTIFACTS / "panel_latency.json").write_text(text)
    (ARTIFACTS / "panel_latency.md").write_text(_table(rows, memories))


def _summary(name: str, times: list[float]) -> dict[str, float]:
    worst = statistics.quantiles(times, n=20)[-1] if len(times) > 1 else times[0]
    return {f"{name}_median": statistics.median(times), f"{name}_95": min(worst, max(times))}


def _table(rows: list[dict[str, Any]], memories: dict[str, tuple[float, float]]) -> str:
    """Markdown; bold where a figure is over its limit."""
    head = ("panel", "control", "retrained", "first ms", "95 %", "final ms", "95 %", "burst ms")
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows:
        limits = (1000, 1000) if row["retrained"] else (100, 150)
        cells = [row["panel"], row["control"], "yes" if row["retrained"] else ""]
        for key, limit in (
            ("first_median", limits[0]),
            ("first_95", limits[1]),
            ("final_median", 0),
            ("final_95", 0),
        ):
            cells.append(_cell(row.get(key), limit))
        cells.append(_cell(row.get("burst"), 1200))
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "| panel | kernel after 500 updates, MB more | page |", "|---|---|---|"]
    lines += [
        f"| {name} | {' | '.join(_cell(each, 20, '.1f') for each in grown)} |" for name, grown in memories.items()
    ]
    return "\n".join(lines) + "\n"


def _cell(value: float | None, limit: float, form: str = ".0f") -> str:
    if value is None:
        return ""
    return f"**{value:{form}}**" if limit and value > limit else f"{value:{form}}"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 12, *sys.argv[2:])
