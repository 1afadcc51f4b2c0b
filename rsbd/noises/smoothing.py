"""Which slots carry which noise, and the trade-off that this gives against a threat."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from typing import TYPE_CHECKING, Protocol

from rsbd import tradeoff
from rsbd.errors import InputError, check_kind, is_whole
from rsbd.evasion.triggers import AnyTrigger
from rsbd.noises.base import Noise
from rsbd.noises.flip import Flip
from rsbd.noises.gaussian import Gaussian
from rsbd.noises.threat import Threat as Threat
from rsbd.tradeoff import Tradeoff

if TYPE_CHECKING:
    from torch import Generator, Tensor

WHERE = {"features": "the training features", "labels": "the training labels", "test": "the test input"}
_SLOTS = tuple(WHERE)
_REMEDY = {
    "features": "or use Threat(rows=0) or Threat(trigger=0)",
    "labels": "or use Threat(relabel=False)",
    "test": "or use Threat(on_test=False)",
}

# A probability that a value is kept: 0.8 and "4/5" both mean four fifths exactly.
Keep = float | Fraction | str


class Coded(Protocol):
    """The part of a data set that discrete noise depends on, see :class:`rsbd.data.Dataset`."""

    @property
    def name(self) -> str:
        """Name, for messages."""

    @property
    def values(self) -> int | None:
        """Number of values that an input can take, None if it is continuous."""

    @property
    def num_classes(self) -> int:
        """Number of values that a label can take."""


class RowNoise(Protocol):
    """Noise on the rows themselves, such as a bootstrap, which decides how many poisoned rows a model sees."""

    def shift_rows(self, rows: int, num_rows: int | None, inside: Callable[[int], Tradeoff]) -> Tradeoff:
        """Return the trade-off of `rows` changed rows out of `num_rows`.

        `inside(j)` is the trade-off of features and labels where `j` poisoned rows were drawn; a slot without noise is
        lost there.
        """

    def draw(self, labels: Tensor, generators: Sequence[Generator]) -> Tensor:
        """Draw the numbers of the rows that each model learns from, given all labels; rows may repeat."""

    @property
    def size(self) -> int:
        """Number of rows that are drawn."""


@dataclass(frozen=True)
class Smoothing:
    """The noise in each slot; None for a slot without noise.

    Parameters
    ----------
    rows : RowNoise, optional
        Choice of the rows that a model learns from, such as `Bagging`. Features and labels are noised anew for every
        drawn row.
    features, labels, test : Noise, optional
        Noise on the training features, the training labels and the test input.

    Examples
    --------
    >>> from rsbd.noises import Flip
    >>> tied = Smoothing(features=Flip(0.8), labels=Flip(0.8), test=Flip(0.8))
    >>> tied.tradeoff(Threat(rows=5, trigger=2))  # 5 x 2 pixels, 5 labels, 2 pixels on the test input
    flips(keep=4/5, values=2, changes=17)
    """

    rows: RowNoise | None = None
    features: Noise | None = None
    labels: Noise | None = None
    test: Noise | None = None

    @classmethod
    def flips(
        cls,
        data: Coded,
        keep: Keep | None = None,
        *,
        features: Keep | None = None,
        labels: Keep | None = None,
        test: Keep | None = None,
        rows: RowNoise | None = None,
        slots: Container[str] = _SLOTS,
    ) -> Smoothing:
        """Return discrete noise for a data set: :class:`Flip` in every slot that is given a probability.

        Parameters
        ----------
        data : Dataset
            Says how many values an input and a label can take.
        keep : float, Fraction or str, optional
            Probability that a value is kept, in every slot that has none of its own.
        features, labels, test : float, Fraction or str, optional
            Probability in one slot. A slot with neither this nor `keep` carries no noise.
        rows : RowNoise, optional
            Noise on the rows. Beside it, a slot in which everything is kept carries no noise.
        slots : container of str
            Slots outside it carry no noise.

        Raises
        ------
        InputError
            If the inputs are to be flipped and are continuous.

        Examples
        --------
        >>> from rsbd.data import load
        >>> Smoothing.flips(load("digits", view="gray"), 0.8, labels="9/10").slots
        {'features': Flip('4/5', values=17), 'labels': Flip('9/10', values=10), 'test': Flip('4/5', values=17)}
        """

        def noise(slot: str, own: Keep | None) -> Flip | None:
            chosen = keep if own is None else own
            if chosen is None or slot not in slots:
                return None
            values = data.num_classes if slot == "labels" else data.values
            if values is None:
                raise InputError(
                    f"{data.name} is continuous, and this method flips values",
                    "load its binary or gray view, or round your own inputs to levels",
                )
            flip = Flip(chosen, values)
            return None if rows is not None and flip.keep == 1 else flip

        return cls(rows, noise("features", features), noise("labels", labels), noise("test", test))

    @classmethod
    def gaussian(
        cls,
        data: Coded,
        sigma: float | None = None,
        *,
        features: float | None = None,
        labels: Keep | None = None,
        test: float | None = None,
        rows: RowNoise | None = None,
        slots: Container[str] = _SLOTS,
    ) -> Smoothing:
        """Return Gaussian noise on training features and test input, and flips on the labels if `labels` is given.

        Parameters
        ----------
        data, labels, rows, slots
            As in :meth:`flips`.
        sigma : float, optional
            Standard deviation in both slots.
        features, test : float, optional
            Standard deviation in one slot, in place of `sigma`.

        Examples
        --------
        >>> from rsbd.data import load
        >>> Smoothing.gaussian(load("digits"), 0.5, slots=("features",)).slots
        {'features': Gaussian(sigma=0.5)}
        """

        def noise(slot: str, own: float | None) -> Gaussian | None:
            chosen = sigma if own is None else own
            return None if chosen is None or slot not in slots else Gaussian(chosen)

        flipped = cls.flips(data, labels=labels, rows=rows, slots=slots)
        return cls(rows, noise("features", features), flipped.labels, noise("test", test))

    def __post_init__(self) -> None:
        if self.rows is not None and (isinstance(self.rows, type) or not hasattr(self.rows, "shift_rows")):
            raise InputError(
                f"rows is {self.rows!r}, which draws no rows", "give Bagging(size) or ClassBagging.of(dataset), or None"
            )
        for slot, noise in self.slots.items():
            if getattr(noise, "norm", None) == "rows":
                raise InputError(f"{slot} is {noise!r}, which draws rows", f"give Smoothing(rows={noise!r})")
            check_kind(slot, noise, Noise)

    @property
    def slots(self) -> dict[str, Noise]:
        """The noise of each noised slot among features, labels and test."""
        every = {"features": self.features, "labels": self.labels, "test": self.test}
        return {slot: noise for slot, noise in every.items() if noise is not None}

    @property
    def radius_slots(self) -> tuple[str, ...]:
        """Names of the noised slots that one radius can span, see :func:`rsbd.certify.radius`.

        Where noises have different norms, these are the slots that measure a length, and not those that count changes.
        Where rows are drawn at random, the radius counts rows, each of which may change wholly.
        """
        if self.rows is not None:
            return ("rows",)
        return tuple(slot for slot, noise in self.slots.items() if noise.norm != "L0") or tuple(self.slots)

    @property
    def trigger_norm(self) -> str:
        """Norm in which a trigger is measured; L0 where neither features nor the test input carry noise.

        Raises
        ------
        InputError
            If features and test input carry noises of different norms.
        """
        norms = {slot: noise.norm for slot, noise in self.slots.items() if slot != "labels"}
        if len(set(norms.values())) > 1:
            found = " and ".join(f"{norm} on {WHERE[slot]}" for slot, norm in norms.items())
            raise InputError(
                f"a trigger is measured in {found}, so one map cannot speak of both",
                'certify Threat(trigger={"features": ..., "test": ...})',
            )
        return next(iter(norms.values()), "L0")

    def tradeoff(self, threat: Threat, num_rows: int | None = None, covered: AnyTrigger | None = None) -> Tradeoff:
        """Return the trade-off between the data that the defender holds and any data within the threat.

        Features change by one trigger in each row (in L0, rows x trigger coordinates; in L2, a length of
        sqrt(rows) x trigger), labels by one per row, the test input by one trigger. The noises of the slots are
        independent, so their trade-offs multiply. A trigger with any content on the test input adds nothing if the
        bounds are about votes that it cannot move.

        Parameters
        ----------
        threat : Threat
            What the attacker may change.
        num_rows : int, optional
            Number of training rows, where `rows` carries noise.
        covered : AnyTrigger, optional
            The trigger that the bounds take into account already: `bounds.trigger`.

        Raises
        ------
        InputError
            If a slot changes that carries no noise, or by a trigger with any content that is not covered: names the
            slot and the remedy.
        """
        check_kind("threat", threat, Threat)
        if self.rows is None:
            law = self._training(threat, threat.rows)
        else:
            law = self.rows.shift_rows(threat.rows, num_rows, lambda drawn: self._training(threat, drawn))
        if threat.any_trigger is not None:
            self._check_covered(threat.any_trigger, covered)
            return law
        return law * self._shift("test", threat.trigger_on("test")) if threat.on_test else law

    def _check_covered(self, trigger: AnyTrigger, covered: AnyTrigger | None) -> None:
        if self.test is not None:
            raise InputError(
                f"the threat puts {trigger} on the test input, which carries {self.test}",
                "give Smoothing(test=None), under which votes can be held against triggers",
            )
        if covered is None or not covered.covers(trigger):
            about = "do not say which votes triggers can move" if covered is None else f"are about {covered}"
            raise InputError(
                f"the threat puts {trigger} on the test input, but the bounds {about}",
                f"collect(..., triggers=[{trigger!r}]), and bounds.kept_votes(votes.against({trigger!r}), alpha)",
            )

    def _training(self, threat: Threat, rows: int) -> Tradeoff:
        law = self._shift("features", threat.trigger_on("features"), rows)
        return law * self._shift("labels", 1, rows) if threat.relabel else law

    def _shift(self, slot: str, size: float, times: int = 1) -> Tradeoff:
        if not (size and times):
            return tradeoff.identity()
        noise = self.slots.get(slot)
        if size == inf and self.rows is None:
            raise InputError(
                "the poisoned rows may hold anything, and only noise on rows hides such rows",
                'give Smoothing(rows=Bagging(...)), or Threat(trigger={"features": size, "test": ...})',
            )
        if noise is not None and size != inf:
            if noise.norm == "L0" and not is_whole(size):
                raise InputError(f"{size} changed coordinates", f"{noise} counts them, so give a whole number from 0")
            return noise.shift_each(size, times)
        if self.rows is not None and slot != "test":
            return tradeoff.levels([1, 0], [0, 1])
        raise InputError(
            f"the threat changes {WHERE[slot]}, where there is no noise",
            f"give Smoothing({slot}=...) a noise, {_REMEDY[slot]}",
        )
