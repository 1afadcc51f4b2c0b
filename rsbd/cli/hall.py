"""Serve the stage as one page with Voila: on loopback, behind a token, without the network."""

import os
from pathlib import Path

from rsbd.cli import server

EXTENSIONS = ("anywidget", "@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8")
PAGE = Path(__file__).parents[1] / "course" / "lecture" / "page"


def serve_lecture(port: int, browser: bool = True, link: str = "") -> int:
    """Serve the lecture until the server ends or this process is asked to stop, and return its exit status."""
    command = ["voila", str(PAGE / "lecture.ipynb"), "--no-browser"]
    command += ["--Voila.ip=127.0.0.1", "--Voila.port_retries=0", "--Voila.auto_token=True"]
    command += ["--template=hall", "--Voila.log_level=ERROR", "--VoilaConfiguration.show_tracebacks=False"]
    # Other extensions of JupyterLab are not needed on the page, and some fail on it.
    command += [f"--VoilaConfiguration.extension_allowlist={name}" for name in EXTENSIONS]
    paths = filter(None, [str(PAGE), os.environ.get("JUPYTER_PATH")])
    environment = {"JUPYTER_PATH": os.pathsep.join(paths), "RSBD_LINK": link}
    return server.serve(command + server.culling(900), PAGE, environment, port, "", browser)
