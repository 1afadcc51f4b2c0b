"""A comparison as tables in the terminal, one for each kind of attack."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from rsbd.recipes.contest import Comparison, Row
from rsbd.recipes.contest.threats import WORDS, Attack

WIDE = 6  # threats side by side: as many as a terminal of 80 columns has room for


def show(found: Comparison) -> None:
    """Print who can face which attack, with what noise, and what is certified."""
    console = Console(highlight=False)
    s = found.settings
    console.print(
        f"[bold]{s['dataset']}[/], classes {' '.join(s['classes'])}: {s['rows']:,} rows, {s['points']:,} points, "
        f"at most {s['models']:,} models a method, alpha {s['alpha']:g}"
    )
    for attack in found.attacks:
        rows = found.against(attack)
        console.print(f"\n[bold]{title(attack)}[/]: certified accuracy by poisoned rows x pixels of the trigger")
        for start in range(0, len(rows[0].threats), WIDE):
            console.print(_table(rows, start))
        # Reasons stand below: in the table they would take the place of the figures.
        for reason in dict.fromkeys(row.reason for row in rows if row.reason):
            names = "; ".join(row.method for row in rows if row.reason == reason)
            console.print(f"  Cannot face it: [bold]{names}[/]: {reason}.")
    many = "for each point" if s["alpha_for"] == "each" else "for all points at once"
    console.print(
        f"\nEach figure: the share of test points that are right, and that no such attack changes with the noise "
        f"shown, with confidence {1 - s['alpha']:g} {many}. Each noise is the best of a few on "
        f"{round(s['validation'] * s['rows']):,} held-out training rows."
    )


def title(attack: Attack) -> str:
    """Name what the attacker changes.

    Examples
    --------
    >>> title(("features", "test"))
    'The attacker changes training pixels and test input'
    """
    *first, last = [WORDS[slot] for slot in attack]
    return f"The attacker changes {', '.join(first)}{' and ' if first else ''}{last}"


def _table(rows: tuple[Row, ...], start: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("method", no_wrap=True)
    for threat in rows[0].threats[start : start + WIDE]:
        table.add_column(f"{threat.rows} x {threat.trigger}", justify="right", no_wrap=True)
    table.add_column("clean", justify="right", no_wrap=True)
    table.add_column("models", justify="right", no_wrap=True)
    table.add_column("best noise")
    for row in rows:
        if row.certified is not None and row.clean is not None:
            shares = [f"{100 * share:.0f}" for share in (*row.certified[start : start + WIDE], row.clean)]
            table.add_row(row.method, *shares, f"{row.models:,}", row.noise)
    return table
