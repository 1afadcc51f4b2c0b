"""The main panel's picture, drawn from what was found in a few milliseconds."""

from __future__ import annotations

import math

import numpy as np

from rsbd.panels import svg
from rsbd.panels.backdoor import words
from rsbd.panels.backdoor.params import Found, Samples
from rsbd.panels.chart import Box, Chart, share, ticks
from rsbd.panels.engine import Picture
from rsbd.words import count, percent

WIDTH = 1200


def render(found: Found) -> Picture:
    """Draw everything: images, rates, curve and map."""
    return _picture(found, 566, [_curve(found, (78, 246, 590, 486)), _map(found, (745, 246, 1185, 486))])


def render_compact(found: Found) -> Picture:
    """Draw images, rates and the curve: for a first look."""
    return _picture(found, 538, [_curve(found, (78, 246, 1150, 458))])


def _picture(found: Found, height: float, lower: list[str]) -> Picture:
    parts = [_samples(found.samples), _rates(found), *lower]
    note = f"{found.models:,} of {found.params.num_models:,} models"
    return Picture(
        svg.document(WIDTH, height, parts),
        words.alt(found),
        words.sentence(found),
        f"{found.models:,} models" if found.final else note,
    )


def _samples(samples: Samples) -> str:
    side, gap, parts = 74.0, 8.0, []
    groups = (
        ("clean", samples.clean, samples.labels, svg.GRID),
        ("poisoned", samples.poisoned, samples.poisoned_labels, svg.VERMILLION),
        ("one noised copy", samples.noised, samples.noised_labels, svg.BLUE),
    )
    for g, (title, images, labels, edge) in enumerate(groups):
        left = 10 + g * 280
        parts.append(svg.text(left, 24, f"{g + 1}  {title}", weight=600))
        for i, (image, label) in enumerate(zip(images[:3], labels, strict=False)):
            x = left + i * (side + gap)
            parts.append(svg.image(image, x, 38, side, edge, 2))
            changed = label != samples.labels[i]
            if title == "poisoned" and (changed or np.any(image != samples.clean[i])):
                parts.append(_frame(samples, x, 38, side))
            parts.append(
                svg.text(
                    x + side / 2,
                    38 + side + 21,
                    f"\u201c{label}\u201d",
                    anchor="middle",
                    weight=700 if changed else 400,
                )
            )
        if g < 2:
            parts.append(svg.text(left + 3 * (side + gap) + 11, 38 + side / 2 + 8, "\u2192", 24, "middle"))
    said = "label of each training image underneath; bold: changed; small frame: the trigger"
    parts.append(svg.text(10, 160, said, fill=svg.SOFT))
    return "".join(parts)


def _frame(samples: Samples, x: float, y: float, side: float) -> str:
    """Frame the pixels that the trigger set; it sets the same ones in every image."""
    changed = (samples.poisoned != samples.clean).reshape(-1, *samples.clean.shape[-2:]).any(0)
    if not changed.any():
        return ""
    (top, bottom), (left, right) = (np.flatnonzero(changed.any(axis))[[0, -1]] for axis in (1, 0))
    high, wide = side / changed.shape[0], side / changed.shape[1]
    size = (right + 1 - left) * wide, (bottom + 1 - top) * high
    return _outline(x + left * wide, y + top * high, *size, 2.5)


def _rates(found: Found) -> str:
    parts, left, length = [], 980.0, 140.0
    groups = (
        ("clean accuracy", found.clean_accuracy),
        (f"attack success (\u2192 \u201c{found.target}\u201d)", found.attack_success),
    )
    for g, (title, pair) in enumerate(groups):
        top = 24 + g * 92
        parts.append(svg.text(856, top, title, weight=600))
        for b, (who, value) in enumerate(zip(("undefended", "smoothed"), pair, strict=True)):
            y = top + 12 + b * 28
            parts.append(svg.text(left - 8, y + 16, who, anchor="end"))
            colour = svg.VERMILLION if b == 0 else svg.BLUE
            if math.isnan(value):
                parts.append(svg.text(left, y + 16, "no image to test", fill=svg.SOFT))
            else:
                parts.append(svg.bar(left, y, length, 20, value, colour, hatched=b == 0))
    return "".join(parts)


def _curve(found: Found, box: Box) -> str:
    left, top, right, bottom = box
    discrete, end, margin = found.norm == "L0", _axis_end(found), left - 68
    few = discrete and end <= 12
    chart = Chart(
        box,
        (-0.5, end + 0.5) if discrete else (0, end),
        (0, 1.1),  # room for the figures above a curve at 100 %
        xlabel="L0 radius (pixels and labels changed)" if discrete else "L2 radius (pixel units)",
        xticks=range(int(end) + 1) if few else ticks(0, end),
        yticks=(0, 0.25, 0.5, 0.75, 1),
        yformat=share,
    )
    draw = chart.step if discrete else chart.line
    parts = [svg.text(margin, top - 44, "certified accuracy", weight=600), chart.frame()]
    about, at = "trained on clean images: no such attack changes these answers", margin
    if found.naive is not None:
        about, at = "Clopper\u2013Pearson now: not valid if one keeps looking", margin + 38
        parts.append(draw(found.radii, found.naive, svg.INK, dash="3 3", width=1.5))
        parts.append(svg.line(margin, bottom + 61, margin + 30, bottom + 61, svg.INK, 1.5, "3 3"))
    parts.append(draw(found.radii, found.accuracies, svg.BLUE, dash="" if found.final else "9 5"))
    if few:
        free = left - 50.0  # where the last figure leaves room for the next
        for radius, value in zip(found.radii, found.accuracies, strict=True):
            if value > 0 and radius <= end and chart.x(radius) >= free:
                free = chart.x(radius) + 67
                above = chart.y(value) - 9
                parts.append(svg.text(chart.x(radius), above, percent(value), anchor="middle", weight=600, halo=True))
    if not found.final:
        said = f"preview, {found.models:,} of {found.params.num_models:,} models"
        parts.append(svg.text(right, top - 44, said, anchor="end", weight=600))
    parts.append(svg.text(at, bottom + 66, about, fill=svg.SOFT))
    return "".join(parts) + _budget(found, chart)


