"""Draw the panel of comparison: a bar or a reason for each method; say the result in words."""

from rsbd.panels import svg
from rsbd.panels.compare.compute import CompareResult
from rsbd.panels.engine import Picture
from rsbd.recipes.contest.result import ComparisonRow
from rsbd.words import count, listed, percent, state

_LEFT, _LONG, _TOP, _STEP, _HIGH = 220.0, 400.0, 108.0, 26.0, 19.0


def draw_compare(found: CompareResult) -> Picture:
    """Draw the picture, and say its result in words."""
    parts = [
        svg.text(10, 26, "who can rule out this attack?", 20, weight=600),
        svg.text(10, 54, found.params.words),
        svg.text(_LEFT, 92, "right and certified (share of test images)", weight=600),
        svg.text(_LEFT + _LONG + 110, 92, "best noise of a few", weight=600),
    ]
    parts += [_line(row, _TOP + i * _STEP) for i, row in enumerate(found.rows)]
    high = _TOP + found.total * _STEP + 8
    foot = f"{found.dataset}; at most {found.num_models:,} models a method, confidence 0.999 for each test image"
    parts.append(svg.text(10, high + 14, foot, fill=svg.SOFT))
    return Picture(svg.document(1200, high + 26, parts), _alt(found), _sentence(found), _state(found).strip("()"))


def _line(row: ComparisonRow, top: float) -> str:
    middle = top + _HIGH / 2 + 6
    name = svg.text(_LEFT - 12, middle, row.method, anchor="end", weight=600 if _certified(row) else 400)
    if row.certified is None:
        return name + svg.text(_LEFT, middle, f"\u2717  cannot: {row.reason}", fill=svg.SOFT)
    drawn = svg.bar(_LEFT, top, _LONG, _HIGH, _certified(row), svg.BLUE)
    return name + drawn + svg.text(_LEFT + _LONG + 110, middle, row.noise)


def _certified(row: ComparisonRow) -> float:
    """Return the certified accuracy against the one threat of the panel; 0 if the method cannot face it."""
    return row.certified[0] if row.certified else 0.0


def _state(found: CompareResult) -> str:
    return state(len(found.rows), found.total, "methods")


def _sentence(found: CompareResult) -> str:
    p = found.params
    unable = sum(row.certified is None for row in found.rows)
    ranked = sorted((row for row in found.rows if _certified(row)), key=_certified, reverse=True)
    named = ""
    if ranked:
        first, *others = (f"{row.method}, with {percent(_certified(row))}" for row in ranked[:3])
        named = listed([f"{first} of test images right and certified", *others])
    partly = len(found.rows) < found.total  # a method that was not tried yet may do better
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
        lead = f"Preview after {len(found.rows)} of {found.total} methods, the others are not tried yet. {lead}"
    cannot = f"{count(unable, 'method')} cannot face it. " if p.attack else ""
    return (
        f"{lead} {cannot}Each certificate speaks of its own smoothed classifier, with the noise shown, and has "
        "confidence 0.999 (certainty where nothing is sampled). A bar of 0 % does not say that the attack works, only "
        "that nothing is proved."
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
