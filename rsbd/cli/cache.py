"""`rsbd cache`: what the cache of votes holds, clearing it, and warming it."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(
    help="List, clear or warm the cache of votes (RSBD_CACHE names its folder, or is off).",
    invoke_without_command=True,
)


@app.callback()
def show(context: typer.Context) -> None:
    """List what is kept, the longest unused first, and what it takes."""
    if context.invoked_subcommand is not None:
        return
    import time

    from rsbd.ensemble import cache
    from rsbd.ensemble.votes import Votes
    from rsbd.errors import InputError

    found, now = cache.entries(), time.time()
    for entry in found:
        try:
            votes = Votes.load(entry.path)
            learner = str(votes.manifest.get("learner", "")).partition("(")[0]
            what = f"{votes.num_models:,} models of {learner} on {len(votes.counts):,} points"
        except InputError:
            what = "set aside or unfinished"
        days = max(0.0, now - entry.used) / 86_400
        typer.echo(f"{entry.path.name[:24]:26}{_size(entry.size):>10}  used {days:.0f} days ago  {what}")
    folder = cache.folder()
    total = _size(sum(entry.size for entry in found))
    where = "The cache is off (RSBD_CACHE)." if folder is None else f"in {folder}"
    limit = "" if folder is None else f", at most {_size(cache.LIMIT)}"
    typer.echo(where if folder is None else f"{len(found)} files, {total}{limit}, {where}")


@app.command()
def clear(
    older_than: Annotated[
        float,
        typer.Option(min=0, help="Only what was not used for so many days (everything by default).", metavar="DAYS"),
    ] = 0.0,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete kept votes; they are collected again when needed."""
    import time

    from rsbd.ensemble import cache

    before = time.time() - 86_400 * older_than
    found = [entry for entry in cache.entries() if entry.used <= before]
    if not found:
        typer.echo("There is nothing to delete.")
        return
    size = _size(sum(entry.size for entry in found))
    if not yes and not typer.confirm(f"Delete {len(found)} files ({size}) in {cache.folder()}?"):
        typer.echo("Nothing was deleted.")
        return
    gone = cache.clear(86_400 * older_than)
    typer.echo(f"{len(gone)} files deleted, {_size(sum(entry.size for entry in gone))} freed.")


@app.command()
def warm() -> None:
    """Collect the votes of every panel's first picture, so that the course opens at once."""
    import time

    from rsbd.ensemble import cache
    from rsbd.errors import InputError
    from rsbd.panels import PANELS, SyncRunner

    if cache.folder() is None:
        raise InputError("the cache is off", "set RSBD_CACHE to a folder, or leave it unset")
    for name, make in PANELS.items():
        began = time.perf_counter()
        with cache.keeping_all():
            make(runner=SyncRunner()).wait()
        typer.echo(f"{name}: ready after {time.perf_counter() - began:.1f} s")


def _size(number: int) -> str:
    """Bytes as people read them.

    >>> _size(999), _size(12_345), _size(200_000_000)
    ('999 B', '12.3 kB', '200.0 MB')
    """
    for unit, step in (("MB", 1e6), ("kB", 1e3)):
        if number >= step:
            return f"{number / step:.1f} {unit}"
    return f"{number} B"