def _budget(found: Found, chart: Chart) -> str:
    """Mark the attacker's budget, at the edge with an arrow where it lies beyond the axis."""
    left, top, right, bottom = chart.box
    beyond = found.budget > chart.xlim[1]
    at = right if beyond else chart.x(found.budget)
    label = f"attacker\u2019s budget {found.budget:,.4g}" + (" \u2192" if beyond else "")
    anchor = "end" if at > (left + right) / 2 else "start"
    return svg.line(at, top - 8, at, bottom, svg.VERMILLION, 3, "3 5") + svg.text(
        at, top - 14, label, anchor=anchor, weight=600
    )


def _axis_end(found: Found) -> float:
    """End of the radius axis: from a few round numbers, so that it stays put while sliders move a little."""
    held = found.radii[found.accuracies > 0]
    need = float(held.max()) if held.size else 0.0
    if found.norm == "L0":
        rounds = (e * 10**k for k in range(6) for e in (1, 2, 5))
        end = next(e for e in rounds if e >= max(5, need + 1))
        return float(min(end, found.radii[-1]) if found.accuracies[-1] > 0 else end)  # no claim beyond them
    return float(next((e for e in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20) if need < e), need * 1.1))


def _map(found: Found, box: Box) -> str:
    """Cells of certified accuracy, fewest rows at the bottom, with the sliders' point on it."""
    left, top, right, bottom = box
    rows, triggers = found.map_rows, found.map_triggers
    wide, high = (right - left) / len(triggers), (bottom - top) / len(rows)
    parts = [svg.text(left - 85, top - 44, "certified map: which attacks are ruled out", weight=600)]
    for i, shares in enumerate(found.certified):
        y = bottom - (i + 1) * high
        parts.append(svg.text(left - 9, y + high / 2 + 5, f"{rows[i]:g}", anchor="end", fill=svg.SOFT))
        for j, value in enumerate(shares):
            parts.append(_cell(left + j * wide, y, wide, high, float(value)))
    for j, trigger in enumerate(triggers):
        parts.append(svg.text(left + (j + 0.5) * wide, bottom + 21, f"{trigger:.3g}", anchor="middle", fill=svg.SOFT))
    label = "trigger size (pixels)" if found.norm == "L0" else "trigger size (L2)"
    parts.append(svg.text((left + right) / 2, bottom + 42, label, anchor="middle"))
    parts.append(svg.text(left - 62, (top + bottom) / 2, "poisoned training images", anchor="middle", turn=-90))
    parts.append(
        svg.text(left - 85, bottom + 66, "figures: % of test images right and certified; 0: no proof", fill=svg.SOFT)
    )
    return "".join(parts) + _point(found, box, wide, high)


def _cell(x: float, y: float, wide: float, high: float, value: float) -> str:
    """The bluer, the more is certified, and never so blue that the figure is hard to read."""
    blue = svg.rect(x, y, wide, high, svg.BLUE, opacity=0.12 + 0.48 * value) if value else ""
    figure = percent(value)[:-2]
    ink, weight = (svg.INK, 700) if value else (svg.SOFT, 400)
    said = svg.text(x + wide / 2, y + high / 2 + 5.5, figure, anchor="middle", weight=weight, fill=ink)
    return blue + svg.rect(x, y, wide, high, "none", svg.GRID) + said


def _point(found: Found, box: Box, wide: float, high: float) -> str:
    """Outline the smallest cell that contains the attack; its words stand above and hide no cell."""
    left, top, _, bottom = box
    i = int(np.searchsorted(found.map_rows, found.rows))
    j = int(np.searchsorted(found.map_triggers, found.trigger))
    inside = i < len(found.map_rows) and j < len(found.map_triggers)
    size = f"{found.trigger:g} px" if found.norm == "L0" else f"L2 size {found.trigger:.3g}"
    attack = f"{count(found.rows, 'image')} \u00d7 {size}{'' if inside else ', off map'}"
    said = f"this attack ({attack}): {percent(found.at_threat)}"
    parts = [_outline(left - 83, top - 27, 14, 14), svg.text(left - 61, top - 14, said, weight=600)]
    if inside:
        parts.append(_outline(left + j * wide, bottom - (i + 1) * high, wide, high))
    return "".join(parts)


def _outline(x: float, y: float, wide: float, high: float, width: float = 4) -> str:
    """Vermillion on white, so that it shows on everything."""
    return svg.rect(x, y, wide, high, "none", "#fff", 1.75 * width) + svg.rect(
        x, y, wide, high, "none", svg.VERMILLION, width
    )
