"""Draw the panel of comparison: a bar or a reason for each method; say the result in words."""

from rsbd.panels import svg
from rsbd.panels.compare.compute import FAMILY_OF, CompareResult
from rsbd.panels.engine import Picture
from rsbd.recipes.contest.result import ComparisonRow
from rsbd.words import count, listed, note, percent, state

_LEFT, _LONG, _TOP, _STEP, _HIGH, _HEADING = 216.0, 150.0, 52.0, 22.0, 16.0, 28.0


def draw_compare(found: CompareResult) -> Picture:
    """Draw the picture, and say its result in words."""
    parts = [
        svg.text(10, 20, found.params.words, weight=600),
        svg.text(_LEFT, 44, "right and certified", weight=600),
        svg.text(_LEFT + _LONG + 90, 44, "best noise of a few", weight=600),
    ]
    at, family, known = _TOP, "", {row.method: row for row in found.rows}
    for method in found.methods:
        if FAMILY_OF.get(method, "") != family:
            family = FAMILY_OF.get(method, "")
            at += _HEADING
            parts.append(svg.text(10, at - 12, family, fill=svg.SOFT))
        parts.append(_line(method, known.get(method), at))
        at += _STEP
    foot = f"{found.dataset}; {found.num_models:,} models a method, confidence 0.999 for each test image"
    parts.append(svg.text(10, at + 18, foot, fill=svg.SOFT))
    return Picture(
        svg.document(940, at + 26, parts),
        _alt(found),
        _sentence(found),
        note(len(found.rows), len(found.methods), "methods"),
    )


def _line(method: str, row: ComparisonRow | None, top: float) -> str:
    middle = top + _HIGH / 2 + 6
    name = svg.text(_LEFT - 12, middle, method, anchor="end", weight=600 if row and _certified(row) else 400)
    if row is None:
        return name + svg.text(_LEFT, middle, "...", fill=svg.SOFT)
    if row.certified is None:
        return name + svg.text(_LEFT, middle, f"\u2717  {row.reason}", fill=svg.SOFT)
    drawn = svg.bar(_LEFT, top, _LONG, _HIGH, _certified(row), svg.BLUE)
    return name + drawn + svg.text(_LEFT + _LONG + 90, middle, row.noise)


def _certified(row: ComparisonRow) -> float:
    """Return the certified accuracy against the one threat of the panel; 0 if the method cannot face it."""
    return row.certified[0] if row.certified else 0.0


def _state(found: CompareResult) -> str:
    return state(len(found.rows), len(found.methods), "methods")


def _sentence(found: CompareResult) -> str:
    p = found.params
    unable = sum(row.certified is None for row in found.rows)
    ranked = sorted((row for row in found.rows if _certified(row)), key=_certified, reverse=True)
    named = ""
    if ranked:
        first, *others = (f"{row.method}, with {percent(_certified(row))}" for row in ranked[:3])
        named = listed([f"{first} of test images right and certified", *others])
    partly = len(found.rows) < len(found.methods)  # a method that was not tried yet may do better
    yet = " so far" if partly else ""
    poisoned = f"{p.rows} of {found.num_rows:,} training rows poisoned"
    if not p.attack and ranked:
        lead = f"This attacker changes nothing ({p.words}), so every method can face it: {named}."
    elif len(ranked) == 1:
        lead = f"Against this attack ({poisoned}) the only method that proves anything{yet} is {named}."
    elif ranked:
        lead = f"Against this attack ({poisoned}) the best methods{yet} are {named}."
    else:
        lead = f"No method{yet} rules this attack out ({poisoned}) for any test image."
    if partly:
        lead = f"Preview after {len(found.rows)} of {len(found.methods)} methods, the others are not tried yet. {lead}"
    cannot = f"{count(unable, 'method')} cannot face it. " if p.attack and unable else ""
    return (
        f"{lead} {cannot}Each certificate speaks of its own vote, with the noise shown, and has confidence 0.999 "
        "(certainty where nothing is sampled). A bar of 0 % does not say that the attack works, only that nothing is "
        "proved."
    )


def _alt(found: CompareResult) -> str:
    said = [
        f"{row.method}: cannot, {row.reason}"
        if row.certified is None
        else f"{row.method}: {percent(_certified(row))} with {row.noise}"
        for row in found.rows
    ]
    return (
        f"Panel of all methods against one attacker, on {found.dataset}: {found.params.words}. Certified accuracy as "
        f"bars. {'; '.join(said)}. At most {found.num_models:,} models a method, alpha 0.001 {_state(found)}"
    )
