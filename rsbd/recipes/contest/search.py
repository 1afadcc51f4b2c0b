"""The search for each method's best noise, and what that certifies; data, settings and proofs that all share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from rsbd.bounds import over_points
from rsbd.data import Dataset
from rsbd.ensemble import checks
from rsbd.errors import InputError
from rsbd.noises import Bagging, ClassBagging, Flip, Gaussian, Noise, Partition, Smoothing, Threat
from rsbd.recipes.contest.contender import Contender, ProvedLabels, Trial
from rsbd.recipes.contest.result import ComparisonRow
from rsbd.recipes.contest.threats import Attack, Defence
from rsbd.recipes.report import RUN, dataset_settings, plain_settings
from rsbd.types import Floats
from rsbd.words import count

# The search trains a quarter of the models and counts each vote four times: it proves nothing, it only chooses.
_SHARE = 4
_SHORT = {"features": "pixels", "labels": "labels", "test": "test"}


@dataclass(frozen=True)
class Trials:
    """One data set in two views, twice: to certify its test points, and validation points taken from its rows.

    Parameters
    ----------
    trial : Trial
        The data, and the settings of :func:`rsbd.recipes.contest.compare`.
    validation : float
        Share of the training rows on which the noise is chosen.
    proofs : dict
        What has been proved so far.
    halves : tuple of dict
        The search, with validation points, and the certificates, with the test points: their data, settings and votes
        so far in each view (``"binary"``, ``"unit"``).

    Raises
    ------
    InputError
        Settings that cannot work.
    """

    trial: Trial
    validation: float = 0.25
    proofs: dict[Any, ProvedLabels] = field(default_factory=dict, repr=False)
    halves: tuple[dict[str, Trial], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        t = self.trial
        checks.check_settings(t.data, Smoothing(), t.num_models, t.seed, *([t.learner] if t.learner else []))
        over_points(t.alpha, 1, t.points)
        few, held = -(-t.num_models // _SHARE), t.data.hold_out(self.validation, t.seed)
        # Votes that prove must not be those that chose the noise.
        search = replace(t, data=held, num_models=few, seed=t.seed + 1, times=t.num_models // few, known={})
        both = replace(search, num_rows=t.data.num_rows), t
        halves = tuple({view: replace(half, data=x) for view, x in both_views(half.data).items()} for half in both)
        object.__setattr__(self, "halves", halves)

    def proof(self, contender: Contender, defence: Defence, final: bool) -> ProvedLabels:
        """Return a contender's proof with this noise, for the test points if ``final``, else for validation points."""
        key = (contender.name, repr(defence), final)
        if key not in self.proofs:
            self.proofs[key] = contender.prove(replace(self.halves[final][contender.view], defence=defence))
        return self.proofs[key]

    def accuracies(
        self, contender: Contender, defence: Defence, threats: Sequence[Threat], final: bool
    ) -> tuple[float, Floats]:
        """Return clean accuracy, and certified accuracy against each threat."""
        proof = self.proof(contender, defence, final)
        right = proof.label == self.halves[final][contender.view].data.y_test
        certified = [float((proof.certified(threat) & right).mean()) for threat in threats]
        return float(right.mean()), np.array(certified)

    def settings(self) -> dict[str, Any]:
        """Return every setting that determines a comparison, for its files."""
        return {
            **dataset_settings(self.halves[True]["unit"].data),
            **plain_settings(self.trial, RUN),
            "search_models": self.halves[False]["unit"].num_models,
            "validation": self.validation,
            "objective": "mean certified accuracy over the threats of an attack, on validation points",
        }


def both_views(dataset: Dataset) -> dict[str, Dataset]:
    """Return the data as they are, on a continuous scale, and with every input rounded to 0 or 1 by itself."""
    for x in (dataset.x, dataset.x_test):
        if x.size and not (x.min() >= 0 and x.max() <= 1):
            beyond = f"{dataset.name} has inputs from {x.min():g} to {x.max():g}, but pixels cost from 0 to 1 only"
            raise InputError(beyond, "scale them to numbers from 0 to 1, by fixed numbers")
    black, white = (np.asarray(x >= 0.5, np.float32) for x in (dataset.x, dataset.x_test))
    return {"unit": dataset.replace(values=None), "binary": dataset.replace(x=black, x_test=white, values=2)}


