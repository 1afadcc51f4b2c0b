"""What a method of a comparison proves: labels, and which of them no attack within a threat changes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from rsbd.bounds import Bounds
from rsbd.certify import Certificate, certify
from rsbd.errors import InputError
from rsbd.evasion import AnyTrigger
from rsbd.noises import Smoothing, Threat
from rsbd.recipes.contest.threats import as_measured, pixels_of, trigger_on_test
from rsbd.types import Bools, Labels


@dataclass(frozen=True)
class Proof:
    """Labels of the points, and what is proved about them.

    Parameters
    ----------
    label : int array, shape (points,)
        Label of each point.
    certified : callable
        Returns which labels no attack within a threat changes; the trigger of the threat counts pixels, or is a patch.
    bounds : Bounds, optional
        The bounds from which that follows, of a method with noise.
    """

    label: Labels
    certified: Callable[[Threat], Bools]
    bounds: Bounds | None = None


def noise_proof(bounds: Bounds, smoothing: Smoothing, num_rows: int, channels: int = 1) -> Proof:
    """Return the proof of a method with noise: bounds, and the trade-off of the noise."""

    def certified(threat: Threat) -> Bools:
        asked = as_measured(threat, smoothing, channels, kept=bounds.trigger is not None)
        if threat.rows and threat.on_test:
            # The trigger alone may overturn every point; the trade-off of the rows can take long to compute.
            alone = certify(bounds, smoothing, replace(asked, rows=0), num_rows)
            if not alone.any():
                return alone
        return certify(bounds, smoothing, asked, num_rows)

    return Proof(bounds.label, certified, bounds)


def partition_proof(label: Labels, found: Certificate, deal: str) -> Proof:
    """Return the proof of a method that partitions the rows, from how many may be inserted or removed, or change.

    The attacker changes rows in place, so a row that is dealt by position counts once. One that is dealt by content
    counts as removed and inserted, unless only its label changes.
    """

    def certified(threat: Threat) -> Bools:
        moved = threat.trigger_on("features") > 0
        each = 2 if moved and deal == "content" else int(moved or threat.relabel)
        return np.asarray(found.radius >= threat.rows * each)

    return Proof(label, certified)


def pixel_proof(found: Certificate) -> Proof:
    """Return the proof of a method that partitions the pixels, from how many may change in any row and on the input."""

    def certified(threat: Threat) -> Bools:  # each row may have its trigger on other pixels
        changed = threat.rows * pixels_of(threat, "features") + threat.on_test * pixels_of(threat, "test")
        return np.asarray(found.radius >= changed)

    return Proof(found.label, certified)


def kept_proof(plain: Proof, held: Mapping[AnyTrigger, Proof]) -> Proof:
    """Return the proof of a method whose votes were held against triggers: from one proof for each, and one without."""

    def certified(threat: Threat) -> Bools:
        wanted = trigger_on_test(threat)
        if wanted is None:
            return plain.certified(threat)
        covering = [trigger for trigger in held if trigger.covers(wanted)]
        if not covering:
            raise InputError(f"no vote was held against {wanted}", "give the comparison this trigger")
        return held[wanted if wanted in covering else covering[0]].certified(threat)

    return Proof(plain.label, certified)
