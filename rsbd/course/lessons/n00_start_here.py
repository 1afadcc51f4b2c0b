"""Notebook 00: a row of its table, and the self-checks."""

from __future__ import annotations

from typing import Any

from rsbd.attacks import Poisoning
from rsbd.course.lessons.data_and_attacks import watch
from rsbd.course.lessons.self_check import HINTS, Verdict, judge_number, not_yet, self_check
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.recipes.report import Report
from rsbd.words import percent


def fooled(name: str, found: Report) -> list[str | float]:
    """Return one row of a table: an attack, its size, its measured success, and what is proved against it."""
    undefended, smoothed = found.outcome.attack.undefended, found.outcome.smoothed
    rates = [undefended.attack_success_rate, smoothed.attack_success_rate]
    return [name, f"{found.budget:,.0f}", *rates, found.against_attack]


def check_budget(answer: Any, rows: int, trigger: int) -> Verdict:
    """Check how many pixels and labels an attack changes in all.

    Examples
    --------
    >>> check_budget(12, rows=3, trigger=4)
    Not yet. That counts the pixels of the poisoned images. And the labels? And the test image?
    """
    pixels = rows * trigger
    mistakes = {
        "pixels": pixels,
        "training": pixels + rows,
        "labels_kept": pixels + trigger,
        "trigger": trigger,
        "labels": rows,
    }
    truth = pixels + rows + trigger
    return judge_number(answer, truth, HINTS["check_budget"], mistakes, {"rows": rows, "trigger": trigger})


@self_check
def check_attack(attack: Any, dataset: Dataset, images: int = 5, success: float = 0.9) -> Verdict:
    """Check that an attack works with few images, by training a classifier on them.

    Examples
    --------
    >>> from rsbd import BadPatch, load
    >>> digits = load("digits", classes=(0, 1))
    >>> check_attack(Poisoning(BadPatch(3), target=0, rate=0.05), digits)
    Not yet. That poisons 10 images, and only 5 are allowed: lower the rate.
    """
    if not isinstance(attack, Poisoning):
        return not_yet("That is no attack: write rsbd.Poisoning(rsbd.BadPatch(...), target=0, rate=...).")
    try:
        seen = watch(dataset, attack)
    except InputError as error:
        return not_yet(f"That attack is not possible: {error}.")
    if not seen.poisoned_rows:
        return not_yet("That poisons no image at all: raise the rate.")
    if seen.poisoned_rows > images:
        return not_yet(f"That poisons {seen.poisoned_rows} images, and only {images} are allowed: lower the rate.")
    if dataset.label(attack.target) != 0:
        return not_yet(f"The attacker of this exercise wants the label \u201c{dataset.classes[0]}\u201d.")
    if seen.success < success:
        return not_yet(
            f"Only {percent(seen.success)} of the triggered images are fooled. With so few images, what else makes a "
            "trigger easier to learn?"
        )
    if seen.after < seen.before - 0.02:
        return not_yet("It works, but clean accuracy falls by more than 2 points: somebody will notice.")
    enough = "image fools" if seen.poisoned_rows == 1 else "images fool"
    return Verdict(True, f"{seen.poisoned_rows} poisoned {enough} {percent(seen.success)} of the triggered ones.")
