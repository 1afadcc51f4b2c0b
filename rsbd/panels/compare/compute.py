"""Compute the panel of comparison: each method with the best of a few noises; each ensemble is trained once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from rsbd.evasion import AnyPixels
from rsbd.noises import Threat
from rsbd.panels.engine import Cancel, Cancelled, OnProgress, Previews
from rsbd.panels.memory import Memo
from rsbd.recipes.contest import CONTENDERS, ComparisonRow, Contender
from rsbd.recipes.contest.search import Search, Trials
from rsbd.recipes.contest.threats import Attack, attacked_slots
from rsbd.words import count

# Fewer noises than in `rsbd.recipes.contest.compare`: a reader waits for them.
_GRIDS: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "Wang et al., tied": {"keep": (0.65, 0.7, 0.8)},
    "flips per slot": {"features": (0.6, 0.7), "labels": (0.7, 0.8), "test": (0.7, 0.8)},
    "Gaussian + flips": {"features": (1.0, 2.0), "labels": (0.7, 0.8), "test": (1.0, 2.0)},
    "RAB": {"sigma": (0.5, 1.0, 2.0)},
    "RAB, Hoeffding": {"sigma": (0.5, 1.0, 2.0)},
    "RAB, 1-neighbour": {"sigma": (1.0,)},
    "Cohen et al.": {"sigma": (0.5, 1.0)},
    "DPA": {"parts": (20, 50)},
    "Finite Aggregation": {"parts": (20, 50), "spread": (2,)},
    "bagging": {"size": (5, 10, 20)},
    "BagFlip": {"size": (10, 20), "keep": (0.85, 0.9)},
    "bags + test flips": {"size": (10, 20), "keep": (0.7, 0.8, 0.9)},
    "bags, kept votes": {"each": (1, 3)},
    "PECAN": {"parts": (20, 50), "deal": ("position",)},
    "FPA": {"groups": (50, 200)},
}
# What the methods hide.
_FAMILIES = {
    "noise on pixels and labels": (
        "Wang et al., tied", "flips per slot", "Gaussian + flips", "RAB", "RAB, Hoeffding", "RAB, 1-neighbour",
        "Rosenfeld et al.", "Cohen et al.",
    ),
    "rows hidden": ("DPA", "Finite Aggregation", "bagging"),
    "rows hidden, noise on the rest": ("BagFlip", "bags + test flips"),
    "rows hidden, only votes count that no trigger can move": ("bags, kept votes", "PECAN"),
    "pixels hidden": ("FPA",),
}  # fmt: skip
FAMILY_OF = {name: family for family, names in _FAMILIES.items() for name in names}
# The methods that the main road of the course teaches.
TAUGHT = ("Wang et al., tied", "flips per slot", "DPA", "bagging", "BagFlip", "bags + test flips", "bags, kept votes")


@dataclass(frozen=True)
class CompareParams:
    """One attacker, and the methods to compare.

    Attributes
    ----------
    rows : int
        Poisoned training rows.
    trigger : int
        Pixels of the trigger.
    relabel : bool
        True if the poisoned rows get a false label.
    on_test : bool
        True if the trigger is on the test image too.
    every : bool
        True for all methods, False for those of the main road of the course.
    """

    rows: int = 1
    trigger: int = 1
    relabel: bool = True
    on_test: bool = True
    every: bool = True

    @property
    def threat(self) -> Threat:
        """The attacker as a threat."""
        return Threat(self.rows, self.trigger, self.relabel and self.rows > 0, self.on_test and self.trigger > 0)

    @property
    def attack(self) -> Attack:
        """The slots that change."""
        return attacked_slots(self.threat)

    @property
    def words(self) -> str:
        """The attacker in words.

        Examples
        --------
        >>> CompareParams(rows=2, relabel=False).words
        '2 poisoned rows, a trigger of 1 pixel, labels kept, trigger on the test image too'
        """
        labels = "relabelled" if self.relabel else "labels kept"
        where = "trigger on the test image too" if self.on_test else "test image untouched"
        return f"{count(self.rows, 'poisoned row')}, a trigger of {count(self.trigger, 'pixel')}, {labels}, {where}"


@dataclass(frozen=True)
class CompareResult:
    """The methods that have an answer so far.

    Attributes
    ----------
    params : CompareParams
        The attacker.
    dataset : str
        Name of the data.
    num_rows, num_models : int
        Training rows, and the budget of models for each method.
    rows : tuple of ComparisonRow
        The certified accuracy of each method, or the reason why it cannot face the attacker.
    methods : tuple of str
        The names of all methods, those without an answer yet included.
    """

    params: CompareParams
    dataset: str
    num_rows: int
    num_models: int
    rows: tuple[ComparisonRow, ...]
    methods: tuple[str, ...]


@dataclass(frozen=True)
class CompareComputation:
    """The panel's ``compute``, with the ensembles and the answers that are known."""

    trials: Trials
    contenders: tuple[Contender, ...] = tuple(replace(c, grid=_GRIDS.get(c.name, c.grid)) for c in CONTENDERS)
    memo: Memo = field(default_factory=lambda: Memo(2000))  # one row of figures for each method and threat

    def __post_init__(self) -> None:
        if not self.trials.triggers:  # all that the slider offers, so that moving it trains nothing
            object.__setattr__(self, "trials", replace(self.trials, triggers=tuple(map(AnyPixels, range(1, 5)))))

    def __call__(self, params: CompareParams, cancel: Cancel, progress: OnProgress) -> Previews[CompareResult]:
        """Yield the answers so far after each method that had to be trained; return all of them."""
        contenders = [c for c in self.contenders if params.every or c.name in TAUGHT]
        data, methods = self.trials.final["unit"], tuple(contender.name for contender in contenders)
        rows: tuple[ComparisonRow, ...] = ()
        for done, contender in enumerate(contenders, 1):
            fresh, key = len(self.trials.proofs), (contender.name, params.threat)
            rows = (*rows, self.memo.get(key, partial(self._search, contender, params, cancel)))
            found = CompareResult(params, data.name, data.num_rows, self.trials.num_models, rows, methods)
            progress(done, len(methods))
            if len(self.trials.proofs) > fresh and done < len(methods):
                yield found
        return found

    def _search(self, contender: Contender, params: CompareParams, cancel: Cancel) -> ComparisonRow:
        """Find the best noise of a method against the attacker."""

        def tell(_done: int) -> None:
            if cancel():
                raise Cancelled

        search = Search.of(self.trials, contender, params.attack or ("features", "labels", "test"), (params.threat,))
        for done, defence in enumerate(search.defences):
            tell(done)
            for final in (False, True):  # both, so that another threat of this kind trains nothing
                self.trials.proof(contender, defence, final)
        return search.run(self.trials, tell)
