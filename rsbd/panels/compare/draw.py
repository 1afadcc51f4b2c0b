"""The panel's picture: one bar for each method, or the reason why there is none."""

from __future__ import annotations

from rsbd.panels import svg
from rsbd.panels.compare.params import Entry, Found
from rsbd.panels.engine import Picture
from rsbd.words import count, listed, percent, state

LEFT, LONG, TOP, STEP, HIGH = 220.0, 400.0, 108.0, 31.0, 22.0


def render(found: Found) -> Picture:
    """Draw everything."""
    parts = [
        svg.text(10, 26, "who can rule out this attack?", 20, weight=600),
        svg.text(10, 54, found.params.words),
        svg.text(LEFT, 92, "right and certified (share of test images)", weight=600),
        svg.text(LEFT + LONG + 110, 92, "best noise of a few", weight=600),
    ]
    parts += [_line(entry, TOP + i * STEP) for i, entry in enumerate(found.entries)]
    high = TOP + found.total * STEP + 8
    foot = f"at most {found.num_models:,} models a method, confidence 0.999 for each test image"
    parts.append(svg.text(10, high + 14, foot, fill=svg.SOFT))
    return Picture(svg.document(1200, high + 26, parts), _alt(found), _sentence(found), _state(found).strip("()"))


def _line(entry: Entry, top: float) -> str:
    middle = top + HIGH / 2 + 6
    name = svg.text(LEFT - 12, middle, entry.method, anchor="end", weight=600 if entry.certified else 400)
    if entry.certified is None:
        return name + svg.text(LEFT, middle, f"\u2717  cannot: {entry.said}", fill=svg.SOFT)
    drawn = svg.bar(LEFT, top, LONG, HIGH, entry.certified, svg.BLUE, hatched=False)
    return name + drawn + svg.text(LEFT + LONG + 110, middle, entry.said)


def _state(found: Found) -> str:
    return state(len(found.entries), found.total, "methods")


def _sentence(found: Found) -> str:
    p = found.params
    faced = [e for e in found.entries if e.certified is not None]
    ranked = sorted((e for e in faced if e.certified), key=lambda e: -(e.certified or 0.0))
    named = ""
    if ranked:
        first, *others = (f"{e.method}, with {percent(e.certified or 0.0)}" for e in ranked[:3])
        named = listed([f"{first} of test images right and certified", *others])
    partly = len(found.entries) < found.total  # what was not tried yet may do better
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
        lead = f"Preview after {len(found.entries)} of {found.total} methods, the others are not tried yet. {lead}"
    cannot = f"{count(len(found.entries) - len(faced), 'method')} cannot face it. " if p.attack else ""
    return (
        f"{lead} {cannot}Each certificate speaks of its own smoothed classifier, with the noise shown, and has "
        "confidence 0.999 (certainty where nothing is sampled). A bar of 0 % does not say that the attack works, only "
        "that nothing is proved."
    )


def _alt(found: Found) -> str:
    said = [
        f"{e.method}: cannot, {e.said}" if e.certified is None else f"{e.method}: {percent(e.certified)} with {e.said}"
        for e in found.entries
    ]
    return (
        f"Panel of all methods against one attacker, on {found.dataset}: {found.params.words}. Certified accuracy as "
        f"bars. {'; '.join(said)}. At most {found.num_models:,} models a method, alpha 0.001 {_state(found)}"
    )
