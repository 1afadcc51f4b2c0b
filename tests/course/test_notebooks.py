"""Every notebook as it is committed: complete, in order, and giving the same outputs again, in under 1 GB."""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from ci_tools import script
from warm_kernels import WarmKernels, run_warm

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TOOL = script("notebooks")
# Bytes: Binder guarantees 1 GB and has torch for CPUs; the one for GPUs takes 340 MB more before anything runs.
MEMORY = 1.4e9 if torch.version.cuda else 1e9
LONGEST = 10  # lines of a function in a notebook; longer ones belong in the package
LARGEST = 1_000_000  # bytes of a notebook with its pictures
SLOWEST = 60  # seconds for all cells on two cores

WORDS, LINES = 1300, 40  # of prose, and of code that is not folded

# Each takes up to a minute on MNIST: one by default, names of others or "all" in RSBD_MNIST_NOTEBOOKS.
ON_MNIST = os.environ.get("RSBD_MNIST_NOTEBOOKS", "01_backdoor_attacks").split()
# The lecturer's notebook has nobody to do exercises: it must have a question to ask for each of its scenes instead.
LECTURE = "11_lecture"

each_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=[n.stem for n in NOTEBOOKS])


def cells(notebook: Path, kind: str) -> list[dict[str, Any]]:
    found = json.loads(notebook.read_text("utf-8"))["cells"]
    return [cell for cell in found if cell["cell_type"] == kind and "".join(cell["source"]).strip()]


def prose(notebook: Path) -> str:
    return "\n\n".join("".join(cell["source"]) for cell in cells(notebook, "markdown"))


def outputs(notebook: Path) -> list[dict[str, Any]]:
    return [output for cell in cells(notebook, "code") for output in cell["outputs"]]


def html(notebook: Path) -> str:
    """What cells show as HTML, in Markdown included: answers are folded there."""
    data = [o.get("data", {}) for o in outputs(notebook)]
    return "\n".join("".join(d.get(kind, "")) for d in data for kind in ("text/html", "text/markdown"))


@each_notebook
def test_is_committed_as_executed(notebook: Path) -> None:
    code = cells(notebook, "code")
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert outputs(notebook)
    assert not [o for o in outputs(notebook) if o["output_type"] == "error" or o.get("name") == "stderr"]
    assert notebook.stat().st_size < LARGEST


@each_notebook
def test_carries_no_trace_of_a_machine(notebook: Path) -> None:
    content = json.loads(notebook.read_text("utf-8"))
    assert set(content["metadata"]) == {"kernelspec", "language_info"}
    assert content["metadata"]["kernelspec"]["name"] == "python3"
    for cell in content["cells"]:
        assert set(cell["metadata"]) <= {"tags", "jupyter"}
    assert not re.search(r"/(home|root|tmp|work|Users)/", notebook.read_text("utf-8"))


@each_notebook
def test_functions_are_short(notebook: Path) -> None:
    for cell in cells(notebook, "code"):
        lines = [line for line in "".join(cell["source"]).splitlines() if not line.startswith(("%", "!"))]
        for node in ast.walk(ast.parse("\n".join(lines))):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                assert (node.end_lineno or 0) - node.lineno < LONGEST, f"{node.name}: move it into the package"


