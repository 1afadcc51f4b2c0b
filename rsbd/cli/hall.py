"""Serve notebook 11 as one page with Voila: on loopback, behind a token, without the network."""

import importlib.util
import json
import os
import secrets
import sys
import tempfile
import webbrowser
from pathlib import Path

from rsbd.cli import server
from rsbd.course import notebooks
from rsbd.errors import InputError

NOTEBOOK = "11_lecture.ipynb"
_TAG = "stage"  # tags the cells of the notebook that make the page
EXTENSIONS = ("anywidget", "@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8")
_PAGE = Path(__file__).parents[1] / "course" / "lecture" / "page"


def serve_lecture(port: int | None = None, browser: bool = True, link: str = "") -> int:
    """Serve the lecture until the server ends or this process is asked to stop, and return its exit status.

    Raises
    ------
    InputError
        If Voila or the notebook is missing.
    """
    if importlib.util.find_spec("voila") is None:
        raise InputError("voila is not installed, and shows the lecture", "pip install voila")
    source = notebooks.stored_course()[0] / NOTEBOOK
    if not source.is_file():
        raise InputError(f"there is no {source}", "install rsbd again with pip")
    port, token = port or server.free_port(), secrets.token_hex(24)
    with tempfile.TemporaryDirectory(prefix="rsbd-lecture-") as folder:
        page = Path(folder) / "lecture.ipynb"
        page.write_text(stage_cells(source.read_text("utf-8")), "utf-8")
        command = [sys.executable, "-m", "voila", str(page), f"--port={port}", "--no-browser"]
        command += ["--Voila.ip=127.0.0.1", "--Voila.port_retries=0", "--Voila.auto_token=True"]
        command += ["--template=hall", "--Voila.log_level=ERROR", "--VoilaConfiguration.show_tracebacks=False"]
        # Other extensions of JupyterLab are not needed on the page, and some fail on it.
        command += [f"--VoilaConfiguration.extension_allowlist={name}" for name in EXTENSIONS]
        paths = filter(None, [str(_PAGE), os.environ.get("JUPYTER_PATH")])
        command += server.culling(900)
        # The token is passed in the environment, which other users of this machine cannot read.
        secret = {"JUPYTER_TOKEN": token, "JUPYTER_PATH": os.pathsep.join(paths), "RSBD_LINK": link}

        def address(_: int) -> str | None:
            return f"http://127.0.0.1:{port}/?token={token}" if server.answers(port) else None

        return server.serve(command, Path(folder), secret, address, webbrowser.open if browser else lambda url: None)


def stage_cells(notebook: str) -> str:
    """Return the notebook with only the cells that are tagged as the stage, so that the page starts fast.

    Examples
    --------
    >>> cells = [{"metadata": {"tags": ["stage"]}, "source": "x"}, {"metadata": {}, "source": "y"}]
    >>> stage_cells(json.dumps({"cells": cells}))
    '{"cells": [{"metadata": {"tags": ["stage"]}, "source": "x"}]}'
    """
    content = json.loads(notebook)
    content["cells"] = [cell for cell in content["cells"] if _TAG in cell["metadata"].get("tags", [])]
    return json.dumps(content)
