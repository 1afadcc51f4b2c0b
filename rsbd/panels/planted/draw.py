"""Draw the panel of the planted attack: the map, what is proved, and one model's vote; say the result in words."""

import math
from functools import partial

import numpy as np

from rsbd.panels import svg
from rsbd.panels.chart import Box, share_map
from rsbd.panels.planted.compute import ALPHA, FLIPS, PlantedResult
from rsbd.words import count, note, percent, preview, state

_RAISED = str.maketrans("0123456789", "\u2070\xb9\xb2\xb3\u2074\u2075\u2076\u2077\u2078\u2079")
_RIGHT = 470.0  # where the right half begins


def draw_planted(found: PlantedResult) -> svg.Picture:
    """Draw the picture, and say its result in words."""
    parts = [_map(found, (152, 44, 446, 392)), _proved(found), _one(found)]
    drawing = svg.halves(*parts, cut=216)
    return svg.Picture(drawing, _alt(found), _sentence(found), note(found.models, found.params.num_models))


def _map(found: PlantedResult, box: Box) -> str:
    p, rows = found.params, found.rows
    at = int(np.searchsorted(rows, p.poisoned)), found.sides.index(p.side)
    names = [f"{m:,} ({percent(m / found.dataset.num_rows)})" for m in rows]
    parts = [svg.text(10, 24, "attacks ruled out, % of test images", weight=600)]
    parts.append(share_map(box, found.table, names, [f"{side}" for side in found.sides], at, partial(_cell, found)))
    parts.append(svg.lines(10, 474, ("framed: this attack; click another", found.dataset.name), fill=svg.SOFT))
    middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    parts.append(svg.text(middle[0], box[3] + 48, "side of the patch (pixels)", anchor="middle"))
    return "".join(parts) + svg.text(26, middle[1], "poisoned images", anchor="middle", turn=-90)


def _cell(found: PlantedResult, row: int, column: int) -> tuple[str, dict[str, int]]:
    """Name the attack of a cell of the map, and say which parameters set it."""
    m, side = found.rows[row], found.sides[column]
    return f"{count(m, 'poisoned image')}, a {side}x{side} patch", {"poisoned": m, "side": side}


def _proved(found: PlantedResult) -> str:
    p, rate = found.params, percent(found.params.poisoned / found.dataset.num_rows)
    patch, images = f"{p.side}x{p.side} patch", f"{count(p.poisoned, 'poisoned image')} ({rate})"
    said = ["of test images are right, and it is proved:", f"no {patch}, with any content, anywhere,"]
    said += [f"beside any {images},", "changes that."]
    if not found.proved:
        said = [f"nothing is proved against any {patch}", f"beside any {images}:", "such an attack may fail or succeed"]
    needed = svg.lines(_RIGHT, 182, _needed(found), fill=svg.SOFT)
    return svg.large(_RIGHT, 54, found.proved) + svg.lines(_RIGHT, 86, said) + needed


def _needed(found: PlantedResult) -> list[str]:
    """Say how many models a proof takes at least, with these bags and with noise on all pixels and labels."""
    bags = "no number suffices for a proof"
    if math.isfinite(found.least):
        bags = f"a proof takes {_number(found.least)} models at least"
    flips = [] if found.flips is None else [f"with noise (keep {FLIPS:g}): {_number(found.flips)}"]
    return [bags, *flips]


def _number(models: float) -> str:
    """Write a number of models that may be beyond all counting.

    Examples
    --------
    >>> _number(17), _number(3 * 10**41)
    ('17', '10⁴¹')
    """
    if models < 1e6:
        return f"{models:,}"
    return "10" + str(math.floor(math.log10(models))).translate(_RAISED)


def _one(found: PlantedResult) -> str:
    """Draw the first model's vote on the image that is shown: what a patch of this size can take from its lead."""
    vote, p, names, size, top = found.vote, found.params, found.dataset.classes, 120.0, 250.0
    title = f"one model on image {p.point}, worst patch"
    pixel = size / vote.image.shape[-2]
    row, column = (at * pixel for at in vote.place)
    parts = [
        svg.text(_RIGHT, top - 14, title, weight=600),
        svg.captioned(vote.image, _RIGHT, top, size, f"it says \u201c{names[vote.label]}\u201d", 24),
        svg.captioned(vote.attacked, _RIGHT + 140, top, size, "worst patch", 24),
        svg.outline(_RIGHT + 140 + column, top + row, p.side * pixel, p.side * pixel, 2.5),
    ]
    left, scale = _RIGHT + 280, 145 / max(1, vote.taken)
    bars = ("its lead", 1.0, svg.BLUE), ("the patch takes", vote.taken, svg.VERMILLION)
    for y, (name, share, colour) in zip((top + 12, top + 70), bars, strict=True):
        parts.append(svg.text(left, y, name) + svg.rect(left, y + 10, scale * share, 22, colour, glide=name))
    fate = ["kept: it counts"] if vote.kept else ["not kept: lost"]
    if vote.kept and vote.label != found.held.label[p.point]:
        fate = ["kept, but a", f"vote for \u201c{names[vote.label]}\u201d"]
    parts.append(svg.lines(left, top + 134, fate, weight=700))
    return "".join(parts) + svg.lines(_RIGHT, top + 184, _image_words(found))


