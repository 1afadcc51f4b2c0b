"""The main panel: plant a backdoor, smooth the pipeline, certify it, and watch the result."""

from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np

from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.learners import Learner, Linear
from rsbd.panels import svg
from rsbd.panels.backdoor.compute import MAP_PIXELS, MOST_POISONED, BackdoorComputation, BackdoorParams, BackdoorResult
from rsbd.panels.chart import Box, Chart, half_certified, share_map, ticks
from rsbd.panels.controls import controls_of
from rsbd.panels.panel import Panel, Runner, count_poisoned, first_params, image_dataset
from rsbd.panels.rates import rate_bars, success_words
from rsbd.types import AnyFloats, Floats
from rsbd.words import count, note, percent, phrases_of, preview, state

_say = phrases_of(__file__)
_COMPACT = ("poisoned", "trigger_pixels", "keep")


def backdoor(
    dataset: Dataset | str | None = None,
    *,
    target: int | str = 1,
    learner: Learner | None = None,
    compact: bool = False,
    seed: int = 0,
    runner: Runner | None = None,
    **settings: Any,
) -> Panel[BackdoorParams, BackdoorResult]:
    """Return the live panel of a backdoor attack and its certificate.

    Parameters
    ----------
    dataset : Dataset or str, optional
        Images; a name is loaded in its binary view. The digits 0 and 1 unless given.
    target : int or str
        Class that the attacker wants; the second one unless given.
    learner : Learner, optional
        Base learner of the defence; :class:`~rsbd.learners.linear.linear.Linear` unless given.
    compact : bool
        Fewer controls and no map, for a first look.
    seed : int
        Seed of the attack and of the ensemble.
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`~rsbd.panels.backdoor.compute.BackdoorParams`:
        ``keep``, ``trigger_pixels``, ``poisoned``, ``num_models``, ``alpha``, ``noise``, ... A share
        ``poison_rate`` may stand in place of the number ``poisoned``; 0.05 unless given.

    Raises
    ------
    InputError
        If the inputs are not images, the target is not a class, or a setting is out of range.

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> panel = backdoor(num_models=100, poison_rate=0.02, runner=SyncRunner())
    >>> panel.wait()
    >>> panel.params.poisoned, panel.sentence[5:45]
    (4, 'of test images are proved to stay right ')
    """
    data = image_dataset(dataset, classes=(0, 1))
    settings, slider = count_poisoned(settings, data, "poison_rate", 0.05, MOST_POISONED)
    params = first_params(BackdoorParams, settings)
    if data.values is None and params.noise != "gaussian":
        raise InputError(f"{data.name} is continuous", "give noise='gaussian', or values 0 and 1 as in a binary view")
    compute = BackdoorComputation(data, data.label(target), learner or Linear(), seed)
    controls = controls_of(BackdoorParams, poisoned=slider)
    controls = [control for control in controls if not compact or control.name in _COMPACT]
    draw = draw_compact_backdoor if compact else draw_backdoor
    return Panel(params, controls, compute, draw, runner)


def draw_backdoor(found: BackdoorResult) -> svg.Picture:
    """Draw images, rates, curve and map."""
    parts = [_rates(found, 846, 0), _proved(found, (920, 920), (246, 398), (0, 32)), _map(found, (545, 214, 895, 410))]
    stack = (836, 0, 1200, 181), (910, 186, 1200, 494), (0, 167, 452, 494), (456, 181, 905, 494)
    return _picture(found, 1200, parts, stack)


def draw_compact_backdoor(found: BackdoorResult) -> svg.Picture:
    """Draw images, rates and curve: for a first look."""
    parts = [_rates(found, 476, 167), _proved(found, (476, 476), (398, 474), (160, -36))]
    return _picture(found, 874, parts, [(466, 167, 874, 344), (466, 344, 874, 494), (0, 167, 452, 494)])


def _picture(found: BackdoorResult, width: float, parts: list[str], stack: Iterable[Box]) -> svg.Picture:
    drawn = [_images(found), _curve(found, (78, 232, 434, 408)), *parts]
    groups = (0, 0, 240, 165), (240, 0, 522, 165), (522, 0, 838, 165)  # each with the arrow that leads to it
    drawing = svg.document(width, 494, drawn, [*groups, *stack])
    return svg.Picture(drawing, _alt(found), _sentence(found), note(found.models, found.params.num_models))


def _proved(found: BackdoorResult, xs: tuple[float, float], ys: tuple[float, float], aside: tuple[float, float]) -> str:
    """Write in large figures what is proved: against small changes of any kind, and against this attack."""
    threat, channels = found.report.threat, found.report.outcome.experiment.dataset.channels
    trigger, (radius, certified) = threat.trigger_on("features"), half_certified(found.radii, found.accuracies)
    size = f"{trigger / channels:g} px" if _norm(found) == "L0" else f"L2 {trigger:.3g}"
    shares, whole = (certified, found.report.against_attack), f"{count(threat.rows, 'image')} \u00d7 {size}"
    against = ("against any change of", _change(found, radius)), ("against this attack:", whole)
    return "".join(
        svg.large(x, y, share, 46) + svg.lines(x + aside[0], y + aside[1], ("right, and proved", *words), weight=600)
        for x, y, share, words in zip(xs, ys, shares, against, strict=True)
    )


