"""Notebook 00: a row of its table, and the self-checks."""

from typing import Any

from rsbd.attacks import Poisoning
from rsbd.course.lessons.data_and_attacks import watch
from rsbd.course.lessons.self_check import HINTS, Verdict, judge_number, self_check, verdict
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.recipes.report import Report
from rsbd.words import percent


def fooled(name: str, found: Report) -> list[str | float]:
    """Return one row of a table: an attack, its size, its measured success, and what is proved against it."""
    rates = [rates.attack_success_rate for rates in found.outcome.rates.values()]
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
    hints = HINTS["check_attack"]
    if not isinstance(attack, Poisoning):
        return verdict(hints, "no_attack")
    try:
        seen = watch(dataset, attack)
    except InputError as error:
        return verdict(hints, "impossible", error=error)
    words = {"poisoned": seen.poisoned_rows, "images": images, "fooled": percent(seen.success)}
    if not seen.poisoned_rows:
        return verdict(hints, "nothing")
    if seen.poisoned_rows > images:
        return verdict(hints, "too_many", **words)
    if dataset.label(attack.target) != 0:
        return verdict(hints, "target", name=dataset.classes[0])
    if seen.success < success:
        return verdict(hints, "weak", **words)
    if seen.after < seen.before - 0.02:
        return verdict(hints, "noticed")
    return verdict(hints, "right", verb="image fools" if seen.poisoned_rows == 1 else "images fool", **words)
