"""The result of a comparison: rows of a table, a figure, and files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from rsbd.certify.tables import Column, Tabled
from rsbd.evasion.triggers import from_record
from rsbd.files import read_path, refuse_broken, write_texts
from rsbd.noises import Threat
from rsbd.recipes.contest.threats import SLOT_WORDS, Attack, trigger_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class ComparisonRow:
    """One method against one kind of attack.

    Parameters
    ----------
    method, paper : str
        Its name and its source.
    attack : tuple of str
        The slots that the attack changes.
    threats : tuple of Threat
        Poisoned rows, and pixels of the trigger or a patch.
    certified : tuple of float, or None
        Certified accuracy against each threat; None where the method cannot face them.
    reason : str, or None
        Why the method cannot face them.
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

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> ComparisonRow:
        """Return the row that was written as ``record``."""
        shares, threats = record["certified"], tuple(map(_threat, record["threats"]))
        plain = {"attack": tuple(record["attack"]), "threats": threats}
        return cls(**{**record, **plain, "certified": None if shares is None else tuple(shares)})


def _threat(record: Mapping[str, Any]) -> Threat:
    trigger = record["trigger"]
    return Threat(**{**record, "trigger": from_record(trigger) if isinstance(trigger, Mapping) else trigger})


@dataclass(frozen=True, repr=False)
class Comparison(Tabled):
    """Every method against every threat.

    Parameters
    ----------
    rows : tuple of ComparisonRow
        Grouped by attack; the methods of each group in the same order.
    settings : mapping
        Every setting that determines them.
    """

    counted: ClassVar[str] = "rows"
    rows: tuple[ComparisonRow, ...]
    settings: Mapping[str, Any]

    def against(self, attack: Attack) -> tuple[ComparisonRow, ...]:
        """Return the rows of one kind of attack, one per method."""
        return tuple(row for row in self.rows if row.attack == attack)

    @property
    def attacks(self) -> tuple[Attack, ...]:
        """The kinds of attack, each once."""
        return tuple(dict.fromkeys(row.attack for row in self.rows))

    def columns(self) -> dict[str, Column]:
        """Return the columns of a table with one record per method and threat."""
        records: list[dict[str, Any]] = [
            {
                "method": row.method,
                "attack": " + ".join(row.attack),
                **{**asdict(threat), "trigger": trigger_words(threat)},
                "certified": None if row.certified is None else row.certified[i],
                "clean": row.clean,
                "noise": row.noise,
                "models": row.models,
                "reason": row.reason,
            }
            for row in self.rows
            for i, threat in enumerate(row.threats)
        ]

        return {name: [record[name] for record in records] for name in records[0]}

    def describe(self) -> Mapping[str, Any]:
        """Return the settings."""
        return self.settings

    @classmethod
    def load(cls, path: Path | str) -> Comparison:
        """Read a ``result.json`` that :meth:`write` wrote.

        Raises
        ------
        InputError
            The file is missing, or is not a stored comparison.
        """
        with refuse_broken(path, "a comparison", "write one with rsbd compare"):
            content = json.loads(read_path(path).read_text("utf-8"))
            return cls(tuple(map(ComparisonRow.of, content["rows"])), content["settings"])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw methods against threats: certified accuracy in each cell, hatched where a method cannot face it."""
        from rsbd import plots

        groups = [self.against(attack) for attack in self.attacks]
        methods = [row.method for row in groups[0]]
        columns = [threat for group in groups for threat in group[0].threats]
        cells = np.array([
            [share for group in groups for share in group[i].certified or [np.nan] * len(group[i].threats)]
            for i in range(len(methods))
        ])  # fmt: skip
        if ax is None:
            ax = plots.new_axes(max(10.0, 4.5 + 0.62 * len(columns)), 2.6 + 0.38 * len(methods))
        plots.paint_shares(ax, cells, methods, [f"{t.rows}\n{trigger_words(t)}" for t in columns])
        where: Any = {"xycoords": "axes fraction", "textcoords": "offset points", "ha": "right", "va": "top"}
        ax.annotate("poisoned rows\ntrigger, pixels", (0, 0), (-4, -3.5), **where, fontsize=12)
        lines = _mark_groups(ax, {attack: len(self.against(attack)[0].threats) for attack in self.attacks})
        title = "Certified accuracy, % of test inputs, by what the attacker changes (hatched: no certificate)"
        ax.set_title(title, fontsize=13, loc="left", pad=14 + 15 * lines)
        return ax

    def write(self, folder: Path | str) -> list[Path]:
        """Write ``result.json``, ``comparison.csv`` and the figure as PNG and SVG; return their paths."""
        from rsbd import plots

        rows = ",\n".join(json.dumps(asdict(row)) for row in self.rows)
        whole = f'{{"rows": [\n{rows}\n],\n"settings": {json.dumps(dict(self.settings), indent=1)}}}\n'
        drawing: Any = self.plot().figure
        paths = write_texts(folder, {"result.json": whole, "comparison.csv": self.to_csv()})
        return [*paths, *plots.save(drawing, folder, "comparison")]


def _mark_groups(ax: Axes, groups: Mapping[Attack, int]) -> int:
    """Name what each group of threats changes; return the number of lines that the names take."""
    left, lines = 0, 1
    for attack, width in groups.items():
        narrow = width < 3
        named = [SLOT_WORDS[slot].replace(" ", "\n") if narrow else SLOT_WORDS[slot] for slot in attack]
        words = ",\n".join(named)
        lines = max(lines, words.count("\n") + 1)
        ax.text(left + width / 2 - 0.5, -0.62, words, ha="center", va="bottom", fontsize=11)
        if left:
            ax.axvline(left - 0.5, color="white", linewidth=5)
        left += width
    return lines
