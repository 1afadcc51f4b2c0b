"""What an attacker may change."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot, inf, isfinite, sqrt
from numbers import Integral, Real
from typing import Any

import numpy as np

from rsbd.errors import InputError
from rsbd.evasion.triggers import AnyTrigger

_MOST_ROWS = 1 << 24  # no training set here has as many
_OR = {"features": "rows=0", "test": "on_test=False"}


@dataclass(frozen=True)
class Threat:
    """What the attacker may change, in the attacker's terms.

    Parameters
    ----------
    rows : int
        Number of poisoned training rows.
    trigger : float, AnyTrigger or mapping
        Size of the trigger in the norm of the noise: changed features for `Flip`, L2 length for
        `Gaussian`, L1 length for `Uniform`. Where training features and test input have different norms:
        ``{"features": 2, "test": 0.5}``, with a size for each of the two that is attacked. A trigger such as
        ``AnyPatch(3)`` may be on the test input, and the poisoned rows may then hold anything;
        ``{"features": 9, "test": AnyPatch(3)}`` limits what changes of them.
    relabel : bool
        Whether the poisoned rows' labels change too.
    on_test : bool
        Whether the trigger is also put on the test input.
    """

    rows: int = 0
    trigger: float | AnyTrigger | Mapping[str, float | AnyTrigger] = 0
    relabel: bool = True
    on_test: bool = True

    def __post_init__(self) -> None:
        if not _is_count(self.rows):
            raise InputError(f"rows is {self.rows!r}", f"give the number of poisoned rows, 0 to {_MOST_ROWS:,}")
        object.__setattr__(self, "rows", int(self.rows))  # numpy's integers would overflow in powers
        if isinstance(self.trigger, AnyTrigger):
            return
        if not isinstance(self.trigger, Mapping):
            object.__setattr__(self, "trigger", _plain_size(self.trigger))
            return
        for slot in self.trigger:
            if slot not in ("features", "test"):
                raise InputError(f"trigger has a size for {slot!r}", "a trigger is on 'features' and on 'test'")
        if isinstance(self.trigger.get("features"), AnyTrigger):
            raise InputError(
                f"the trigger on 'features' is {self.trigger['features']!r}", "give the size of the change of each row"
            )
        plain = {s: size if isinstance(size, AnyTrigger) else _plain_size(size) for s, size in self.trigger.items()}
        attacked = {"features": self.rows > 0, "test": self.on_test}
        for slot in attacked:
            if attacked[slot] and slot not in plain:
                raise InputError(
                    f"trigger has sizes for {sorted(plain)}, but the threat puts one on {slot!r} too",
                    f"give {{{slot!r}: size}}, 0 for none, or {_OR[slot]}",
                )
        object.__setattr__(self, "trigger", plain)

    def trigger_on(self, slot: str) -> float:
        """Return the size of the trigger in the norm of `"features"` or `"test"`; infinite if nothing limits it."""
        size = self.trigger.get(slot, 0) if isinstance(self.trigger, Mapping) else self.trigger
        return inf if isinstance(size, AnyTrigger) else size

    @property
    def any_trigger(self) -> AnyTrigger | None:
        """The trigger with any content on the test input; None for a trigger of limited size, and without a trigger."""
        found = self.trigger.get("test") if isinstance(self.trigger, Mapping) else self.trigger
        return found if self.on_test and isinstance(found, AnyTrigger) else None

    def budget(self, norm: str) -> float:
        """Return the whole threat as one radius in `norm`, over all slots that it changes.

        Examples
        --------
        >>> threat = Threat(rows=3, trigger=4)
        >>> threat.budget("L0"), threat.budget("L2"), threat.budget("rows")  # 3 x 4 pixels, 3 labels and 4 pixels
        (19.0, 8.0, 3.0)
        """
        if norm == "rows":
            return float(self.rows)
        features = float(self.trigger_on("features")) if self.rows else 0.0
        test = float(self.trigger_on("test")) if self.on_test else 0.0
        if norm == "L2":
            return hypot(sqrt(self.rows) * features, test)
        return self.rows * features + test + (self.rows if norm == "L0" and self.relabel else 0)


def _is_count(number: object) -> bool:
    return type(number) is not bool and isinstance(number, Integral) and 0 <= int(number) <= _MOST_ROWS


def _plain_size(size: Any) -> float:
    # Multiplied by the number of rows, numpy's short integers overflow and its short floats round; Python's do not.
    plain: float = size.item() if isinstance(size, np.generic) else size
    if not (isinstance(size, Real) and isfinite(size) and float(size) >= 0):
        raise InputError(f"trigger is {size!r}", "give the size of the trigger, 0 or more")
    return plain
