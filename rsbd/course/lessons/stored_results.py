"""Stored results of ``rsbd certify --out`` that come with the notebooks."""

import json
import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsbd.errors import InputError


class Stored(dict[str, Any]):
    """A ``result.json`` with its settings as a sentence and its map as an array."""

    @property
    def settings(self) -> str:
        """Return its settings as a sentence."""
        s = self["settings"]
        classes = " against ".join(s["classes"])
        keeps = re.findall(r"(\w+)=Flip\('([\d/]+)'", s["smoothing"])
        noise = ", ".join(f"keep {float(Fraction(keep)):g} {slot}" for slot, keep in keeps) or s["smoothing"]
        return (
            f"Stored result on {s['dataset']}, {classes}: {s['rows']:,} training images, {s['points']:,} test images, "
            f"{s['models']:,} models, alpha {s['alpha']:g}; {noise}."
        )

    def map(self, rows: Sequence[int], triggers: Sequence[float]) -> tuple[list[int], list[float], NDArray[np.float64]]:
        """Return the certified map at these numbers of poisoned rows and sizes of trigger."""
        cells = {(cell["rows"], cell["trigger"]): cell["accuracy"] for cell in self["certified_map"]}
        return list(rows), list(triggers), np.array([[cells[m, t] for t in triggers] for m in rows])


def stored(name: str, folder: str | Path = "results") -> Stored:
    """Read a stored result, by default from the folder ``results`` beside the notebook.

    Raises
    ------
    InputError
        If there is no such result.
    """
    path = Path(folder) / f"{name}.json"
    if not path.is_file():
        raise InputError(f"there is no stored result {path}", "run the notebook in the folder of the course")
    return Stored(json.loads(path.read_text("utf-8")))