@each_notebook
def test_says_what_it_is_for(notebook: Path) -> None:
    # In the first notebook the panel stands between the title and the objectives.
    opening = cells(notebook, "markdown")[: 2 if notebook.stem == "00_start_here" else 1]
    first, text = "\n".join("".join(cell["source"]) for cell in opening), prose(notebook)
    assert first.startswith("# ")
    objectives = re.findall(r"^- (\w+)", first.partition("you can**")[2], re.MULTILINE)
    assert 2 <= len(objectives) <= 4
    assert all(word.islower() and not word.endswith("ing") for word in objectives), "begin with a verb"
    assert "**Before you start.**" in first
    for heading in ("Take away", "What this certificate does not say", "References"):
        assert re.search(rf"^## {heading}$", text, re.MULTILINE), heading
    if notebook.stem == LECTURE:
        _asks_the_hall(notebook)
        return
    exercises = re.findall(r"^\*\*Exercise (\d)\.\*\*", text, re.MULTILINE)
    assert exercises == [str(i + 1) for i in range(len(exercises))]
    assert 3 <= len(exercises) <= 5
    code = ["".join(cell["source"]) for cell in cells(notebook, "code")]
    checks, quizzes = (sum(f"lessons.{call}" in source for source in code) for call in ("check_", "quiz("))
    assert checks + quizzes == len(exercises)
    assert text.count("<details><summary>Solution</summary>") == checks  # a quiz says itself why a claim is true
    assert sum("lessons.predict(" in source for source in code) >= 2
    formula = next((i for i, cell in enumerate(_all(notebook)) if "$" in _source(cell)), len(_all(notebook)))
    panel = next(i for i, cell in enumerate(_all(notebook)) if _source(cell).rstrip().endswith("\npanel"))
    assert panel < formula, "show the panel before the first formula"


def _asks_the_hall(notebook: Path) -> None:
    """The stage itself asks for guesses: every scene with its question, and every key of the stage."""
    from rsbd.course.lecture import SCENES

    made = "".join("".join(o.get("data", {}).get("text/markdown", "")) for o in outputs(notebook))
    for scene in SCENES:
        assert f"| {scene.title} | {scene.message} | {scene.question} |" in made, "execute the notebook again"
    keys = (ROOT / "rsbd" / "course" / "lecture" / "keys.js").read_text("utf-8")
    for key in re.findall(r'\["(\w)", ', keys):
        assert re.search(rf"^\| {key}[ ,]", prose(notebook), re.MULTILINE), key


def _all(notebook: Path) -> list[dict[str, Any]]:
    return list(json.loads(notebook.read_text("utf-8"))["cells"])


def _source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


@each_notebook
def test_its_times_are_measured_ones(notebook: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    read = nbformat.read(notebook, as_version=4)
    minutes, exercises = TOOL.reading_minutes(read), TOOL.has_exercises(read)
    (line,) = re.findall(r"^\*\*Time\.\*\*.*$", prose(notebook), re.MULTILINE)
    seconds = int(re.findall(r"about (\d+) seconds", line)[0])
    assert line == TOOL.time_line(minutes, seconds, exercises)
    assert seconds <= SLOWEST


@each_notebook
def test_pictures_speak_and_panels_stand_still(notebook: Path) -> None:
    images = re.findall(r"<img [^>]*>", html(notebook)) + re.findall(r"!\[[^\]]*\]\([^)]*\)", prose(notebook))
    assert images
    for image in images:
        said = re.findall(r'alt="([^"]+)"|!\[([^\]]+)\]', image)
        assert said, image[:80]
        assert len("".join(said[0])) > 30, image[:80]
    bare = [o for o in outputs(notebook) if {"image/png", "image/svg+xml"} & set(o.get("data", {}))]
    assert not bare, "a bare picture has no alt text: use lessons.figure"
    code = "\n".join(_source(cell) for cell in cells(notebook, "code"))
    panels = len(re.findall(r"^panel = ", code, re.MULTILINE))
    assert panels
    stills = html(notebook).split('<div class="rsbd-still">')[1:]
    shown = sum("data:image/svg" in still.partition("</figcaption>")[0] for still in stills)
    assert shown >= panels, "execute the notebook again"


@each_notebook
def test_is_short(notebook: Path) -> None:
    read = pytest.importorskip("nbformat").read(notebook, as_version=4)
    assert TOOL.prose_words(read) <= WORDS
    assert TOOL.visible_lines(read) <= LINES


@each_notebook
def test_imports_are_folded(notebook: Path) -> None:
    read = pytest.importorskip("nbformat").read(notebook, as_version=4)
    code = [cell for cell in read.cells if cell.cell_type == "code" and not TOOL.folded(cell)]
    assert [cell.source for cell in code if re.match(r"(import|from) .*\n+(import|from) ", cell.source)] == []


@each_notebook
def test_an_exercise_cell_does_nothing_with_the_answer_but_check_it(notebook: Path) -> None:
    """An answer may be anything; only a check answers to anything in a sentence."""
    for source in map(_source, cells(notebook, "code")):
        tree = ast.parse(source)
        stubs = [n for n in ast.walk(tree) if isinstance(n, ast.Assign) and "..." in ast.unparse(n.value)]
        asked = {target.id for stub in stubs for target in stub.targets if isinstance(target, ast.Name)}
        calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and "lessons.check_" in ast.unparse(n.func)]
        checked = [argument for call in calls for argument in call.args]
        used = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and n.id in asked]
        assert [ast.unparse(name) for name in used if name not in checked] == [], source