def _image_words(found: PlantedResult) -> list[str]:
    p, rows = found.params, int(found.held.radius[found.params.point])
    keep = f"{percent(found.keeps)} of {found.models:,} models keep this vote"
    if rows < 0:
        return [keep, "so nothing is proved about it: such a patch", "alone may change too many of them"]
    label = found.dataset.classes[found.held.label[p.point]]
    images = f"beside {count(rows, 'poisoned image')}, of any kind"
    return [keep, f"so \u201c{label}\u201d is proved against any such patch", images]


def _sentence(found: PlantedResult) -> str:
    p, data = found.params, found.dataset
    choosing = math.isnan(found.practice)
    early = "Preview while defences are tried: " if choosing else preview(found.models, p.num_models)
    bags = f"{early}{'w' if early else 'W'}ith {found.models:,} models, each trained on {count(p.each, 'image')} "
    bags += "of each class: "
    threat = f"any {p.side}x{p.side} patch anywhere on the test image, and any {count(p.poisoned, 'poisoned image')}"
    if p.wanted and not choosing:
        return _answer(found)
    if not found.proved:
        return f"{bags}nothing is proved against {threat}. Such an attack may fail or succeed."
    lowest = float(np.nanmin(found.held.by_class(data.y_test, p.poisoned)))
    spread = f"at least {percent(lowest)} in each class" if lowest else "none of one class"
    return (
        f"{bags}{percent(found.proved)} of the test images, {spread}, are right and "
        f"certified against {threat}. Whatever the patch shows, and whatever is changed, inserted or removed in the "
        f"training set within this number, the prediction stays (each certificate with probability {1 - ALPHA:g})."
    )


def _answer(found: PlantedResult) -> str:
    """Say which defence was chosen, how, and what it proves."""
    p, held = found.params, found.dataset.hold_out().num_points
    how = f"the fewest models tried that prove {percent(p.wanted)} on"
    if found.practice < p.wanted:
        how = f"none of the defences tried proves {percent(p.wanted)}, and this one comes closest, on"
    attack = f"{count(p.poisoned, 'poisoned image')} and a {p.side}x{p.side} patch on the test image"
    return (
        f"{preview(found.models, p.num_models)}{percent(found.proved)} of the test images are right and certified "
        f"against any {attack}, by {p.num_models:,} models, each trained on {count(p.each, 'image')} of each class: "
        f"{how} {held} practice images ({percent(found.practice)}). Even if all vote alike, "
        f"{'; '.join(_needed(found))}."
    )


def _alt(found: PlantedResult) -> str:
    p, data, kept = found.params, found.dataset, "kept" if found.vote.kept else "not kept"
    column = found.table[:, found.sides.index(p.side)]
    row = found.table[min(int(np.searchsorted(found.rows, p.poisoned)), len(found.rows) - 1)]
    by_rows = ", ".join(f"{percent(share)} at {m}" for m, share in zip(found.rows, column.tolist(), strict=True))
    by_side = ", ".join(f"{percent(share)} at {k}" for k, share in zip(found.sides, row.tolist(), strict=True))
    asked = f"asked for {percent(p.wanted)}: " if p.wanted else ""
    return (
        f"Panel of the planted attack on {data.name}: {count(p.poisoned, 'poisoned image')}, a {p.side}x{p.side} patch "
        f"on the test image, {asked}{count(p.each, 'image')} of each class a bag, {p.num_models:,} models, alpha "
        f"{ALPHA:g}. Proved: {percent(found.proved)}; even if all vote alike, {'; '.join(_needed(found))}. Certified "
        f"accuracy by poisoned images: {by_rows}; by side of the patch, at this number of images or the next one: "
        f"{by_side}. Test image {p.point}: {' '.join(_image_words(found))}; the worst patch takes "
        f"{found.vote.taken:.2g} times the lead of the first model, whose vote is {kept} "
        f"{'(preview, defences are tried)' if math.isnan(found.practice) else state(found.models, p.num_models)}"
    )
