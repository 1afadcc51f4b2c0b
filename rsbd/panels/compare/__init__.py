"""The panel of comparison: one attacker, every method."""

import textwrap
from typing import Any

from rsbd.data import Dataset, load
from rsbd.learners import Learner, Linear
from rsbd.noises import Smoothing
from rsbd.panels import svg
from rsbd.panels.compare.compute import FAMILY_OF, TRIGGERS, CompareComputation, CompareParams, CompareResult
from rsbd.panels.panel import Panel, Runner
from rsbd.recipes.contest import ComparisonRow, Trial
from rsbd.recipes.contest.search import Trials
from rsbd.words import listed, note, percent, phrases_of, state

_say = phrases_of(__file__)
_HIGH, _STEP, _HEADING = 16.0, 50.0, 28.0  # of a bar; from method to method; a family and the gap above it


def compare(
    dataset: Dataset | str | None = None,
    *,
    num_models: int = 500,
    learner: Learner | None = None,
    seed: int = 0,
    runner: Runner | None = None,
    **settings: Any,
) -> Panel[CompareParams, CompareResult]:
    """Return the live panel of every method against one attacker.

    Each kind of attack trains its ensembles once; another attack of this kind then needs no training. Against each
    threat a method takes the best of a few noises, chosen on held-out training rows as in
    :func:`rsbd.recipes.contest.compare`.

    Parameters
    ----------
    dataset : Dataset or str, optional
        Inputs in [0, 1], best in the unit view, in which a name is loaded. The digits 0 and 1 unless given.
    num_models : int
        Budget of each method.
    learner : Learner, optional
        Base learner of all methods; :class:`~rsbd.learners.linear.linear.Linear` unless given.
    seed : int
        Seed of the split and of the ensembles.
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`~rsbd.panels.compare.compute.CompareParams`:
        ``rows``, ``trigger``, ``relabel``, ``on_test``, ``every``.

    Raises
    ------
    InputError
        If the inputs leave [0, 1], or a setting is not known or out of range.

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> data = load("digits", side=8, view="unit", classes=(0, 1), rows=60, points=30)
    >>> panel = compare(data, num_models=100, rows=5, trigger=0, on_test=False, runner=SyncRunner())
    >>> "Cohen et al.: cannot, the threat changes the training labels, where there is no noise" in panel.alt
    True
    """
    if not isinstance(dataset, Dataset):
        classes = (0, 1) if dataset is None else None
        dataset = load(dataset or "digits", view="unit", classes=classes)
    trial = Trial(dataset, Smoothing(), num_models, 0.001, "each", seed, learner or Linear(), triggers=TRIGGERS)
    return Panel.of(CompareParams, settings, CompareComputation(Trials(trial)), draw_compare, runner)


def draw_compare(found: CompareResult) -> svg.Picture:
    """Draw the picture, and say its result in words."""
    parts = [svg.lines(10, 22, textwrap.wrap(found.params.words, 45), weight=600)]  # what half of the picture holds
    parts.append(
        svg.lines(10, 74, ("bar: images right and certified", "below it: the best noise of a few"), fill=svg.SOFT)
    )
    at, family, known = [112.0, 14.0], "", {row.method: row for row in found.rows}
    for method in found.methods:
        half = int(FAMILY_OF.get(method, "") != FAMILY_OF.get(found.methods[0], ""))
        if FAMILY_OF.get(method, "") != family:
            family = FAMILY_OF.get(method, "")
            at[half] += _HEADING
            parts.append(svg.text(10 + 460 * half, at[half] - 12, family, fill=svg.SOFT))
        parts.append(_entry(method, known.get(method), 10 + 460 * half, at[half]))
        at[half] += _STEP
    height = max(at[0], at[1] + 44)
    foot = f"{found.trial.data.name}, {found.trial.num_models:,} models each;", "confidence 0.999 for each test image"
    parts.append(svg.lines(470, height - 30, foot, fill=svg.SOFT))
    drawing = svg.document(912, height, parts, [(0, 0, 452, at[0]), (460, 0, 912, height)])
    return svg.Picture(drawing, _alt(found), _sentence(found), note(len(found.rows), len(found.methods), "methods"))


def _entry(method: str, row: ComparisonRow | None, left: float, top: float) -> str:
    """Draw a method: its name and its bar, and its noise below; or why it cannot face the attacker."""
    base = top + _HIGH / 2 + 6
    name = svg.text(left, base, method, weight=600 if row and _certified(row) else 400)
    if row is None:
        beside, below = svg.text(left + 190, base, "...", fill=svg.SOFT), ""
    elif row.certified is None:
        beside = svg.text(left + 190, base, "\u2717 the threat changes the", fill=svg.SOFT)
        below = str(row.reason).partition("changes the ")[2]
    else:
        beside, below = svg.bar(left + 190, top, 150, _HIGH, _certified(row), svg.BLUE), row.noise
    return name + beside + svg.text(left, base + 22, below, fill=svg.SOFT)


def _certified(row: ComparisonRow) -> float:
    """Return the certified accuracy against the one threat of the panel; 0 if the method cannot face it."""
    return row.certified[0] if row.certified else 0.0


def _sentence(found: CompareResult) -> str:
    """Name the best methods, or say that none rules the attack out, and how many cannot face it."""
    p, done, total = found.params, len(found.rows), len(found.methods)
    unable = sum(row.certified is None for row in found.rows)
    ranked = sorted((row for row in found.rows if _certified(row)), key=_certified, reverse=True)
    named, case = "", "nothing"
    if ranked:
        first, *others = (f"{row.method}, with {percent(_certified(row))}" for row in ranked[:3])
        named = listed([f"{first} of test images right and certified", *others])
        case = "unchanged" if not p.attack else "best" if others else "only"
    yet = " so far" if done < total else ""  # a method that was not tried yet may do better
    words = {
        "early": _say("early", done=done, total=total) if yet else "",
        "lead": _say(case, trial=found.trial, p=p, yet=yet, named=named),
        "cannot": _say("cannot", unable=unable) if p.attack and unable else "",
    }
    return _say("sentence", **words)


def _alt(found: CompareResult) -> str:
    said = [
        f"{row.method}: cannot, {row.reason}"
        if row.certified is None
        else f"{row.method}: {percent(_certified(row))} with {row.noise}"
        for row in found.rows
    ]
    end = state(len(found.rows), len(found.methods), "methods")
    return _say("alt", trial=found.trial, p=found.params, methods="; ".join(said), state=end)
