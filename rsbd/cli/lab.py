"""`rsbd lab`: open the course in JupyterLab."""

import os
from pathlib import Path
from typing import Annotated

import typer

from rsbd.cli import options, server


def lab(
    no_browser: options.NoBrowser = False,
    port: options.Port = None,
    own: Annotated[Path | None, options.plain_option("FOLDER", "course", "--course", parser=options.as_path)] = None,
) -> None:
    """Open the course in JupyterLab (for this machine only, protected by its token); Ctrl-C ends it."""
    from rsbd.course import notebooks

    port = server.usable_port(port)
    found = notebooks.open_course(own)
    typer.echo(f"rsbd: {found.sentence}")
    command = ["jupyterlab", notebooks.FIRST, f"--ServerApp.root_dir={found.home}"]
    command += ["--ip=127.0.0.1", "--ServerApp.port_retries=0", "--log-level=WARN"]
    # It reads old settings, and makes the server print a DeprecationWarning about one of its own.
    command += ["--ServerApp.jpserver_extensions={'notebook_shim': False}"]
    # JupyterLab fetches no news and no version numbers, and does not ask the reader whether it may.
    command += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    command += server.culling(7200)  # longer than a lunch with the lid closed
    if no_browser:
        command.append("--no-browser")
    if not server.WINDOWS and os.geteuid() == 0:  # containers run as root; the server still is for this machine only
        command.append("--allow-root")
    layered = [str(Path(__file__).parent), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    environment = {"JUPYTER_CONFIG_PATH": os.pathsep.join(layered)}  # the folder `labconfig` beside this file
    raise typer.Exit(server.serve(command, found.home, environment, port, f"lab/tree/{notebooks.FIRST}"))


def course(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the notebooks go.", parser=options.as_path)],
) -> None:
    """Copy the course into a folder and start nothing."""
    from rsbd.course import notebooks

    typer.echo(f"rsbd: {notebooks.open_course(folder).sentence}")
