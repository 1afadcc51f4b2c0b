"""The ways to spread an attack over the slots, and the search for the largest one that is certified."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from rsbd.errors import InputError, check_kind, check_whole
from rsbd.noises import Smoothing
from rsbd.noises.base import Noise
from rsbd.tradeoff import Tradeoff
from rsbd.types import Bools, Ints

# Largest count of changes that is searched, where one noise is the weakest and where several must be combined.
FURTHEST, FURTHEST_COMBINED = 1 << 16, 64


def changed_slots(smoothing: Smoothing, slots: Sequence[str] | None) -> tuple[tuple[str, ...], str, list[Noise]]:
    """Return names, common norm and noises of the slots that change, by default all that carry noise."""
    check_kind("smoothing", smoothing, Smoothing)
    noised = smoothing.slots
    if smoothing.rows is not None and (slots is None or slots in ("rows", ["rows"], ("rows",))):
        return ("rows",), "rows", []
    chosen = tuple(noised) if slots is None else tuple([slots] if isinstance(slots, str) else slots)
    if not chosen:
        raise InputError("no slot carries noise, so nothing can be certified", "give Smoothing a noise")
    for slot in chosen:
        if slot not in noised:
            raise InputError(f"slot {slot!r} carries no noise", f"choose among {', '.join(noised) or 'none'}")
        if smoothing.rows is not None and slot != "test":
            # A row that is drawn twice is noised twice, so its changes count more than once.
            raise InputError(f"changes of {slot} cannot be counted if rows are drawn", 'use slots="rows" or a Threat')
    norms = {noised[slot].norm: slot for slot in chosen}
    if len(norms) > 1:
        found = " and ".join(f"{slot} in {norm}" for norm, slot in norms.items())
        raise InputError(f"no radius spans {found}", "choose slots of one norm, or certify a Threat")
    return chosen, next(iter(norms)), [noised[slot] for slot in chosen]


def weakest_noise(noises: list[Noise]) -> Noise:
    """Return the noise in which a change of a given length does most."""
    for noise in noises:
        if all(noise.covers(other) for other in noises):
            return noise
    found = " and ".join(repr(noise) for noise in dict.fromkeys(noises))
    raise InputError(f"no radius spans {found}", "choose one slot, or certify a Threat")


def search_limit(noises: list[Noise], max_radius: float | None) -> int:
    """Return the number of changes at which the search stops."""
    if max_radius is None:
        return FURTHEST if len(noises) <= 1 else FURTHEST_COMBINED
    return check_whole("max_radius", max_radius)


def weakest_noises(noises: list[Noise]) -> list[Noise]:
    """Return the noises that an attacker could prefer; changes under the others never do more.

    If one change under `a` is at least as strong as one under `b` for every event (in Blackwell's order), the same
    holds after any further independent changes. So an attacker loses nothing by moving a change from `b` to `a`.
    """
    kept: list[Noise] = []
    for noise in dict.fromkeys(noises):
        one = noise.shift(1)
        if noise.shift(2) != one * one:  # its changes are not independent
            return list(dict.fromkeys(noises))
        if not any(other.shift(1).dominates(one) for other in kept):
            kept = [other for other in kept if not one.dominates(other.shift(1))] + [noise]
    return kept


def all_spreads(noises: list[Noise], size: int) -> Iterator[Tradeoff]:
    """Yield the trade-off of every way to spread `size` changes over the noises."""
    first, *rest = noises
    if not rest:
        yield first.shift(size)
        return
    for here in range(size + 1):
        for law in all_spreads(rest, size - here):
            yield first.shift(here) * law


def largest_certified(certified: Callable[[int, Ints], Bools], count: int, limit: int) -> Ints:
    """Return the largest certified size of each of `count` items, -1 for none; certified sizes must have no gaps.

    The size of an item doubles until it is not certified, then the open range is halved, so that few sizes are tried.
    """
    low, high = np.full(count, -1), np.full(count, limit + 1)  # certified, and not certified
    while (wide := high - low > 1).any():
        middle = np.minimum(np.maximum(2 * low + 1, 0), (low + high) // 2)
        for size in np.unique(middle[wide]):
            who = np.flatnonzero(wide & (middle == size))
            holds = certified(int(size), who)
            low[who[holds]], high[who[~holds]] = size, size
    return low
