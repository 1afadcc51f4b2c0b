"""`rsbd data`: list and download data sets."""

from typing import Annotated

import typer

data_app = typer.Typer(help="List and download data sets.", invoke_without_command=True)


@data_app.callback()
def list_data(context: typer.Context) -> None:
    """List the data sets and whether they are here."""
    if context.invoked_subcommand is not None:
        return
    from rsbd.data.sources import SOURCES, data_root

    root = data_root()
    for name, source in SOURCES.items():
        size = f"{source.rows:,} rows, {source.points:,} points"
        typer.echo(f"{name:14} {source.where(root):14} {source.description}; {size}")
    typer.echo(f"\nThe data folder is {root} (set RSBD_DATA to use another).")
    if missing := [name for name, source in SOURCES.items() if not source.present(root)]:
        typer.echo(f"To get a missing one: rsbd data download {missing[0]}")


@data_app.command(help="Download data sets into the data folder.")
def download(names: Annotated[list[str], typer.Argument(metavar="NAME", help="Such as mnist.")]) -> None:
    """Download data sets into the data folder."""
    from rsbd.data.sources import data_root, read_raw, source

    root = data_root()
    for name in names:
        source(name)  # all names are checked before the first download starts
    for name in names:
        read_raw(name, root, download=True)
        typer.echo(f"{name}: {source(name).where(root)}")
