"""Every method of the library as a contender: one entry each."""

from collections.abc import Callable
from functools import partial
from typing import Any

from rsbd import bounds
from rsbd.bounds import Bounds
from rsbd.data import Dataset
from rsbd.evasion import AnyPixels
from rsbd.learners import LDA, HashedTestNoise, Learner, Linear, RobustLinear
from rsbd.noises import Bagging, ClassBagging, Gaussian, Partition, Smoothing, Threat
from rsbd.recipes.contest.contender import Contender, ProvedLabels, Trial, kept_proof, partition_proof, pixel_proof
from rsbd.recipes.contest.threats import Attack, Defence, refusal
from rsbd.recipes.dpa import count_votes, dpa
from rsbd.recipes.fixed_model import cohen
from rsbd.recipes.fpa import fpa
from rsbd.recipes.pecan import pecan
from rsbd.recipes.rab import rab_knn
from rsbd.recipes.rosenfeld import rosenfeld

_ROBUST = RobustLinear()  # knows what a trigger can do to its votes


def _on_features(data: Dataset, attack: Attack, sigma: float) -> Smoothing:
    return Smoothing(features=Gaussian(sigma))


def _bagflip(data: Dataset, attack: Attack, size: int, keep: float) -> Smoothing:
    return Smoothing.flips(data, keep, rows=Bagging(size), slots=("features", *attack))


def _bags(data: Dataset, attack: Attack, size: int, keep: float) -> Smoothing:
    rows = Bagging(size) if {"features", "labels"} & {*attack} else None
    return Smoothing.flips(data, test=keep, rows=rows, slots=attack)


