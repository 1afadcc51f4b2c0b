"""Notebook 04: the picture of misses and limits, and the self-checks."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from rsbd import bounds
from rsbd.course.lessons.cell_output import Shown, figure
from rsbd.course.lessons.data_and_attacks import practice
from rsbd.course.lessons.drawing import BLUE, VERMILLION, name_axes, write_at
from rsbd.course.lessons.self_check import HINTS, Verdict, judge_number, self_check, verdict
from rsbd.data import Dataset
from rsbd.noises import Flip, Threat
from rsbd.plots import new_figure
from rsbd.recipes import wang
from rsbd.recipes.certified import Proof
from rsbd.words import percent


def draw_misses_and_limits(proofs: Mapping[str, Proof], caption: str) -> Shown:
    """Draw the sorted misses of all points, and for each radius the limit that a miss must stay below.

    Parameters
    ----------
    proofs : mapping from str to Proof
        Proofs with one noise in all slots, one drawing for each; the keys are the titles.
    caption : str
        The message of the picture.

    Examples
    --------
    >>> from rsbd import load
    >>> digits = load("digits", side=8, classes=(0, 1), points=20)
    >>> draw_misses_and_limits({"keep 0.8": wang(digits, keep=0.8, num_models=500)}, "Blue below orange.").alt
    'Sorted misses of the test images and limits. keep 0.8: ... are below the limit of radius 0, ...'
    """
    sheet, said = new_figure(3.9 * len(proofs), 4.3), "Sorted misses of the test images and limits."
    lowest = min(float(proof.bounds.miss.min()) for proof in proofs.values())
    for place, (title, proof) in enumerate(proofs.items(), 1):
        ax = sheet.add_subplot(1, len(proofs), place)
        misses = np.sort(proof.bounds.miss)
        ax.plot(100 * np.arange(1, len(misses) + 1) / len(misses), misses, color=BLUE, linewidth=3)
        look: Any = {"xycoords": ax.get_yaxis_transform(), "va": "center", "color": "#a34700"}
        said, height = f"{said} {title}:", 1.0
        for size in range(int(proof.certificate.radius.max()) + 2):  # the last limit is below all misses
            limit = float(proof.smoothing.test.shift(size).threshold())  # type: ignore[union-attr]
            share = float((misses < limit).mean())
            below = percent(share) if share else "none"
            ax.axhline(limit, color=VERMILLION, linestyle="--", linewidth=1.5)
            height = min(limit, height / 1.5)  # where limits are close, words stand below each other
            write_at(ax, f"{size}: {below}", (1, height), (6, 0), **look)
            said += f"{',' * (size > 0)} {below} are below the limit of radius {size}"
        said += "."
        ax.set(xlim=(0, 100), ylim=(lowest / 4, 1), yscale="log")
        name_axes(ax, "test images, clearest first (%)", "" if place > 1 else "miss (at most)")
        ax.yaxis.set_major_formatter(lambda miss, _: f"{100 * miss:g} %")
        ax.set_title(title, fontsize=14, fontweight="bold", loc="left")
    return figure(sheet, said, caption)


def check_miss(answer: Any, keep: float) -> Verdict:
    """Check the miss at which radius 1 stops being certified, for binary pixels.

    Examples
    --------
    >>> check_miss(0.5, keep=0.8)
    Not yet. At 1/2 the vote itself is open: that is the limit for radius 0.
    """
    flip = Flip(keep)
    away = 1 - flip.keep
    ratio = flip.keep / away
    mistakes = {
        "open": Fraction(1, 2),
        "one": 1 / ratio,
        "flip": away,
        "keep": flip.keep,
        "factor": ratio,
        "half_factor": ratio / 2,
    }
    return judge_number(answer, flip.shift(1).threshold(), HINTS["check_miss"], mistakes, {"ratio": ratio})


@self_check
def check_noise(keeps: Any, dataset: Dataset, threat: Threat, share: float = 0.25, num_models: int = 4000) -> Verdict:
    """Check on practice points that a noise for each slot certifies enough; if so, certify the test points.

    Parameters
    ----------
    keeps : mapping
        ``keep_features``, ``keep_labels`` and ``keep_test``.
    dataset : Dataset
        Binary features.
    threat : Threat
        What the attacker may do.
    share : float
        Certified accuracy to reach on the practice points.
    num_models : int
        Number of models.
    """
    hints, names = HINTS["check_noise"], ("keep_features", "keep_labels", "keep_test")
    if not isinstance(keeps, Mapping) or set(keeps) != set(names):
        return verdict(hints, "names", names=", ".join(names))
    rehearsal = practice(dataset)
    result = wang(rehearsal, num_models=num_models, **keeps)
    held = _proved(result, rehearsal, threat)
    words = {"found": percent(held) if held else "None", "num_models": num_models}
    if len(set(result.bounds.label.tolist())) == 1:
        return verdict(hints, "useless", **words)
    if held >= share:
        once = _proved(wang(dataset, num_models=num_models, **keeps), dataset, threat)
        return verdict(hints, "right", once=percent(once), **words)
    limit = float(result.smoothing.tradeoff(threat).threshold())
    best = float(bounds.simultaneous(np.array([[num_models, 0]]), result.bounds.alpha).miss[0])
    typical = float(np.median(result.bounds.miss))
    return verdict(hints, "exposed" if best >= limit else "unclear", limit=limit, best=best, typical=typical, **words)


def _proved(result: Proof, dataset: Dataset, threat: Threat) -> float:
    return float(np.mean(result.certify(threat) & (result.bounds.label == dataset.y_test)))
