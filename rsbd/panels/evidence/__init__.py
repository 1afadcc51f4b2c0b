"""The panel of evidence: what votes prove, against what an attack can make of it."""

import math
from typing import Any

import numpy as np

from rsbd.data import Dataset
from rsbd.learners import Learner, Linear
from rsbd.panels import svg
from rsbd.panels.chart import Chart, half_certified
from rsbd.panels.evidence.compute import LEAST, EvidenceComputation, EvidenceParams, EvidenceResult
from rsbd.panels.panel import Panel, Runner, image_dataset
from rsbd.words import note, percent, phrases_of, preview, state

_say = phrases_of(__file__)
_BOX = (84.0, 178.0, 272.0, 400.0)
_RIGHT, _CELL, _WIDE, _HIGH = 476.0, 8.0, 430.0, 38  # the votes: left, size of a vote, width of all, lines of votes


def evidence(
    dataset: Dataset | str | None = None,
    *,
    learner: Learner | None = None,
    seed: int = 0,
    runner: Runner | None = None,
    **settings: Any,
) -> Panel[EvidenceParams, EvidenceResult]:
    """Return the live panel of misses and limits: more models lower the misses, more noise raises the limits.

    A prediction is certified at a radius if its miss, which the votes bound, is below the limit of that radius, which
    the noise sets. The votes for one image can be watched as the models are trained.

    Parameters
    ----------
    dataset : Dataset or str, optional
        Images in their binary view; a name is loaded. The digits 0 and 1 unless given.
    learner : Learner, optional
        Base learner; :class:`~rsbd.learners.linear.linear.Linear` unless given.
    seed : int
        Seed of the ensemble.
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`~rsbd.panels.evidence.compute.EvidenceParams`:
        ``keep``, ``num_models``, ``alpha``, ``point``, ``step``.

    Raises
    ------
    InputError
        If the inputs are not images with levels, or a setting is out of range.

    References
    ----------
    Wang, Cao, Jia, Gong, "On Certifying Robustness against Backdoor Attacks via Randomized Smoothing", 2020.

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> panel = evidence(num_models=300, runner=SyncRunner())
    >>> panel.sentence[5:44]
    'of test images are proved to stay right'
    """
    data = image_dataset(dataset, "binary", lambda levels: levels is not None, classes=(0, 1))
    compute, last = EvidenceComputation(data, learner or Linear(), seed), data.num_points - 1
    settings = {"point": min(EvidenceParams.point, last)} | settings
    return Panel.of(EvidenceParams, settings, compute, draw_evidence, runner, point={"high": last})


def draw_evidence(found: EvidenceResult) -> svg.Picture:
    """Draw misses and limits on the left, the votes for one test image on the right; say the result in words."""
    parts = [_proved(found), _misses(found), _votes(found)]
    words = note(found.voted, found.params.num_models)
    return svg.Picture(svg.halves(*parts), _alt(found), _sentence(found), words)


def _quoted(found: EvidenceResult) -> tuple[int, float]:
    """Return the largest radius at which half of the images are certified and right, at least 1, and their share."""
    radii = range(len(found.limits))
    radius, share = half_certified(radii, found.certificate.curve(found.dataset.y_test, radii))
    return int(radius), share


def _share_below(found: EvidenceResult, radius: int) -> float:
    """Return the share of test images whose miss is below the limit of a radius."""
    return float(np.mean(found.certificate.radius >= radius))


def _change(radius: int) -> str:
    return "1 changed pixel or label" if radius == 1 else f"{radius} changed pixels and labels"


def _proved(found: EvidenceResult) -> str:
    radius, share = _quoted(found)
    words = ("right, and proved", "against any", _change(radius))
    if found.params.counted < found.params.num_models:
        words = (f"right, if {found.params.counted:,} had", "been planned, against any", _change(radius))
    return svg.large(10, 62, share, 46) + svg.lines(156, 24, words, weight=600)


def _height(miss: float) -> float:
    """Return where a miss stands on the axis, which is logarithmic."""
    return math.log10(max(miss, LEAST / 10))


def _misses(found: EvidenceResult) -> str:
    misses, points = np.sort(found.bounds.miss), found.dataset.num_points
    chart = Chart(
        _BOX, (0, 100), (_height(LEAST), 0), "misses and limits",
        "test images, clearest first (%)", "", (0, 25, 50, 75, 100), (-3, -2, -1, 0),
        yformat=lambda power: f"{100 * 10.0**power:g} %", above=2,
    )  # fmt: skip
    lines, last, drawn = [], -math.inf, -math.inf
    for radius, limit in enumerate(found.limits):
        y = chart.y(_height(limit))
        if limit < LEAST or y - drawn < 4:  # below the picture, or too close to the line above
            continue
        drawn = y
        lines.append(chart.line((0, 100), [_height(limit)] * 2, svg.ORANGE, dash="9 5", width=2))
        if y - last >= 22:  # where limits are close, some words are left out
            share = _share_below(found, radius)
            said = percent(share) if share else "none"
            lines.append(svg.text(_BOX[2] + 10, y + 6, f"radius {radius}: {said}", weight=600 if share else 400))
            last = y
    across = 100 * (np.arange(points) + 0.5) / points
    rank = int(np.searchsorted(misses, found.bounds.miss[found.params.point]))
    here = across[rank], _height(float(found.bounds.miss[found.params.point]))
    return chart.filled(
        chart.key(("miss, at most", svg.BLUE, ""), ("limit of a radius", svg.ORANGE, "9 5"), across=1),
        *lines,
        chart.line(across, [_height(miss) for miss in misses], svg.BLUE, width=4),
        chart.mark(*here, svg.INK, "diamond", 8),
        chart.note("certified at a radius:", "those below its limit (right)"),
    )


