"""Compute the panel of comparison: each method with the best of a few noises; each ensemble is trained once."""

from dataclasses import dataclass, field, replace
from functools import partial

from rsbd.evasion import AnyPixels
from rsbd.noises import Threat
from rsbd.panels.controls import Slider, Toggle, setting
from rsbd.panels.engine import Cancel, OnProgress, Previews, stop_if
from rsbd.panels.memory import Memo
from rsbd.recipes.contest import CONTENDERS, ComparisonRow, Contender, Trial
from rsbd.recipes.contest.search import Search, Trials
from rsbd.recipes.contest.threats import Attack, attacked_slots
from rsbd.words import count, table_beside

_MOST_PIXELS = 9  # of the trigger
TRIGGERS = tuple(map(AnyPixels, range(1, _MOST_PIXELS + 1)))  # of the slider, so that moving it trains nothing
_METHODS = table_beside(__file__, "methods.toml")["method"]
_GRIDS = {each["name"]: {k: tuple(v) for k, v in each["grid"].items()} for each in _METHODS if "grid" in each}
FAMILY_OF: dict[str, str] = {each["name"]: each["family"] for each in _METHODS}
TAUGHT: tuple[str, ...] = tuple(each["name"] for each in _METHODS if "taught" in each)


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

    rows: int = setting(1, Slider("rows", "poisoned rows", 0, 20, 1))
    trigger: int = setting(1, Slider("trigger", "trigger (pixels)", 0, _MOST_PIXELS, 1))
    relabel: bool = setting(True, Toggle("relabel", "poisoned rows get a false label"))
    on_test: bool = setting(True, Toggle("on_test", "trigger on the test image too"))
    every: bool = setting(True, Toggle("every", "all methods of the library"))

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
    trial : Trial
        The data, and the budget of models for each method.
    rows : tuple of ComparisonRow
        The certified accuracy of each method, or the reason why it cannot face the attacker.
    methods : tuple of str
        The names of all methods, those without an answer yet included.
    """

    params: CompareParams
    trial: Trial
    rows: tuple[ComparisonRow, ...]
    methods: tuple[str, ...]


@dataclass(frozen=True)
class CompareComputation:
    """The panel's ``compute``, with the ensembles and the answers that are known."""

    trials: Trials
    contenders: tuple[Contender, ...] = tuple(replace(c, grid=_GRIDS.get(c.name, c.grid)) for c in CONTENDERS)
    memo: Memo = field(default_factory=lambda: Memo(2000))  # one row of figures for each method and threat

    def __call__(self, params: CompareParams, cancel: Cancel, progress: OnProgress) -> Previews[CompareResult]:
        """Yield the answers so far after each method that had to be trained; return all of them."""
        contenders = [c for c in self.contenders if params.every or c.name in TAUGHT]
        methods = tuple(contender.name for contender in contenders)
        rows: tuple[ComparisonRow, ...] = ()
        for done, contender in enumerate(contenders, 1):
            fresh, key = len(self.trials.proofs), (contender.name, params.threat)
            rows = (*rows, self.memo.get(key, partial(self._search, contender, params, cancel)))
            found = CompareResult(params, self.trials.trial, rows, methods)
            progress(done, len(methods))
            if len(self.trials.proofs) > fresh and done < len(methods):
                yield found
        return found

    def _search(self, contender: Contender, params: CompareParams, cancel: Cancel) -> ComparisonRow:
        """Find the best noise of a method against the attacker."""
        search = Search.of(self.trials, contender, params.attack or ("features", "labels", "test"), (params.threat,))
        for defence in search.defences:
            stop_if(cancel)
            for final in (False, True):  # both, so that another threat of this kind trains nothing
                self.trials.proof(contender, defence, final)
        return search.run(self.trials, lambda _: stop_if(cancel))
