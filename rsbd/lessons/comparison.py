"""Helpers and self-checks of the notebook that compares all methods."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rsbd import bounds, ensemble, plots
from rsbd.certify import certify
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.learners import Linear
from rsbd.lessons.verdict import STUB, Verdict, judge
from rsbd.noises import Gaussian
from rsbd.panels.words import count, percent
from rsbd.recipes.contest import CONTENDERS, Comparison, Row, posed, refusal
from rsbd.recipes.contest.threats import Attack, attacked
from rsbd.smoothing import Smoothing, Threat

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
    return [
        [c.name, c.paper, *("yes" if c.name in able[slot] else "\u2013" for slot in SLOTS)]
        for c in CONTENDERS
    ]


def best(found: Comparison, attack: Attack, threat: int) -> tuple[str, float]:
    """Method with the largest certified accuracy against one threat of an attack, and that accuracy."""
    held = {row.method: row.certified[threat] for row in found.against(attack) if row.certified is not None}
    name = max(held, key=lambda method: held[method])
    return name, held[name]


def held(found: Comparison, method: str, attack: Attack, rows: int | None = None) -> float:
    """Certified accuracy of a method against an attack: at the first threat, or at the first of so many rows or more.

    Raises
    ------
    InputError
        If the method does not face the attack.
    """
    for row in found.against(attack):
        if row.method == method and row.certified is not None:
            at = next((i for i, t in enumerate(row.threats) if rows is None or t.rows >= rows), -1)
            return row.certified[at]
    raise InputError(f"{method} does not face an attack on {', '.join(attack)}: choose another method")


def best_of(found: Comparison, attack: Attack) -> list[list[Any]]:
    """One line for each threat of an attack: pixels, rows, the best method, its noise and what it certifies."""
    lines: list[list[Any]] = []
    for i, threat in enumerate(found.against(attack)[0].threats):
        name, share = best(found, attack, i)
        noise = next(row.noise for row in found.against(attack) if row.method == name)
        lines.append([threat.trigger, threat.rows, *((name, noise) if share else ("none", "")), share])
    return sorted(lines, key=lambda line: (line[0], line[1]))


def compared(found: Comparison) -> str:
    """The settings of a stored comparison, as a sentence."""
    s = found.settings
    return (
        f"Stored comparison on {s['dataset']}, {' against '.join(s['classes'])}: {s['rows']:,} training images, "
        f"{s['points']:,} test images, at most {s['models']:,} models a method, alpha {s['alpha']:g}."
    )


def by_rows(
    found: Comparison,
    attack: Attack,
    rate: float,
    num_rows: int,
    names: Sequence[str] = (),
    pixels: int | None = None,
) -> Axes:
    """Draw how certified accuracy falls with poisoned rows, and where an attacker with a poison rate stands.

    Parameters
    ----------
    found : Comparison
        Growing numbers of rows.
    attack : tuple of str
        Which slots change.
    rate : float
        Poison rate that attackers use.
    num_rows : int
        Training rows.
    names : sequence of str
        Methods to draw; all that face the attack unless given.
    pixels : int, optional
        Size of the trigger, if there are several.
    """
    ax = plots.new_axes(9.0, 4.6)
    budget = rate * num_rows
    lines = [
        (row.method, curve)
        for row in found.against(attack)
        if (not names or row.method in names) and (curve := _curve(row, pixels))
    ]
    wide = max(rows for _, curve in lines for rows, _ in curve) > 50
    # Each label where its curve falls through its own share, so that labels of close curves are apart.
    for i, (name, curve) in enumerate(lines):
        rows, shares = zip(*curve, strict=True)
        colour, dashes = plots.STYLES[i % len(plots.STYLES)]
        ax.plot(
            rows, shares, color=colour, linestyle=dashes, marker="osD^v"[i % 5], linewidth=2.5, clip_on=False
        )
        at = next((j for j, share in enumerate(shares) if share < 0.9 - 0.17 * i), len(rows) - 1)
        ax.annotate(
            name,
            (rows[at], shares[at]),
            (8, 6),
            textcoords="offset points",
            color=colour,
            fontsize=12,
            fontweight="bold",
        )
    ax.axvline(budget, color="#d55e00", linestyle=":", linewidth=3)
    ax.text(
        budget,
        1.06,
        f"poison rate {percent(rate)} ",
        fontsize=12,
        color="#a63d00",
        ha="right" if wide else "left",
    )
    if wide:
        ax.set_xscale("log")
    ax.set_ylim(-0.02, 1.12)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"], fontsize=12)
    ax.tick_params(labelsize=12)
    ax.set_xlabel("poisoned training rows" + (" (logarithmic)" if wide else ""), fontsize=13)
    ax.set_ylabel("certified accuracy", fontsize=13)
    return ax


def fallen(found: Comparison, attack: Attack, pixels: int | None = None) -> str:
    """Put the curves of :func:`by_rows` in words, for alt texts."""
    said = []
    for row in found.against(attack):
        if curve := _curve(row, pixels):
            said.append(f"{row.method}: " + ", ".join(f"{percent(share)} at {rows}" for rows, share in curve))
    return "; ".join(said)


def _curve(row: Row, pixels: int | None) -> list[tuple[int, float]]:
    pairs = zip(row.threats, row.certified or (), strict=False)
    return [(t.rows, share) for t, share in pairs if pixels is None or t.trigger == pixels]


def check_facing(answer: Any, dataset: Dataset, threat: Threat, among: Iterable[str]) -> Verdict:
    """Check which of some methods can face a threat.

    Examples
    --------
    >>> from rsbd import load
    >>> check_facing({"DPA"}, load("digits", view="unit", classes=(0, 1)), Threat(1, 1), ["DPA", "BagFlip"])
    Not yet. DPA cannot: the threat changes the test input, where there is no noise.
    """
    if answer is ... or answer is None:
        return STUB
    among = list(among)
    if isinstance(answer, str) or not isinstance(answer, Iterable):
        return Verdict(False, f'Give a set of names, such as {{"{among[0]}"}}.')
    chosen = list(answer)
    if unknown := [name for name in chosen if name not in among]:
        return Verdict(False, f"{unknown[0]!r} is none of {', '.join(among)}.")
    able = set(facing(dataset, threat)) & set(among)
    for contender in CONTENDERS:
        if contender.name in chosen and contender.name not in able:
            first = next(contender.defences(dataset, attacked(threat)))
            return Verdict(False, f"{contender.name} cannot: {refusal(first, threat, dataset.num_rows)}.")
    if missing := able - set(chosen):
        return Verdict(
            False,
            f"None of these is wrong, but {count(len(missing), 'method')} that can face it "
            f"{'is' if len(missing) == 1 else 'are'} missing: look for methods that cover all that changes.",
        )
    return Verdict(
        True, "They cover the poisoned rows and the test image; every other one leaves a part without noise."
    )


def check_length(answer: Any, rows: int, trigger: int) -> Verdict:
    """Check how long, in L2 over all training pixels, an attack of pixels can be.

    Examples
    --------
    >>> check_length(36, rows=9, trigger=4)
    Not yet. That counts changed pixels (L0). The L2 length is the square root of the sum of their squares.
    """
    one = posed(Threat(rows, trigger), Smoothing(features=Gaussian(1.0))).trigger_on("features")
    return judge(
        answer,
        float(one * np.sqrt(rows)),
        f"{rows} x {trigger} pixels change by at most 1 each, so the squares add up to {rows * trigger}.",
        [
            (
                rows * trigger,
                "That counts changed pixels (L0). The L2 length is the square root of the sum of their squares.",
            ),
            (one, "That is the length on one image. The images are many, and their squares add up."),
            (
                rows * one,
                "Lengths on different images do not add up: their squares do. (They are different coordinates.)",
            ),
            (rows, "That is the number of images. What does one changed pixel cost, and how do many add up?"),
        ],
        "Each changed pixel moves by at most 1. Add up the squares over all poisoned images, and take the root.",
    )


def check_combination(
    answer: Any, dataset: Dataset, threat: Threat, share: float, num_models: int = 1000, alpha: float = 0.001
) -> Verdict:
    """Check that a smoothing of the reader's own certifies enough points: the ensemble is really trained.

    Parameters
    ----------
    answer : Smoothing
        Any noise in any slot, rows included.
    dataset : Dataset
        Binary inputs.
    threat : Threat
        In pixels.
    share : float
        Certified accuracy to reach.

    Examples
    --------
    >>> from rsbd import Bagging, load
    >>> check_combination(Smoothing(rows=Bagging(20)), load("digits", classes=(0, 1)), Threat(1, 1), 0.6)
    Not yet. The threat changes the test input, where there is no noise.
    """
    if answer is ... or answer is None:
        return STUB
    if not isinstance(answer, Smoothing):
        return Verdict(False, "Give an rsbd.Smoothing(rows=..., features=..., labels=..., test=...).")
    if reason := refusal(answer, threat, dataset.num_rows):
        return Verdict(False, f"{reason[0].upper()}{reason[1:]}.")
    try:
        votes = ensemble.collect(dataset, answer, Linear(), dataset.x_test, num_models)
        evidence = bounds.simultaneous(votes.counts, alpha)
        asked = posed(threat, answer)
        held = certify(evidence, answer, asked, dataset.num_rows)
        unanimous = bounds.simultaneous(np.array([[num_models, *[0] * (dataset.num_classes - 1)]]), alpha)
        possible = bool(certify(unanimous, answer, asked, dataset.num_rows)[0])
    except InputError as error:
        return Verdict(False, f"{error}.")
    right = evidence.label == dataset.y_test
    found = float((held & right).mean())
    said = f"{percent(found)} of the test images are right and certified against this threat"
    if found >= share:
        return Verdict(True, f"{said}.")
    if not possible:
        return Verdict(
            False,
            f"{said}: even {num_models:,} votes that all agree would not do. The attack shows too clearly: smaller "
            "bags, or more noise where it changes something.",
        )
    return Verdict(
        False,
        f"{said}, and {percent(float(right.mean()))} are right at all. The votes are not clear enough: take back some "
        "noise, or let each model see more rows.",
    )


LIMIT_CLAIMS = {
    "a": "Nothing is proved, in either direction. The attack may fail; to know, somebody has to carry it out.",
    "b": "More models sharpen the evidence. Against this threat even unanimous votes without end may not be enough, if "
    "the noise hides too little of it.",
    "c": "Exactly: the certificate is silent. Another method, another noise or another learner may still prove it.",
    "d": "The accuracy on clean images can be perfect all the same; look at the column of clean accuracy.",
}


def check_limit_claim(answer: Any) -> Verdict:
    """Check what a certified accuracy of 0 % against a threat says, of four claims.

    Examples
    --------
    >>> check_limit_claim("c").passed, check_limit_claim("a").passed
    (True, False)
    """
    if answer is ... or answer is None:
        return STUB
    letter = str(answer).strip().lower()
    if letter not in LIMIT_CLAIMS:
        return Verdict(False, f'{answer!r} is none of the claims: answer "a", "b", "c" or "d".')
    return Verdict(letter == "c", LIMIT_CLAIMS[letter])