@dataclass(frozen=True)
class Search:
    """One method, one kind of attack, and the noises to try.

    Parameters
    ----------
    contender : Contender
        The method.
    attack : tuple of str
        The slots that change.
    threats : tuple of Threat
        All of this attack.
    defences : tuple of Smoothing or Partition
        Noises to try; none where there is a reason.
    reason : str or None
        Why the method cannot face the threats.
    """

    contender: Contender
    attack: Attack
    threats: tuple[Threat, ...]
    defences: tuple[Defence, ...]
    reason: str | None

    @classmethod
    def of(cls, trials: Trials, contender: Contender, attack: Attack, threats: tuple[Threat, ...]) -> "Search":
        """Return the search with the noises within the budget, or with the reason why the method cannot take part."""
        data, budget = trials.halves[True][contender.view].data, trials.trial.num_models
        every = tuple(contender.defences(data, attack))
        answers = {contender.refuses(defence, threat, data.num_rows) for defence in every for threat in threats}
        if reasons := sorted(answer for answer in answers if answer):
            return cls(contender, attack, threats, (), reasons[0])
        models = [contender.num_models(defence, budget) for defence in every]
        within = tuple(d for d, number in zip(every, models, strict=True) if number <= budget)
        short = f"it trains {min(models)} models or more, and the budget is {budget}"
        return cls(contender, attack, threats, within, None if within else short)

    def run(self, trials: Trials, tell: Callable[[int], None]) -> ComparisonRow:
        """Choose the noise on the validation points, and certify the test points with it."""
        about = (self.contender.name, self.contender.paper, self.attack, self.threats)
        if self.reason is not None:
            return ComparisonRow(*about, reason=self.reason)
        scores = []
        for i, defence in enumerate(self.defences):
            tell(i)
            clean, certified = trials.accuracies(self.contender, defence, self.threats, final=False)
            scores.append((float(certified.mean()), clean))
        tell(len(self.defences))
        best = max(range(len(scores)), key=scores.__getitem__)  # the first of several equal ones
        chosen = self.defences[best]
        clean, certified = trials.accuracies(self.contender, chosen, self.threats, final=True)
        models = self.contender.num_models(chosen, trials.trial.num_models)
        known: dict[str, Any] = {"certified": tuple(certified.tolist()), "clean": clean, "validated": scores[best][0]}
        return ComparisonRow(*about, noise=noise_words(chosen), models=models, tried=len(self.defences), **known)


def noise_words(defence: Defence) -> str:
    """Describe a noise in a few words.

    Examples
    --------
    >>> from rsbd.noises.smoothing import Smoothing
    >>> noise_words(Smoothing(rows=Bagging(20), features=Flip(0.9), test=Flip(0.95)))
    'bags of 20; keep: pixels 0.9, test 0.95'
    >>> noise_words(Partition(50, spread=2))
    '50 parts, each row in 2'
    """
    if isinstance(defence, Partition):
        dealt = " by position" if defence.deal == "position" else ""
        return f"{defence.parts} parts{dealt}" + (f", each row in {defence.spread}" if defence.spread > 1 else "")
    bag = defence.rows
    said = [f"bags of {bag.size}"] if isinstance(bag, Bagging) else []
    if isinstance(bag, ClassBagging):
        said = [f"{count(bag.each, 'row')} a class"]
    slots: dict[str, list[tuple[str, str]]] = {}
    for slot, noise in defence.slots.items():
        name, value = _noise(noise)
        slots.setdefault(name, []).append((_SHORT[slot], value))
    for name, values in slots.items():
        everywhere = len(values) == len(_SHORT) and len({value for _, value in values}) == 1
        listed = ", ".join(f"{slot} {value}" for slot, value in values)
        said.append(f"{name} {values[0][1]} everywhere" if everywhere else f"{name}: {listed}")
    return "; ".join(said)


def _noise(noise: Noise) -> tuple[str, str]:
    if isinstance(noise, Flip):
        return "keep", f"{float(noise.keep):g}"
    return ("sigma", f"{noise.sigma:g}") if isinstance(noise, Gaussian) else ("noise", repr(noise))