def _cell(found: BackdoorResult, row: int, column: int) -> tuple[str, dict[str, int]] | None:
    """Name the attack of a cell of the map, and say which parameters set it; None if no slider goes so far."""
    rows, pixels = int(found.report.rows[row]), MAP_PIXELS[column]
    if rows > MOST_POISONED * found.report.outcome.experiment.dataset.num_rows:
        return None
    said = f"{count(rows, 'poisoned image')}, a trigger of {count(pixels, 'pixel')}"
    return said, {"poisoned": rows, "trigger_pixels": pixels}


def _images(found: BackdoorResult) -> str:
    side, gap, parts, clean = 74.0, 4.0, [], found.images[0]
    rows, data = found.report.threat.rows, found.report.outcome.experiment.dataset
    share = percent(rows / data.num_rows)
    planted, edge = (f"poisoned: {rows:,} ({share})", svg.VERMILLION) if rows else ("nothing poisoned", svg.GRID)
    titles, edges = ("clean", planted, "one noised copy"), (svg.GRID, edge, svg.BLUE)
    for g, (title, shown, edge) in enumerate(zip(titles, found.images, edges, strict=True)):
        left = 8 + g * 280
        parts.append(svg.text(left, 24, title, weight=600))
        for i, (image, name) in enumerate(zip(*shown, strict=True)):
            x = left + i * (side + gap)
            parts.append(svg.image(image, x, 38, side, edge, 2))
            changed = name != clean.labels[i]
            if g == 1 and (changed or np.any(image != clean.images[i])):
                parts.append(_frame(found, x, 38, side))
            said, weight = f"\u201c{name}\u201d", 700 if changed else 400
            parts.append(svg.text(x + side / 2, 38 + side + 21, said, anchor="middle", weight=weight))
        if g < 2:
            parts.append(svg.text(left + 3 * (side + gap) + 11, 38 + side / 2 + 8, "\u2192", 24, "middle"))
    words = "bold: label changed", "small frame: the trigger" if rows else "", data.name
    return "".join(parts) + "".join(svg.text(8 + 280 * g, 158, said, fill=svg.SOFT) for g, said in enumerate(words))


def _frame(found: BackdoorResult, x: float, y: float, side: float) -> str:
    """Frame the pixels that the trigger sets; they are the same in every image."""
    clean, poisoned, _ = (shown.images for shown in found.images)
    changed = (poisoned != clean).reshape(-1, *clean.shape[-2:]).any(0)
    if not changed.any():
        return ""
    (top, bottom), (left, right) = (np.flatnonzero(changed.any(axis))[[0, -1]] for axis in (1, 0))
    high, wide = side / changed.shape[0], side / changed.shape[1]
    # The frame is drawn around the pixels, so that it covers none of them.
    x, y, wide, high = x + left * wide, y + top * high, (right + 1 - left) * wide, (bottom + 1 - top) * high
    return svg.rect(x - 2, y - 2, wide + 4, high + 4, "none", svg.VERMILLION, 2.5)


def _rates(found: BackdoorResult, left: float, top: float) -> str:
    outcome, box = found.report.outcome, (left + 139, left + 344)
    return (
        svg.text(left, top + 22, "clean accuracy", weight=600)
        + rate_bars(outcome, "clean_accuracy", (box[0], top + 29, box[1], top + 87))
        + svg.text(left, top + 110, f"attack success (\u2192 \u201c{outcome.experiment.target_name}\u201d)", weight=600)
        + rate_bars(outcome, "attack_success_rate", (box[0], top + 117, box[1], top + 175))
    )


def _curve(found: BackdoorResult, box: Box) -> str:
    left, top, _, bottom = box
    discrete, end, margin = _norm(found) == "L0", _axis_end(found), left - 68
    few = discrete and end <= 12
    xlim = (-0.5, end + 0.5) if discrete else (0, end)
    counted = found.report.outcome.experiment.dataset.counted
    xlabel = f"L0 radius ({counted} and labels changed)" if discrete else "L2 radius (pixel units)"
    xticks = range(int(end) + 1) if few else ticks(0, end)
    chart = Chart.of_shares(box, xlim, "", xlabel, 1.1, xticks=xticks)  # with room for figures above a curve at 100 %
    draw = chart.step if discrete else chart.line
    early = f"certified (preview, {note(found.models, found.params.num_models)})"
    final = found.report.outcome.final
    title = "certified accuracy" if final else early
    parts = [svg.text(margin, top - 44, title, weight=600), chart.frame()]
    parts.append(draw(found.radii, found.accuracies, svg.BLUE, dash="" if final else "9 5"))
    free = left - 50.0  # where the last figure leaves room for the next
    for radius, value in zip(found.radii, found.accuracies, strict=True):
        if few and value > 0 and radius <= end and chart.x(radius) >= free:
            middle = max(chart.x(radius), left + 36)  # right of the tick labels
            free = middle + 67
            parts.append(svg.label(middle, chart.y(value) - 9, percent(value), "middle"))
    parts.append(svg.text(margin, bottom + 72, "proved: no such change alters the answer", fill=svg.SOFT))
    budget = found.report.budget
    return "".join(parts) + chart.budget(budget, f"attacker\u2019s budget {budget:,.4g}")


