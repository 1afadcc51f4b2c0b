"""Stored results of ``rsbd certify --out`` that come with the notebooks."""

import json
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsbd.errors import InputError
from rsbd.words import phrases_of


def stored_words(kind: str, settings: Mapping[str, Any], models: str = "{:,} models") -> str:
    """Begin a sentence on what is stored with its data, its ``models``, and alpha."""
    words = {"classes": " against ".join(settings["classes"]), "models": models.format(settings["models"])}
    return phrases_of(__file__)("stored", kind=kind, s=settings, **words)


class Stored(dict[str, Any]):
    """A ``result.json`` with its settings as a sentence and its map as an array."""

    @property
    def settings(self) -> str:
        """Return its settings as a sentence."""
        settings = self["settings"]
        keeps = re.findall(r"(\w+)=Flip\('([\d/]+)'", settings["smoothing"])
        noise = ", ".join(f"keep {float(Fraction(keep)):g} {slot}" for slot, keep in keeps) or settings["smoothing"]
        return f"{stored_words('result', settings)}; {noise}."

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
