"""Tables and figures of the notebook that compares all methods."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.noises.smoothing import Threat
from rsbd.recipes.contest import CONTENDERS, Comparison, Row, refusal
from rsbd.recipes.contest.threats import Attack, attacked
from rsbd.words import percent

SLOTS: dict[str, Threat] = {
    "training pixels": Threat(1, 1, relabel=False, on_test=False),
    "training labels": Threat(1, 0, relabel=True, on_test=False),
    "test image": Threat(0, 1, relabel=False, on_test=True),
}


def facing(dataset: Dataset, threat: Threat) -> list[str]:
    """Names of the methods that can face a threat, as the library answers.

    Examples
    --------
    >>> from rsbd import load
    >>> facing(load("digits", view="unit", classes=(0, 1)), Threat(1, 1))[-2:]
    ['BagFlip', 'bags + test flips']
    """
    names = []
    for contender in CONTENDERS:
        first = next(contender.defences(dataset, attacked(threat)))
        if refusal(first, threat, dataset.num_rows) is None:
            names.append(contender.name)
    return names


def who_faces(dataset: Dataset) -> list[list[str]]:
    """One line for each method: its name, its paper, and which of the three parts of the data it covers."""
    able = {slot: set(facing(dataset, threat)) for slot, threat in SLOTS.items()}
    return [[c.name, c.paper, *("yes" if c.name in able[slot] else "\u2013" for slot in SLOTS)] for c in CONTENDERS]


def changes(attack: Attack) -> str:
    """What an attack changes, in words.

    Examples
    --------
    >>> changes(("features", "test"))
    'training pixels + test image'
    """
    return " + ".join(words for words, threat in SLOTS.items() if attacked(threat)[0] in attack)


def best(found: Comparison, attack: Attack, threat: int) -> tuple[str, float]:
    """Method with the largest certified accuracy against one threat of an attack, and that accuracy; "none" at 0."""
    held = {row.method: row.certified[threat] for row in found.against(attack) if row.certified is not None}
    name = max(held, key=lambda method: held[method])
    return (name, held[name]) if held[name] else ("none", 0.0)


def held(found: Comparison, method: str, attack: Attack, rows: int | None = None, pixels: int | None = None) -> float:
    """Certified accuracy of a method against the first threat of an attack with so many rows and pixels, or more.

    Raises
    ------
    InputError
        If the method does not face the attack, or no threat is as large.
    """
    row = _row(found, method, attack)
    for threat, share in zip(row.threats, row.certified or (), strict=True):
        if threat.rows >= (rows or 0) and threat.trigger_on("test") >= (pixels or 0):
            return share
    raise InputError(f"no threat of this comparison has {rows} rows and {pixels} pixels", "ask for fewer")


def _row(found: Comparison, method: str, attack: Attack) -> Row:
    for row in found.against(attack):
        if row.method == method and row.certified is not None:
            return row
    raise InputError(f"{method} does not face an attack on {', '.join(attack)}", "choose another method")


def cells(found: Comparison, method: str, attack: Attack) -> tuple[NDArray[np.float64], list[int], list[float]]:
    """Certified accuracy by poisoned rows and pixels of the trigger, as :func:`rsbd.plots.certified_map` draws it."""
    row = _row(found, method, attack)
    known = {(t.rows, t.trigger_on("test")): share for t, share in zip(row.threats, row.certified or (), strict=True)}
    rows, pixels = sorted({t.rows for t in row.threats}), sorted({t.trigger_on("test") for t in row.threats})
    return np.array([[known[m, t] for t in pixels] for m in rows]), rows, pixels


def compared(found: Comparison) -> str:
    """The settings of a stored comparison, as a sentence."""
    s = found.settings
    return (
        f"Stored comparison on {s['dataset']}, {' against '.join(s['classes'])}: {s['rows']:,} training images, "
        f"{s['points']:,} test images, at most {s['models']:,} models a method, alpha {s['alpha']:g}."
    )


def fallen(found: Comparison, attack: Attack, pixels: int | None = None) -> str:
    """Put the curves of :func:`by_rows` in words, for alt texts."""
    said = []
    for row in found.against(attack):
        if points := curve(row, pixels):
            said.append(f"{row.method}: " + ", ".join(f"{percent(share)} at {rows}" for rows, share in points))
    return "; ".join(said)


def curve(row: Row, pixels: int | None = None) -> list[tuple[int, float]]:
    """Poisoned rows and certified accuracy, for one size of the trigger."""
    pairs = zip(row.threats, row.certified or (), strict=False)
    return [(t.rows, share) for t, share in pairs if pixels is None or t.trigger == pixels]
