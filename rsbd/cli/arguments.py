"""What typer cannot read by itself."""

from __future__ import annotations


def spread(arguments: list[str], *options: str) -> list[str]:
    """Let an option take several values: ``--classes 1 7`` becomes ``--classes 1 --classes 7``.

    Examples
    --------
    >>> spread(["certify", "--classes", "1", "7", "--rows", "100"], "--classes")
    ['certify', '--classes', '1', '--classes', '7', '--rows', '100']
    """
    out: list[str] = []
    current = ""
    for argument in arguments:
        if argument.startswith("--"):
            current = argument if argument in options else ""
        elif current and out[-1] != current:
            out.append(current)
        out.append(argument)
    return out
