"""One attacker for every method: poisoned rows and a trigger, measured in the norm of each noise."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product

from rsbd.errors import InputError, check_whole
from rsbd.evasion import AnyPatch, AnyPixels, AnyTrigger
from rsbd.noises import Partition, Smoothing, Threat

# What an attacker changes, in the order features, labels, test.
Attack = tuple[str, ...]
Defence = Smoothing | Partition

SLOT_WORDS = {"features": "training pixels", "labels": "training labels", "test": "test input"}


def threat_map(
    rows: Iterable[int], triggers: Iterable[int | AnyPatch], relabel: Sequence[bool], on_test: Sequence[bool]
) -> dict[Attack, tuple[Threat, ...]]:
    """Return every threat of a map once, grouped by the slots that it changes.

    A trigger of 0 pixels on relabelled rows is a threat of flipped labels; a trigger on the test input and no
    poisoned row is one of changed test inputs. Threats that change nothing are left out.

    Parameters
    ----------
    rows, triggers : iterable of int, or of AnyPatch
        Numbers of poisoned rows, and triggers: a number of pixels, or ``AnyPatch(3)``.
    relabel, on_test : sequence of bool
        Whether labels change, and whether the trigger is on the test input: one, the other, or both in turn.

    Examples
    --------
    >>> {what: len(found) for what, found in threat_map([0, 1, 5], [0, 2], [True], [True, False]).items()}
    {('labels',): 2, ('test',): 1, ('features', 'labels'): 2, ('features', 'labels', 'test'): 2}
    """
    found: dict[Attack, dict[Threat, None]] = {}
    for m, t, y, x in product(rows, triggers, relabel, on_test):
        if not isinstance(t, AnyPatch):
            t = check_whole("the number of pixels of a trigger", t)
        threat = Threat(m, t, relabel=y and m != 0, on_test=x and t != 0)
        if what := attacked_slots(threat):
            found.setdefault(what, {})[threat] = None
    if not found:
        raise InputError("no threat changes anything", "give poisoned rows above 0, or a trigger on the test input")
    return {what: tuple(found[what]) for what in sorted(found, key=lambda what: (len(what), what))}


def attacked_slots(threat: Threat) -> Attack:
    """Return the slots that a threat changes."""
    changed = {
        "features": threat.rows > 0 and threat.trigger_on("features") > 0,
        "labels": threat.rows > 0 and threat.relabel,
        "test": threat.on_test and threat.trigger_on("test") > 0,
    }
    return tuple(slot for slot, is_changed in changed.items() if is_changed)


def pixels_of(threat: Threat, slot: str) -> int:
    """Return how many pixels the trigger of a threat has on ``"features"`` or ``"test"``.

    Examples
    --------
    >>> pixels_of(Threat(rows=1, trigger=AnyPatch(3)), "features"), pixels_of(Threat(rows=1, trigger=2), "test")
    (9, 2)
    """
    trigger = threat.trigger
    return trigger.side**2 if isinstance(trigger, AnyPatch) else int(threat.trigger_on(slot))


def trigger_on_test(threat: Threat) -> AnyTrigger | None:
    """Return what may be on the test input as a trigger that votes can be held against; None if nothing is there."""
    if isinstance(threat.trigger, AnyPatch):
        return threat.any_trigger
    pixels = pixels_of(threat, "test") if threat.on_test else 0
    return AnyPixels(pixels) if pixels else None


def trigger_words(threat: Threat) -> str:
    """Write the trigger of a threat in few letters.

    Examples
    --------
    >>> trigger_words(Threat(rows=1, trigger=AnyPatch(3))), trigger_words(Threat(rows=1, trigger=2))
    ('3x3', '2')
    """
    trigger = threat.trigger
    return f"{trigger.side}x{trigger.side}" if isinstance(trigger, AnyPatch) else str(trigger)


def as_measured(threat: Threat, smoothing: Smoothing, channels: int = 1, kept: bool = False) -> Threat:
    """Return the same threat with its trigger measured in the norms of the noise.

    A pixel has as many coordinates as channels. Inputs lie in [0, 1], so ``t`` changed coordinates are at most ``t`` in
    L1, and at most ``sqrt(t)`` in L2 (rounded up). Pixels that are turned into 0 and 1 one by one change in at most
    ``t`` places too, so that methods on binary and on gray images face one attacker.

    Examples
    --------
    >>> from rsbd.noises import Flip, Gaussian
    >>> as_measured(Threat(rows=3, trigger=4), Smoothing(features=Gaussian(1.0), test=Flip(0.8))).trigger
    {'features': 2.0, 'test': 4}
    >>> as_measured(Threat(rows=3, trigger=4), Smoothing(features=Gaussian(1.0), test=Flip(0.8)), channels=4).trigger
    {'features': 4.0, 'test': 16}
    """
    sizes: dict[str, float | AnyTrigger] = {}
    for slot in ("features", "test"):
        noise, pixels = smoothing.slots.get(slot), pixels_of(threat, slot)
        sizes[slot] = pixels if noise is None else _length(channels * pixels, noise.norm)
    if kept and (trigger := trigger_on_test(threat)) is not None:
        sizes["test"] = trigger
    return replace(threat, trigger=sizes)


def refusal(defence: Defence, threat: Threat, num_rows: int, kept: bool = False) -> str | None:
    """Return why a defence cannot face a threat, in the words of the library's own error; None where it can.

    A partition faces any change of the training rows, and no change of the test input, unless votes are ``kept``.

    Examples
    --------
    >>> from rsbd.noises import Gaussian
    >>> refusal(Smoothing(features=Gaussian(1.0)), Threat(rows=3, trigger=4, on_test=False), num_rows=100)
    'the threat changes the training labels, where there is no noise'
    """
    if isinstance(defence, Partition):
        defence, threat = Smoothing(), replace(threat, rows=0)
    try:
        defence.tradeoff(as_measured(threat, defence, kept=kept), num_rows, trigger_on_test(threat) if kept else None)
    except InputError as error:
        return error.what
    return None


def _length(changed: int, norm: str) -> float:
    if norm in ("L0", "L1"):
        return changed
    if norm == "L2":
        root = math.sqrt(changed)
        return root if Fraction(root) ** 2 >= changed else math.nextafter(root, math.inf)
    raise InputError(f"a noise in the norm {norm!r} meets changed pixels", "say what they cost it")
