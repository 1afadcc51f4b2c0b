"""`rsbd lecture`: ten scenes for a lecture hall, live, as static pages, or on paper."""

import os
from pathlib import Path
from typing import Annotated

import typer

from rsbd.cli import options, server
from rsbd.cli.site import report_failed
from rsbd.errors import InputError

_EXTENSIONS = ("anywidget", "@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8")
PAGE = Path(__file__).parents[1] / "course" / "lecture" / "page"


def lecture(
    no_browser: options.NoBrowser = False,
    port: options.Port = None,
    static: Annotated[Path | None, options.plain_option("FOLDER", "static", parser=options.as_path)] = None,
    handout: Annotated[Path | None, options.plain_option("FILE", "handout", parser=options.as_path)] = None,
    link: Annotated[str, options.plain_option("URL", "link")] = "",
    scene: Annotated[list[int] | None, options.plain_option("N...", "scene")] = None,
) -> None:
    """Show ten scenes for a lecture hall (for this machine only, protected by its token); Ctrl-C ends it."""
    if link and not link.startswith(("http://", "https://")):
        raise InputError(f"{link!r} is not the address of a web page", "give one such as https://example.org/lecture")
    if static is None and handout is None:
        if scene:
            raise InputError("--scene chooses what --static and --handout write", "give one of these, too")
        raise typer.Exit(serve_lecture(server.usable_port(port), not no_browser, link))
    if no_browser or port is not None:
        raise InputError("--static and --handout serve nothing", "leave --port and --no-browser out")
    from rsbd.course.lecture.handout import write_handout
    from rsbd.course.lecture.pages import write_pages
    from rsbd.course.lecture.scenes import chosen

    scenes = chosen(scene or [])
    wrong = 0
    for path, write, verb in ((static, write_pages, "open"), (handout, write_handout, "print")):
        if path is not None:
            written, failed = write(path, scenes, link)
            typer.echo(f"rsbd: {verb} {written}")
            wrong += failed
    report_failed(wrong)


def serve_lecture(port: int, browser: bool = True, link: str = "") -> int:
    """Serve the stage as one page with Voila, without the network, and return the exit status of the server."""
    command = ["voila", str(PAGE / "lecture.ipynb"), "--no-browser"]
    command += ["--Voila.ip=127.0.0.1", "--Voila.port_retries=0", "--Voila.auto_token=True"]
    command += ["--template=hall", "--Voila.log_level=ERROR", "--VoilaConfiguration.show_tracebacks=False"]
    # Other extensions of JupyterLab are not needed on the page, and some fail on it.
    command += [f"--VoilaConfiguration.extension_allowlist={name}" for name in _EXTENSIONS]
    paths = filter(None, [str(PAGE), os.environ.get("JUPYTER_PATH")])
    environment = {"JUPYTER_PATH": os.pathsep.join(paths), "RSBD_LINK": link}
    return server.serve(command + server.culling(900), PAGE, environment, port, "", browser)
