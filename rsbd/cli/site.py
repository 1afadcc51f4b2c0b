"""`rsbd site`: the whole course as static pages."""

from pathlib import Path
from typing import Annotated

import typer

from rsbd.cli import options


def site(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A new folder, or an older site.", parser=options.as_path)
    ],
) -> None:
    """Write the whole course as pages that need no kernel, server or network."""
    from rsbd.course.site import write_site

    first, failed = write_site(folder, lambda said: typer.echo(f"rsbd: {said}", err=True))
    typer.echo(f"rsbd: open {first}")
    report_failed(failed)


def report_failed(failed: int) -> None:
    """End with status 1 if pictures could not be computed."""
    if failed:
        typer.echo(f"rsbd: {failed} pictures could not be computed; a sentence in their place says why", err=True)
        raise typer.Exit(1)