def _votes(found: EvidenceResult) -> str:
    """Draw the votes for one image, each as a square, and what they prove."""
    p, data = found.params, found.dataset
    piles = _piles(found)
    columns = int((_WIDE / len(piles) - 15) / _CELL)
    per = -(-p.num_models // (columns * _HIGH))  # votes that a square stands for
    parts = [
        svg.text(_RIGHT, 26, f"votes for image {p.point} (the diamond)", weight=600),
        svg.image(data.x_test[p.point], _RIGHT, 40, 84, svg.INK, 2),
        svg.lines(_RIGHT + 100, 62, _proof(found), 25),
        svg.text(_RIGHT, 500, "a square is a vote" if per == 1 else f"a square is {per} votes", fill=svg.SOFT),
    ]
    for place, (name, votes) in enumerate(piles.items()):
        left, base = _RIGHT + place * _WIDE / len(piles), 452.0
        colour = svg.BLUE if name == f"\u201c{data.classes[found.bounds.label[p.point]]}\u201d" else svg.VERMILLION
        lines, rest = divmod(-(-votes // per), columns)
        lengths = [columns] * lines + [rest] * (rest > 0)
        d = "".join(f"M{left:.1f} {base - (i + 0.5) * _CELL:.1f}h{n * _CELL - 1:.1f}" for i, n in enumerate(lengths))
        parts.append(svg.path(d, colour, _CELL - 1, f"{_CELL - 1:g} 1") if d else "")
        if d:  # the newest vote of the pile falls to its place
            at = left + (lengths[-1] - 1) * _CELL, base - len(lengths) * _CELL + 0.5
            parts.append(svg.rect(*at, _CELL - 1, _CELL - 1, colour, glide=f"fall {name} {votes}"))
        parts.append(svg.line(left, base, left + columns * _CELL, base, svg.SOFT))
        parts.append(svg.text(left, base + 24, f"{name}: {votes:,}", weight=600))
    return "".join(parts)


def _piles(found: EvidenceResult) -> dict[str, int]:
    """Return the votes of the two classes that have most, and those of all others together."""
    votes, names = found.counts[found.params.point], found.dataset.classes
    shown = np.sort(np.argsort(-votes, kind="stable")[:2])
    piles = {f"\u201c{names[i]}\u201d": int(votes[i]) for i in shown}
    return piles | ({"others": found.voted - sum(piles.values())} if len(votes) > 2 else {})


def _proof(found: EvidenceResult) -> list[str]:
    point, radius = found.params.point, int(found.certificate.radius[found.params.point])
    label, miss = int(found.bounds.label[point]), _short(float(found.bounds.miss[point]))
    words = {"others": found.voted - found.counts[point][label], "radius": radius, "miss": miss}
    case = "held" if radius >= 0 else "open"
    return _say(case, found=found, name=found.dataset.classes[label], **words).splitlines()


def _short(miss: float) -> str:
    """Write a miss in per cent, rounded up."""
    return f"{math.ceil(1e4 * miss) / 100:.2f} %"


def _sentence(found: EvidenceResult) -> str:
    """Say what the counted votes prove, and if they may be called a certificate."""
    p, (radius, share) = found.params, _quoted(found)
    proved = _say("proved" if share else "nothing", share=share, change=_change(radius))
    best = int(found.certificate.radius.max()) + 1
    words = {"next": best, "limit": 100 * found.limits[best], "preview": preview(found.voted, p.counted)}
    clearest = _short(float(found.bounds.miss.min()))
    case = "early" if p.counted < p.num_models else "planned"
    return _say(case, p=p, proved=proved, clearest=clearest, **words)


def _alt(found: EvidenceResult) -> str:
    p, y, limits = found.params, found.bounds.miss, enumerate(found.limits[:7])
    shown = [_say("limit", radius=r, limit=100 * limit, share=_share_below(found, r)) for r, limit in limits]
    words = {
        "least": _short(float(y.min())),
        "most": _short(float(y.max())),
        "limits": ", ".join(shown),
        "votes": ", ".join(f"{number:,} for {name}" for name, number in _piles(found).items()),
        "proof": ", ".join(_proof(found)[1:]),
        "state": state(found.voted, p.counted),
    }
    return _say("alt", found=found, p=p, **words)
