"""Notebook 01: attacks on an undefended classifier, what filters leave of them, and the self-checks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rsbd.attacks import Poisoning, Trigger, stamp
from rsbd.course.lessons.data_and_attacks import watch
from rsbd.course.lessons.self_check import HINTS, Verdict, is_number, judge_number, self_check, verdict
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.learners import Linear
from rsbd.learners.undefended import predict_undefended, undefended_weights
from rsbd.recipes.planted import plant_attack
from rsbd.recipes.rates import Rates
from rsbd.types import Floats, Labels
from rsbd.words import count, percent


def _labels_with_trigger(dataset: Dataset, attack: Poisoning) -> Labels:
    """Train on poisoned rows, and predict every test image with the trigger on it: shape (points,)."""
    poisoned, _ = attack.apply(dataset, 0)
    return predict_undefended(poisoned, Linear(), stamp(attack.trigger, dataset, dataset.x_test))


def by_class(dataset: Dataset, attack: Poisoning) -> Floats:
    """Return, for each true class, the share of the triggered test images that are predicted as the target.

    Examples
    --------
    >>> from rsbd import BadPatch
    >>> from rsbd.course.lessons.data_and_attacks import ten_digits
    >>> by_class(ten_digits(), Poisoning(BadPatch(3), target=0, rate=0.02)).shape
    (10,)
    """
    fooled = _labels_with_trigger(dataset, attack) == dataset.label(attack.target)
    return np.array([fooled[dataset.y_test == c].mean() for c in range(dataset.num_classes)])


_FAINT = 0.3  # the most that a pixel may change
_FOR, _AGAINST = np.array([0.835, 0.369, 0.0]), np.array([0.0, 0.447, 0.698])  # Okabe and Ito's vermilion and blue


def looks_for(dataset: Dataset, attack: Poisoning, labels: Sequence[int]) -> dict[str, Floats]:
    """Return the weights of some classes as images, from clean and from poisoned rows: red for, blue against."""
    poisoned, _ = attack.apply(dataset, 0)
    pair = np.stack([undefended_weights(dataset)[list(labels)], undefended_weights(poisoned)[list(labels)]])
    strength = (np.abs(pair) / np.abs(pair).max())[:, :, None]
    ends = np.where(pair[:, :, None] > 0, _FOR[:, None, None], _AGAINST[:, None, None])
    clean, attacked = 1 - strength * (1 - ends)
    return {"clean": clean, "poisoned": attacked}


def fewest_images(dataset: Dataset, trigger: Trigger, success: float = 0.9, target: int = 0) -> int:
    """Return the fewest poisoned rows that reach an attack success rate, by training with 1, 2, 3, ... of them.

    Raises
    ------
    InputError
        If a tenth of the rows is not enough.

    Examples
    --------
    >>> from rsbd import BadPatch
    >>> from rsbd.course.lessons.data_and_attacks import ten_digits
    >>> fewest_images(ten_digits(), BadPatch(3), success=0.5)
    2
    """
    for number in range(1, dataset.num_rows // 10 + 1):
        if success_rate(dataset, Poisoning(trigger, target, number / dataset.num_rows)) >= success:
            return number
    raise InputError(f"no tenth of the rows reaches {percent(success)} with this trigger", "make it stronger")


def success_rate(dataset: Dataset, attack: Poisoning) -> float:
    """Return the attack success rate of a planted backdoor.

    Examples
    --------
    >>> from rsbd import BadPatch
    >>> from rsbd.course.lessons.data_and_attacks import ten_digits
    >>> success_rate(ten_digits(), Poisoning(BadPatch(3), target=0, rate=0.02)) > 0.9
    True
    """
    return plant_attack(dataset, attack).undefended.attack_success_rate


@dataclass(frozen=True)
class Filtered:
    """An attack after a filter has removed training images.

    Attributes
    ----------
    poisoned, left : int
        Number of poisoned rows before and after.
    accuracy, success : float
        Clean accuracy and attack success rate of a classifier trained on the remaining rows.
    """

    poisoned: int
    left: int
    accuracy: float
    success: float


def filtered(dataset: Dataset, attack: Poisoning, by: str, share: float = 0.1) -> Filtered:
    """Poison the rows, remove the most suspicious ones, train on the rest, and attack.

    Parameters
    ----------
    by : {"fit", "distance"}
        The suspicious images are those that the trained classifier fits worst, or those farthest from the mean of
        their class.
    share : float
        Share of the rows that is removed.

    Examples
    --------
    >>> from rsbd import BadPatch
    >>> from rsbd.course.lessons.data_and_attacks import ten_digits
    >>> filtered(ten_digits(), Poisoning(BadPatch(3), target=0, rate=0.05), by="fit").left
    49
    """
    planted = plant_attack(dataset, attack)
    poisoned, mask = planted.dataset, planted.mask
    flat = poisoned.x.reshape(poisoned.num_rows, -1)
    if by == "fit":
        seen = flat @ undefended_weights(poisoned).reshape(poisoned.num_classes, -1).T
        suspicion = -seen[np.arange(len(seen)), poisoned.y]
    elif by == "distance":
        means = np.stack([flat[poisoned.y == c].mean(0) for c in range(poisoned.num_classes)])
        suspicion = np.linalg.norm(flat - means[poisoned.y], axis=1)
    else:
        raise InputError(f"there is no filter {by!r}", "choose 'fit' or 'distance'")
    kept = np.sort(np.argsort(suspicion, kind="stable")[: round((1 - share) * len(flat))])
    rest = poisoned.replace(x=poisoned.x[kept], y=poisoned.y[kept])
    labels = predict_undefended(rest, Linear(), planted.points)
    rates = Rates.of(labels, dataset.y_test, dataset.label(attack.target))
    return Filtered(int(mask.sum()), int(mask[kept].sum()), rates.clean_accuracy, rates.attack_success_rate)


def some_calls(dataset: Dataset, attack: Poisoning) -> tuple[list[str], list[str]]:
    """Return true and predicted names of triggered test images, three of the target class and seven of others."""
    own = dataset.y_test == dataset.label(attack.target)
    points = np.sort(np.concatenate([np.flatnonzero(own)[:3], np.flatnonzero(~own)[:7]]))
    names = np.array(dataset.classes)
    return names[dataset.y_test[points]].tolist(), names[_labels_with_trigger(dataset, attack)[points]].tolist()


def check_success_rate(answer: Any, true: Sequence[str], predicted: Sequence[str], target: str) -> Verdict:
    """Check an attack success rate that was counted by hand.

    Examples
    --------
    >>> check_success_rate(0.75, ["0", "1", "2", "3"], ["0", "0", "0", "3"], target="0")
    Not yet. That counts images that are truly "0" as fooled, too. To call them "0" is no attack: leave them out.
    >>> check_success_rate(2 / 3, ["0", "1", "2", "3"], ["0", "0", "0", "3"], target="0").passed
    True
    """
    pairs = list(zip(true, predicted, strict=True))
    others = [call for name, call in pairs if name != target]
    fooled, total, right = others.count(target), len(pairs), sum(name == call for name, call in pairs)
    mistakes = {
        "named": list(predicted).count(target) / total,
        "among_all": fooled / total,
        "number": fooled,
        "accuracy": right / total,
        "mistakes": 1 - right / total,
    }
    words = {"fooled": fooled, "others": len(others), "target": target}
    return judge_number(answer, fooled / len(others), HINTS["check_success_rate"], mistakes, words)


@self_check
def check_fewest(answer: Any, dataset: Dataset, trigger: Trigger, success: float = 0.9) -> Verdict:
    """Check the fewest poisoned images that reach an attack success rate, by training classifiers.

    Examples
    --------
    >>> from rsbd import BadPatch
    >>> from rsbd.course.lessons.data_and_attacks import ten_digits
    >>> check_fewest(0.02, ten_digits(), BadPatch(3))
    Not yet. That is a rate. How many of the 1,000 training images is it?
    >>> check_fewest(1, ten_digits(), BadPatch(2))
    Not yet. 1 image fools only 28 %: it takes more.
    """
    hints, number = HINTS["check_fewest"], dataset.num_rows
    if not is_number(answer) or not 0 < answer <= number / 10:
        return verdict(hints, "no_number", answer=answer, most=number // 10)
    if answer < 1:
        return verdict(hints, "rate", num_rows=number)
    images = round(answer)
    if images != answer:
        return verdict(hints, "half", answer=answer)
    reached = success_rate(dataset, Poisoning(trigger, 0, images / number))
    some = f"{count(images, 'image')} {'fools' if images == 1 else 'fool'}"
    enough = reached >= success and fewest_images(dataset, trigger, success) == images
    case = "right" if enough else "weak" if reached < success else "fewer"
    return verdict(hints, case, some=some, reached=percent(reached), success=percent(success))


@self_check
def check_faint(attack: Any, dataset: Dataset, rate: float = 0.05, success: float = 0.9) -> Verdict:
    """Check that an attack works although no pixel changes by more than 0.3.

    Examples
    --------
    >>> from rsbd import BadPatch
    >>> from rsbd.course.lessons.data_and_attacks import ten_digits
    >>> check_faint(Poisoning(BadPatch(3), target=0, rate=0.05), ten_digits())
    Not yet. Everybody sees it: one pixel changes by 1.00, and 0.3 is the limit.
    """
    hints = HINTS["check_faint"]
    if not isinstance(attack, Poisoning):
        return verdict(hints, "no_attack")
    try:
        moved = float(np.abs(stamp(attack.trigger, dataset, dataset.x_test) - dataset.x_test).max())
        seen = watch(dataset, attack)
    except InputError as error:
        return verdict(hints, "impossible", error=error)
    words = {"moved": moved, "fooled": percent(seen.success)}
    if moved > _FAINT + 1e-6:
        return verdict(hints, "seen", change=_FAINT, **words)
    if attack.rate > rate:
        return verdict(hints, "rate", rate=attack.rate, limit=rate)
    if seen.success < success:
        return verdict(hints, "weak", **words)
    return verdict(hints, "noticed" if seen.after < seen.before - 0.02 else "right", **words)
