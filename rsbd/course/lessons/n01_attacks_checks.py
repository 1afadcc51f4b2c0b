"""The self-checks of lesson 01. What an attack does is measured, by training on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rsbd.attacks import Trigger
from rsbd.attacks.poisoning import Poisoning, stamp
from rsbd.course.lessons.n01_attacks import fewest, success_rate
from rsbd.course.lessons.steps import watch
from rsbd.course.lessons.verdict import STUB, Verdict, judge, pick, plain
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.words import count, percent


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
    fooled, named = others.count(target), list(predicted).count(target)
    right = sum(name == call for name, call in pairs)
    return judge(
        answer,
        fooled / len(others),
        f'{fooled} of the {len(others)} images that are not "{target}" are called "{target}".',
        [
            (
                named / len(pairs),
                f'That counts images that are truly "{target}" as fooled, too. To call them "{target}" is no attack: '
                "leave them out.",
            ),
            (
                fooled / len(pairs),
                f'The count above is right, but the share is of the images that are not "{target}" only.',
            ),
            (fooled, "That is how many are fooled. Which share of those that could be fooled is it?"),
            (right / len(pairs), "That is the accuracy on triggered images. Count those that become the target."),
            (
                sum(name != call for name, call in pairs) / len(pairs),
                "That is the share of all mistakes. Count only those images that become the target.",
            ),
        ],
        f'Leave out the images that are truly "{target}". Of the rest, which share is called "{target}"? '
        "Write it as a fraction, such as 2 / 3.",
    )


def check_fewest(answer: Any, dataset: Dataset, trigger: Trigger, success: float = 0.9) -> Verdict:
    """Check the fewest poisoned images that reach an attack success rate: classifiers are really trained.

    Examples
    --------
    >>> from rsbd import BadPatch
    >>> from rsbd.course.lessons import ten_digits
    >>> check_fewest(0.02, ten_digits(), BadPatch(3))
    Not yet. That is a rate. How many of the 1,000 training images is it?
    >>> check_fewest(1, ten_digits(), BadPatch(2))
    Not yet. 1 image fools only 2 %: it takes more.
    """
    answer = plain(answer)
    if answer is ... or answer is None:
        return STUB
    number = dataset.num_rows
    if isinstance(answer, bool) or not isinstance(answer, (int, float)) or not 0 < answer <= number / 10:
        return Verdict(False, f"{answer!r} is no number of images from 1 to {number // 10}.")
    if answer < 1:
        return Verdict(False, f"That is a rate. How many of the {number:,} training images is it?")
    images = round(answer)
    if images != answer:
        return Verdict(False, f"{answer} images? Half an image cannot be poisoned: give a whole number.")
    reached = success_rate(dataset, Poisoning(trigger, 0, images / number))
    if reached < success:
        said = f"{count(images, 'image')} {'fools' if images == 1 else 'fool'} only {percent(reached)}"
        return Verdict(False, f"{said}: it takes more.")
    if fewest(dataset, trigger, success) < images:
        return Verdict(False, f"{images} images fool {percent(reached)}, but fewer are enough.")
    return Verdict(True, f"{images} images fool {percent(reached)}, and no smaller number reaches {percent(success)}.")


def check_faint(
    attack: Any, dataset: Dataset, change: float = 0.3, rate: float = 0.05, success: float = 0.9
) -> Verdict:
    """Check that an attack works although no pixel changes by more than ``change``.

    Examples
    --------
    >>> from rsbd import BadPatch
    >>> from rsbd.course.lessons import ten_digits
    >>> check_faint(Poisoning(BadPatch(3), target=0, rate=0.05), ten_digits())
    Not yet. Everybody sees it: one pixel changes by 1.00, and 0.3 is the limit.
    """
    if attack is ... or attack is None:
        return STUB
    if not isinstance(attack, Poisoning):
        return Verdict(False, "That is no attack: write rsbd.Poisoning(trigger, target=0, rate=...).")
    try:
        moved = float(np.abs(stamp(attack.trigger, dataset, dataset.x_test) - dataset.x_test).max())
        seen = watch(dataset, attack)
    except InputError as error:
        return Verdict(False, f"That attack is not possible: {error}.")
    if moved > change + 1e-6:
        return Verdict(False, f"Everybody sees it: one pixel changes by {moved:.2f}, and {change:g} is the limit.")
    if attack.rate > rate:
        return Verdict(False, f"The rate is {attack.rate:g}, and {rate:g} is the limit: find a better trigger.")
    if seen.success < success:
        return Verdict(
            False,
            f"It is faint, but only {percent(seen.success)} are fooled. The classifier adds up what all pixels say: "
            "how can many small changes together say much?",
        )
    if seen.after < seen.before - 0.02:
        return Verdict(False, "It works, but clean accuracy falls by more than 2 points: somebody will notice.")
    return Verdict(True, f"No pixel changes by more than {moved:.2f}, and {percent(seen.success)} are fooled.")


HIDDEN = {
    "a": "It costs almost nothing: in the panel clean accuracy stays where it was while the attack succeeds.",
    "b": "Clean test images do not carry the trigger, so accuracy on them says nothing about it.",
    "c": "More clean images measure the same thing more precisely: what happens without the trigger.",
    "d": "The wrong predictions may all be honest mistakes, and the backdoor shows in none of them: no test image "
    "carries the trigger.",
}


def check_hidden(answer: Any) -> Verdict:
    """Check what high accuracy on clean test images says about backdoors, of four claims.

    Examples
    --------
    >>> check_hidden("b").passed, check_hidden("a").passed
    (True, False)
    """
    return pick(answer, HIDDEN, "b")