def _axis_end(found: BackdoorResult) -> float:
    """Return the end of the radius axis: a round number, so that it stays the same while sliders move a little."""
    need = float(found.radii[found.accuracies > 0].max(initial=0))
    if _norm(found) == "L0":
        end = next(e * 10**k for k in range(6) for e in (1, 2, 5) if e * 10**k >= max(5, need + 1))
        return float(min(end, found.radii[-1]) if found.accuracies[-1] > 0 else end)  # no claim beyond them
    return float(next((e for e in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20) if need < e), need * 1.1))


def _map(found: BackdoorResult, box: Box) -> str:
    """Draw the certified map with the attack that the sliders set: its words stand above it and hide no cell."""
    left, top, right, bottom = box
    rows, sizes, threat = found.report.rows, found.report.sizes, found.report.threat
    # The smallest cell that holds the attack.
    at = int(np.searchsorted(rows, threat.rows)), int(np.searchsorted(sizes, threat.trigger_on("features")))
    inside = at[0] < len(rows) and at[1] < len(sizes)
    measure = found.report.outcome.experiment.dataset.counted if _norm(found) == "L0" else "L2"
    names = [f"{m:g}" for m in rows], [f"{trigger:.3g}" for trigger in sizes]
    framed = f"{'framed: this attack' if inside else 'this attack is off the map'}; click another"
    parts = [
        svg.text(left - 85, top - 14, "attacks ruled out, % of test images", weight=600),
        share_map(box, found.report.accuracy_map, *names, at, partial(_cell, found)),
        svg.text((left + right) / 2, bottom + 42, f"trigger size ({measure})", anchor="middle"),
        svg.text(left - 62, (top + bottom) / 2, "poisoned images", anchor="middle", turn=-90),
        svg.text(left - 85, bottom + 72, framed, fill=svg.SOFT),
    ]
    return "".join(parts)


def _norm(found: BackdoorResult) -> str:
    return found.report.certificate.norm


def _change(found: BackdoorResult, radius: float) -> str:
    """Name a change of the size of a radius."""
    if _norm(found) != "L0":
        return f"an L2 length of {radius:.3g}"
    thing = "pixel" if found.report.outcome.experiment.dataset.channels == 1 else "colour value"
    return f"{radius:g} {thing} or label" if radius == 1 else f"{radius:g} {thing}s and labels"


def _sentence(found: BackdoorResult) -> str:
    """Say what is certified, against which change, and what the attack did."""
    p, (radius, share) = found.params, half_certified(found.radii, found.accuracies)
    rows, against = found.report.threat.rows, found.report.against_attack
    values, channels = found.report.threat.trigger_on("features"), found.report.outcome.experiment.dataset.channels
    trigger = count(values / channels, "pixel") + (f" ({values:g} values)" if channels > 1 else "")
    where = _say("everywhere" if _norm(found) == "L0" else "on_images")
    words = {
        "early": preview(found.models, p.num_models),
        "proved": _say("proved" if share else "nothing", share=share, change=_change(found, radius), where=where),
        "threat": _say(
            "poisoned" if rows else "clean",
            rows=rows,
            trigger=trigger if _norm(found) == "L0" else f"L2 size {values:.3g}",
        ),
        "against": percent(against) if against else "nothing",
        "success": success_words(found.report.outcome),
        "noise": _say(p.noise, p=p),
    }
    return _say("sentence", p=p, **words)


def _alt(found: BackdoorResult) -> str:
    p, outcome = found.params, found.report.outcome
    words = {
        "dataset": outcome.experiment.dataset.name,
        "noise": _say(p.noise, p=p),
        "state": state(found.models, p.num_models),
        "clean": ", ".join(f"{percent(r.clean_accuracy)} {name}" for name, r in outcome.rates.items()),
        "success": success_words(outcome),
        "curve": _points(found.radii, found.accuracies),
    }
    return _say("alt", p=p, norm=_norm(found), budget=found.report.budget, **words)


def _points(radii: AnyFloats, accuracies: Floats) -> str:
    """Write some points of a curve."""
    pairs = list(zip(radii.tolist(), accuracies.tolist(), strict=True))
    pairs = [pair for pair in pairs[:: max(1, len(pairs) // 6)] if pair[1] > 0]
    return ", ".join(f"{percent(accuracy)} at {radius:.3g}" for radius, accuracy in pairs) or "none"
