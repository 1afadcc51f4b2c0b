"""Notebook 01: attacks on an undefended classifier, what filters leave of them, and the self-checks."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from rsbd.attacks import Poisoning, attack_success_rate, stamp
from rsbd.course.lessons.cell_output import Said, table
from rsbd.course.lessons.data_and_attacks import watch
from rsbd.course.lessons.self_check import HINTS, Verdict, judge_number, self_check, verdict
from rsbd.data import Dataset
from rsbd.learners import Linear
from rsbd.learners.undefended import predict_undefended
from rsbd.recipes.planted import plant_attack
from rsbd.words import percent

_FAINT = 0.06  # the most that a pixel may change


def attack_table(dataset: Dataset, attacks: Mapping[str, Poisoning], named: str) -> Said:
    """Compare attacks on one classifier; the last column measures the same trigger if no image is poisoned.

    Examples
    --------
    >>> from rsbd import BadPatch
    >>> from rsbd.course.lessons.data_and_attacks import ten_digits
    >>> attack_table(ten_digits(), {"2 %": Poisoning(BadPatch(3), target=0, rate=0.02)}, "poison rate")
    | poison rate | poisoned images | clean accuracy | attack success | same trigger, no image poisoned |
    | --- | --- | --- | --- | --- |
    | 2 % | 20 | 94 % | 92 % | < 1 % |
    """
    rows = []
    for name, attack in attacks.items():
        found, shown = watch(dataset, attack), stamp(attack.trigger, dataset, dataset.x_test)
        clean = attack_success_rate(
            predict_undefended(dataset, Linear(), shown), dataset.y_test, dataset.label(attack.target)
        )
        rows.append([name, found.poisoned_rows, found.after, found.success, clean])
    head = [named, "poisoned images", "clean accuracy", "attack success", "same trigger, no image poisoned"]
    return table(head, rows)


@lru_cache  # the notebook asks again for a table
def filtered(dataset: Dataset, attack: Poisoning) -> tuple[int, int, float]:
    """Poison the rows, remove the tenth that is farthest from the mean of its class, train on the rest, and attack.

    Returns
    -------
    poisoned, left : int
        Number of poisoned rows before and after.
    success : float
        Attack success rate of a classifier trained on the remaining rows.

    Examples
    --------
    >>> from rsbd import BadPatch
    >>> from rsbd.course.lessons.data_and_attacks import ten_digits
    >>> filtered(ten_digits(), Poisoning(BadPatch(3), target=0, rate=0.05))[:2]
    (50, 12)
    """
    planted = plant_attack(dataset, attack)
    poisoned, mask = planted.dataset, planted.mask
    flat = poisoned.x.reshape(poisoned.num_rows, -1)
    means = np.stack([flat[poisoned.y == c].mean(0) for c in range(poisoned.num_classes)])
    suspicion = np.linalg.norm(flat - means[poisoned.y], axis=1)
    kept = np.sort(np.argsort(suspicion, kind="stable")[: round(0.9 * len(flat))])
    rest = poisoned.replace(x=poisoned.x[kept], y=poisoned.y[kept])
    called = predict_undefended(rest, Linear(), planted.points[dataset.num_points :])
    success = attack_success_rate(called, dataset.y_test, dataset.label(attack.target))
    return int(mask.sum()), int(mask[kept].sum()), success


def some_calls(dataset: Dataset, attack: Poisoning) -> tuple[list[str], list[str]]:
    """Return true and predicted names of triggered test images, three of the target class and seven of others."""
    own = dataset.y_test == dataset.label(attack.target)
    points = np.sort(np.concatenate([np.flatnonzero(own)[:3], np.flatnonzero(~own)[:7]]))
    poisoned, _ = attack.apply(dataset, 0)
    called = predict_undefended(poisoned, Linear(), stamp(attack.trigger, dataset, dataset.x_test[points]))
    names = np.array(dataset.classes)
    return names[dataset.y_test[points]].tolist(), names[called].tolist()


def check_success_rate(answer: Any, true: Sequence[str], predicted: Sequence[str], target: str) -> Verdict:
    """Check an attack success rate that was counted by hand.

    Examples
    --------
    >>> check_success_rate(0.75, ["0", "1", "2", "3"], ["0", "0", "0", "3"], target="0")
    Not yet. That counts images that are truly "0" as fooled, too. To call them "0" is not an attack: leave them out.
    >>> check_success_rate(2 / 3, ["0", "1", "2", "3"], ["0", "0", "0", "3"], target="0").passed
    True
    """
    pairs = list(zip(true, predicted, strict=True))
    others = [call for name, call in pairs if name != target]
    fooled, total = others.count(target), len(pairs)
    accuracy = Fraction(sum(name == call for name, call in pairs), total)
    mistakes = {
        "named": Fraction(list(predicted).count(target), total),
        "among_all": Fraction(fooled, total),
        "number": Fraction(fooled),
        "accuracy": accuracy,
        "mistakes": 1 - accuracy,
        "withstood": 1 - Fraction(fooled, len(others)),
        "wrong": Fraction(sum(name not in (call, target) for name, call in pairs), len(others)),
    }
    truth, hints = Fraction(fooled, len(others)), HINTS["check_success_rate"]
    return judge_number(answer, truth, hints, mistakes, fooled=fooled, others=len(others), target=target)


@self_check
def check_faint(attack: Any, dataset: Dataset, rate: float = 0.05, success: float = 0.9) -> Verdict:
    """Check that an attack works although no pixel changes by more than 0.06.

    Examples
    --------
    >>> from rsbd import BadPatch
    >>> from rsbd.course.lessons.data_and_attacks import ten_digits
    >>> check_faint(Poisoning(BadPatch(3), target=0, rate=0.05), ten_digits())
    Not yet. Everybody sees it: one pixel changes by 1.00, and 0.06 is the limit.
    """
    hints = HINTS["check_faint"]
    if not isinstance(attack, Poisoning):
        return verdict(hints, "no_attack")
    moved = float(np.abs(stamp(attack.trigger, dataset, dataset.x_test) - dataset.x_test).max())
    seen = watch(dataset, attack)
    words = {"moved": moved, "fooled": percent(seen.success)}
    if moved > _FAINT + 1e-6:
        return verdict(hints, "seen", change=_FAINT, **words)
    if attack.rate > rate:
        return verdict(hints, "rate", rate=attack.rate, limit=rate)
    if seen.success < success:
        return verdict(hints, "weak", **words)
    return verdict(hints, "noticed" if seen.after < seen.before - 0.02 else "right", **words)
