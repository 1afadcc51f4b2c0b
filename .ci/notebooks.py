"""Execute the notebooks and write them back as they are committed: outputs, times, no machine's traces.

    python .ci/notebooks.py [notebooks/00_start_here.ipynb ...]

Reading time is counted from the words, run time is measured; both go into the line of the first cell that
begins with ``**Time.**``. Prints the peak memory of each kernel. At last ``course.py`` puts the times in the
teacher's table.
"""

from __future__ import annotations

import math
import os
import re
import runpy
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LINE = re.compile(r"^\*\*Time\.\*\*.*$", re.MULTILINE)
WORDS_PER_MINUTE = 200
KEPT = ("tags", "jupyter")  # metadata of a cell: what nbval reads, and folded sources


def reading_minutes(notebook: Any) -> int:
    """Minutes to read the prose, that which cells make included."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    made = [o.data.get("text/markdown", "") for c in code for o in c.outputs if "data" in o]
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"] + made
    words = sum(len(re.sub("<[^>]*>", " ", text).split()) for text in prose)
    return math.ceil(words / WORDS_PER_MINUTE)


def prose_words(notebook: Any) -> int:
    """Words in the Markdown cells."""
    return sum(len(cell.source.split()) for cell in notebook.cells if cell.cell_type == "markdown")


def visible_lines(notebook: Any) -> int:
    """Lines of code that are not folded, without empty lines and comments."""
    shown = [cell for cell in notebook.cells if cell.cell_type == "code" and not folded(cell)]
    return sum(bool(line.strip()) and line.strip()[0] != "#" for cell in shown for line in cell.source.splitlines())


def folded(cell: Any) -> bool:
    """Whether the code of a cell is folded."""
    return bool(cell.metadata.get("jupyter", {}).get("source_hidden"))


def has_exercises(notebook: Any) -> bool:
    """Whether the reader is asked to do something."""
    return any("**Exercise 1.**" in cell.source for cell in notebook.cells)


def time_line(minutes: int, seconds: float, exercises: bool = True) -> str:
    """The line as it stands in the notebook; seconds rounded up to five."""
    return (
        f"**Time.** {minutes} minutes to read{', more with the exercises' if exercises else ''}; "
        f"about {5 * math.ceil(seconds / 5)} seconds to run all cells on two cores."
    )


def peak_memory(pid: int) -> int:
    """Most bytes that a process ever held (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024


def refresh(path: Path) -> None:
    """Execute one notebook in place."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=300, store_widget_state=False)
    began = time.perf_counter()
    with client.setup_kernel(cwd=str(path.parent)):
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
        seconds = time.perf_counter() - began
        peak = peak_memory(client.km.provisioner.pid)  # type: ignore[union-attr]
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells):
        cell.metadata = {k: v for k, v in cell.metadata.items() if k in KEPT}
        cell.id = f"cell-{number:02d}"
    first = notebook.cells[0]
    first.source = LINE.sub(time_line(reading_minutes(notebook), seconds, has_exercises(notebook)), first.source)
    nbformat.validate(notebook)
    nbformat.write(notebook, path)
    sys.stdout.write(f"{path.name}: {seconds:.1f} s, kernel peak {peak / 1e6:.0f} MB\n")


if __name__ == "__main__":
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    os.environ["RSBD_STILL"] = "1"  # panels wait for the picture that a page without a kernel shows
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # a GPU draws other numbers; outputs are those of any CPU
    for each in map(Path, sys.argv[1:] or sorted(map(str, (ROOT / "notebooks").glob("*.ipynb")))):
        refresh(each)
    runpy.run_path(str(Path(__file__).with_name("course.py")), run_name="__main__")
