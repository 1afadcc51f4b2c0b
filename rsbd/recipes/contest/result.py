"""What a comparison found: rows of a table, and files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rsbd.errors import InputError
from rsbd.files import atomic_file
from rsbd.noises.smoothing import Threat
from rsbd.recipes.contest.threats import Attack

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Row:
    """One method against one kind of attack.

    Parameters
    ----------
    method, paper : str
        What it is called and where it comes from.
    attack : tuple of str
        The slots that the attack changes.
    threats : tuple of Threat
        Poisoned rows and pixels of the trigger.
    certified : tuple of float, or None
        Certified accuracy against each threat; None where the method cannot face them.
    reason : str, or None
        Why it cannot.
    noise : str
        The best noise.
    models : int
        How many models it trained.
    clean : float, or None
        Accuracy on the test points that nobody attacked.
    tried : int
        Different noises in the search.
    validated : float, or None
        Mean certified accuracy over the threats on the validation points, by which the noise was chosen.
    """

    method: str
    paper: str
    attack: Attack
    threats: tuple[Threat, ...]
    certified: tuple[float, ...] | None = None
    reason: str | None = None
    noise: str = ""
    models: int = 0
    clean: float | None = None
    tried: int = 0
    validated: float | None = None


@dataclass(frozen=True)
class Comparison:
    """Every method against every threat.

    Parameters
    ----------
    rows : tuple of Row
        Grouped by attack; the methods of each group in the same order.
    settings : mapping
        Everything that determines them.
    """

    rows: tuple[Row, ...]
    settings: Mapping[str, Any]

    def against(self, attack: Attack) -> tuple[Row, ...]:
        """Rows of one kind of attack, one per method."""
        return tuple(row for row in self.rows if row.attack == attack)

    @property
    def attacks(self) -> tuple[Attack, ...]:
        """The kinds of attack."""
        return tuple(dict.fromkeys(row.attack for row in self.rows))

    def table(self) -> list[dict[str, Any]]:
        """One record per method and threat, for ``pandas.DataFrame`` or a CSV file."""
        return [
            {
                "method": row.method,
                "attack": " + ".join(row.attack),
                "rows": threat.rows,
                "trigger": threat.trigger,
                "relabel": threat.relabel,
                "on_test": threat.on_test,
                "certified": None if row.certified is None else row.certified[i],
                "clean": row.clean,
                "noise": row.noise,
                "models": row.models,
                "reason": row.reason,
            }
            for row in self.rows
            for i, threat in enumerate(row.threats)
        ]

    def as_dict(self) -> dict[str, Any]:
        """Everything in ``result.json``."""
        return {"rows": [asdict(row) for row in self.rows], "settings": dict(self.settings)}

    @classmethod
    def load(cls, path: Path | str) -> Comparison:
        """Read a ``result.json`` that :meth:`write` wrote.

        Raises
        ------
        InputError
            It is missing, or no such file.
        """
        try:
            content = json.loads(Path(path).read_text("utf-8"))
            rows = [_row(**row) for row in content["rows"]]
            return cls(tuple(rows), content["settings"])
        except FileNotFoundError:
            raise InputError(f"there is no stored comparison at {path}", "write one with rsbd compare") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path} is no stored comparison ({error})", "write one with rsbd compare") from None

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw methods against threats: certified accuracy in each cell, a dash where a method cannot face it."""
        from rsbd.recipes.contest.figure import draw

        return draw(self, ax)

    def write(self, folder: Path | str) -> list[Path]:
        """Write ``result.json``, ``comparison.csv`` and the figure as PNG and SVG; return their paths."""
        from rsbd import plots

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / "result.json", folder / "comparison.csv"]
        with atomic_file(paths[0]) as file:
            file.write(self._json().encode())
        text = io.StringIO(newline="")
        records = self.table()
        out = csv.DictWriter(text, list(records[0]))
        out.writeheader()
        out.writerows(records)
        with atomic_file(paths[1]) as file:
            file.write(text.getvalue().encode())
        drawing: Any = self.plot().figure
        return [*paths, *plots.save(drawing, folder, "comparison")]

    def _json(self) -> str:
        """Text of ``result.json``, one line for each row."""
        whole = self.as_dict()
        rows = ",\n".join(json.dumps(row) for row in whole["rows"])
        return f'{{"rows": [\n{rows}\n],\n"settings": {json.dumps(whole["settings"], indent=1)}}}\n'


def _row(attack: list[str], threats: list[dict[str, Any]], certified: list[float] | None, **rest: Any) -> Row:
    asked = tuple(Threat(**threat) for threat in threats)
    return Row(attack=tuple(attack), threats=asked, certified=None if certified is None else tuple(certified), **rest)