def _parts(data: Dataset, attack: Attack, parts: int, spread: int = 1, deal: str = "content") -> Partition:
    """Return parts of at least three rows: models that learn from nothing agree, and their vote would be certified."""
    return Partition(min(parts, max(1, data.num_rows // 3)), spread, deal)


def voted(
    learner: Learner | None = None,
    bound: Callable[..., Bounds] = bounds.simultaneous,
    runner_up: bool = False,
    hashed: bool = False,
) -> Callable[[Trial], ProvedLabels]:
    """Return a function that proves by bounds from the votes of an ensemble.

    Parameters
    ----------
    learner : Learner, optional
        The base learner; :class:`~rsbd.learners.linear.linear.Linear` unless given.
    bound : callable
        From votes to bounds.
    runner_up : bool
        Whether the other classes are bounded by their own votes if there are more than two classes.
    hashed : bool
        Whether test inputs carry RAB's noise, which a hash of the trained model decides.
    """

    def prove(trial: Trial) -> ProvedLabels:
        base = trial.learner or learner or Linear()
        if hashed:
            base = HashedTestNoise(base, trial.defence.features)
        others = runner_up and trial.data.num_classes > 2
        return trial.proof(bound(trial.collect(base).counts, trial.alpha, runner_up=others, points=trial.points))

    return prove


def _one_model(trial: Trial) -> ProvedLabels:
    """Let one model vote as often as the others have models; a tenth of its votes pick the label."""
    first = max(1, trial.num_models // 10)
    copies = max(1, trial.num_models - first)
    asked: dict[str, Any] = {"alpha": trial.alpha, "points": trial.points, "seed": trial.seed, "learner": trial.learner}
    device = trial.options.get("device", "auto")
    found = cohen(trial.data, trial.defence.test.sigma, num_copies=copies, num_selection=first, device=device, **asked)
    return trial.proof(found.bounds)


def _closed_form(trial: Trial) -> ProvedLabels:
    return trial.proof(rosenfeld(trial.data, trial.defence.labels.keep).bounds)


def _nearest(trial: Trial) -> ProvedLabels:
    # The search can be coarse: wider bounds take a quarter of the time.
    resolution = 500 if trial.times == 1 else 125
    return trial.proof(rab_knn(trial.data, trial.defence.features.sigma, resolution=resolution).bounds)


def _dealt(trial: Trial) -> ProvedLabels:
    parts = trial.defence
    found = dpa(trial.data, parts.parts, spread=parts.spread, learner=trial.learner, seed=trial.seed).certificate
    return partition_proof(found.label, found, parts.deal)


def _kept_in_bags(trial: Trial) -> ProvedLabels:
    """Count only votes that no trigger on the test input can move."""
    votes, many = trial.collect(_ROBUST, trial.triggers), trial.data.num_classes > 2
    asked: dict[str, Any] = {"alpha": trial.alpha, "runner_up": many, "points": trial.points}
    held = {trigger: trial.proof(bounds.kept_votes(votes.against(trigger), **asked)) for trigger in trial.triggers}
    return kept_proof(trial.proof(bounds.simultaneous(votes.counts, **asked)), held)


def _kept_in_parts(trial: Trial) -> ProvedLabels:
    parts, classes = trial.defence, trial.data.num_classes
    dealt: Any = pecan(trial.data, trial.triggers or AnyPixels(1), parts=parts, learner=_ROBUST, seed=trial.seed)
    plain = count_votes(parts, dealt.labels, classes, parts.norm, "rows")
    held = {trigger: partition_proof(plain.label, found, parts.deal) for trigger, found in dealt.held.items()}
    return kept_proof(partition_proof(plain.label, plain, parts.deal), held)


def _pixel_groups(trial: Trial) -> ProvedLabels:
    """Show each model a group of the pixels; it has a learner of its own, which tells how sure it is."""
    return pixel_proof(fpa(trial.data, trial.defence.parts, spread=trial.defence.spread, seed=trial.seed).certificate)


def _refuses_labels(defence: Defence, threat: Threat, num_rows: int) -> str | None:
    changes_labels = threat.rows and threat.relabel
    return "the threat changes the training labels, from which every model learns" if changes_labels else None


_SIGMAS = (0.5, 1.0, 2.0, 4.0)
_SIZES = (10, 20, 50, 100)
_PARTS = (20, 50, 100, 300)
_KEEPS = {"features": (0.6, 0.7, 0.8), "labels": (0.6, 0.7, 0.8), "test": (0.7, 0.8, 0.9)}
_MIXED = {"features": (1.0, 2.0, 4.0), "labels": (0.6, 0.7, 0.8), "test": (0.25, 0.5, 1.0)}
_CLOPPER_PEARSON = voted(LDA(), bounds.clopper_pearson, runner_up=True, hashed=True)
_KEPT = partial(refusal, kept=True)
_HOEFFDING = voted(LDA(), bounds.hoeffding, runner_up=True, hashed=True)

# The methods of the library, without certified confidence (Kumar et al.), which is not a certified accuracy.
CONTENDERS = (
    Contender("Wang et al., tied", "Wang et al. 2020", "binary", {"keep": (0.6, 0.7, 0.8, 0.85, 0.9)},
              lambda data, attack, keep: Smoothing.flips(data, keep), voted()),
    Contender("flips per slot", "rsbd, after Wang et al. 2020", "binary", _KEEPS,
              lambda data, attack, **keeps: Smoothing.flips(data, slots=attack, **keeps), voted()),
    Contender("Gaussian + flips", "rsbd, after Weber et al. and Wang et al.", "unit", _MIXED,
              lambda data, attack, **noises: Smoothing.gaussian(data, slots=attack, **noises), voted(LDA())),
    Contender("RAB", "Weber et al. 2023, Clopper-Pearson", "unit", {"sigma": _SIGMAS}, _on_features, _CLOPPER_PEARSON),
    Contender("RAB, Hoeffding", "Weber et al. 2023, the bound of the paper", "unit",
              {"sigma": _SIGMAS}, _on_features, _HOEFFDING),
    Contender("RAB, 1-neighbour", "Weber et al. 2023, exact", "unit",
              {"sigma": (0.5, 1.0, 2.0)}, _on_features, _nearest, 1),
    Contender("Rosenfeld et al.", "Rosenfeld et al. 2020", "unit", {"keep": (0.6, 0.7, 0.8, 0.9)},
              lambda data, attack, keep: Smoothing.flips(data, labels=keep), _closed_form, 1),
    Contender("Cohen et al.", "Cohen et al. 2019", "unit", {"sigma": (0.25, 0.5, 1.0)},
              lambda data, attack, sigma: Smoothing(test=Gaussian(sigma)), _one_model, 1),
    Contender("DPA", "Levine and Feizi 2021", "unit", {"parts": _PARTS}, _parts, _dealt),
    Contender("Finite Aggregation", "Wang, Levine and Feizi 2022", "unit",
              {"parts": _PARTS, "spread": (2, 4)}, _parts, _dealt),
    Contender("bagging", "Jia et al. 2021", "binary", {"size": _SIZES},
              lambda data, attack, size: Smoothing(Bagging(size)), voted(runner_up=True)),
    Contender("BagFlip", "Zhang et al. 2022", "binary",
              {"size": (10, 20, 50), "keep": (0.8, 0.9, 0.95)}, _bagflip, voted()),
    Contender("bags + test flips", "rsbd, after Jia et al. and Wang et al.", "binary",
              {"size": _SIZES, "keep": (0.65, 0.7, 0.8, 0.9)}, _bags, voted()),
    Contender("bags, kept votes", "rsbd, after Zhang et al. 2023 (PECAN)", "binary", {"each": (1, 2, 3)},
              lambda data, attack, each: Smoothing(ClassBagging.of(data, each)), _kept_in_bags, refuses=_KEPT),
    Contender("PECAN", "Zhang et al. 2023", "binary",
              {"parts": _PARTS, "deal": ("position",)}, _parts, _kept_in_parts, refuses=_KEPT),
    Contender("FPA", "Hammoudeh and Lowd 2024", "binary", {"groups": (50, 200, 1000)},
              lambda data, attack, groups: Partition(min(groups, data.num_features // data.channels)), _pixel_groups,
              refuses=_refuses_labels),
)  # fmt: skip
