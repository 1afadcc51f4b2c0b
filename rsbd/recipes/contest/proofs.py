"""What a method of a comparison proves: labels, and which of them no attack within a threat changes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from rsbd.bounds import Bounds
from rsbd.certify import certify
from rsbd.errors import InputError
from rsbd.evasion import AnyTrigger
from rsbd.noises import Smoothing, Threat
from rsbd.recipes.contest.threats import as_measured, pixels_of, trigger_on_test
from rsbd.types import Bools, Floats, Labels


class Provable(Protocol):
    """Labels of the points, and what is proved about them."""

    @property
    def label(self) -> Labels:
        """Label of each point."""

    def certified(self, threat: Threat) -> Bools:
        """Return which labels no attack within the threat changes; its trigger counts pixels, or is a patch."""


@dataclass(frozen=True)
class NoiseProof:
    """The proof of a method with noise: bounds, and the trade-off of the noise."""

    smoothing: Smoothing
    bounds: Bounds
    num_rows: int
    channels: int = 1

    @property
    def label(self) -> Labels:
        """Label of each point."""
        return self.bounds.label

    def certified(self, threat: Threat) -> Bools:
        """Return which labels no attack within the threat changes."""
        asked = as_measured(threat, self.smoothing, self.channels, kept=self.bounds.trigger is not None)
        if threat.rows and threat.on_test:
            # The trigger alone may overturn every point; the trade-off of the rows can take long to compute.
            alone = certify(self.bounds, self.smoothing, replace(asked, rows=0), self.num_rows)
            if not alone.any():
                return alone
        return certify(self.bounds, self.smoothing, asked, self.num_rows)


@dataclass(frozen=True)
class PartitionProof:
    """The proof of a method that partitions the rows: how many rows may be inserted or removed, or change in place.

    The attacker changes rows in place, so a row that is dealt by position counts once. One that is dealt by content
    counts as removed and inserted, unless only its label changes.
    """

    label: Labels
    radius: Floats | Labels
    deal: str = "content"

    def certified(self, threat: Threat) -> Bools:
        """Return which labels no attack within the threat changes."""
        moved = threat.trigger_on("features") > 0
        each = 2 if moved and self.deal == "content" else int(moved or threat.relabel)
        return np.asarray(self.radius >= threat.rows * each)


@dataclass(frozen=True)
class PixelProof:
    """The proof of a method that partitions the pixels: how many may change, in any row and on the test input."""

    label: Labels
    radius: Floats | Labels

    def certified(self, threat: Threat) -> Bools:
        """Return which labels no attack changes: each row may have its trigger on other pixels."""
        changed = threat.rows * pixels_of(threat, "features") + threat.on_test * pixels_of(threat, "test")
        return np.asarray(self.radius >= changed)


@dataclass(frozen=True)
class KeptProof:
    """The proof of a method whose votes were held against triggers: one proof for each, and one without a trigger."""

    plain: Provable
    held: Mapping[AnyTrigger, Provable]

    @property
    def label(self) -> Labels:
        """Label of each point."""
        return self.plain.label

    def certified(self, threat: Threat) -> Bools:
        """Return which labels no attack within the threat changes."""
        wanted = trigger_on_test(threat)
        if wanted is None:
            return self.plain.certified(threat)
        covering = [trigger for trigger in self.held if trigger.covers(wanted)]
        if not covering:
            raise InputError(f"no vote was held against {wanted}", "give the comparison this trigger")
        return self.held[wanted if wanted in covering else covering[0]].certified(threat)