@each_notebook
def test_no_widget_is_shown_as_its_source(notebook: Path) -> None:
    for output in outputs(notebook):
        data = output.get("data", {})
        assert "text/html" in data or not re.match(r"\w+Box\(", "".join(data.get("text/plain", "")))


def links() -> Iterator[tuple[str, Path]]:
    for notebook in NOTEBOOKS:
        for target in re.findall(r"\]\((?!https?:|#)([^)]+)\)", prose(notebook)):
            yield f"{notebook.stem}: {target}", notebook.parent / target.partition("#")[0]


@pytest.mark.parametrize(("name", "target"), list(links()), ids=[name for name, _ in links()])
def test_links_lead_somewhere(name: str, target: Path) -> None:
    assert target.exists(), name


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmKernels]:
    # On a GPU other numbers are drawn; the outputs are those of a CPU, and of the embedded data.
    env = os.environ | {"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "", "RSBD_STILL": "1"}
    env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # other plugins would only take time
    started = WarmKernels(tmp_path_factory.mktemp("kernels"), env)
    yield started
    started.close()


@each_notebook
@pytest.mark.slow
def test_gives_the_same_outputs_again(notebook: Path, warm: WarmKernels, tmp_path: Path) -> None:
    """nbval compares every output; the kernel's memory is watched."""
    pytest.importorskip("nbval", reason="install the test extra")
    options = ["-q", "-p", "nbval.plugin", "--nbval", "--nbval-cell-timeout=300"]
    options += ["-p", "no:cacheprovider", f"--nbval-sanitize-with={ROOT / 'tests' / 'nbval.cfg'}", "-o", "addopts="]
    code, said = run_warm([*options, str(notebook)], ROOT, warm.env, tmp_path / "said")
    assert code == 0, said
    peak = warm.peak_memory()
    assert 0 < peak < MEMORY, f"the kernel used {peak / 1e9:.2f} GB"


@pytest.mark.mnist
@pytest.mark.parametrize("name", [n.stem for n in NOTEBOOKS if {n.stem, "all"} & set(ON_MNIST)])
def test_the_switch_runs_it_on_mnist(name: str, warm: WarmKernels, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    found = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    switched = [c for c in found.cells if c.cell_type == "code" and 'DATASET = "digits"' in c.source]
    if not switched:
        pytest.skip("it has no switch")
    for cell in switched:
        cell.source = cell.source.replace('DATASET = "digits"', 'DATASET = "mnist"')
    # The kernel is asked, not the output: a client that subscribes late misses what the first cells write.
    found.cells.append(nbformat.v4.new_code_cell('assert "mnist" in repr(data)'))
    client = nbclient.NotebookClient(found, timeout=300, ipython_hist_file="")  # a warm kernel has none
    monkeypatch.setenv("JUPYTER_PATH", warm.env["JUPYTER_PATH"])
    with client.setup_kernel(cwd=str(ROOT / "notebooks"), env=warm.env):
        for index, cell in enumerate(found.cells):
            client.execute_cell(cell, index)  # raises what the cell raised
    assert warm.peak_memory()
