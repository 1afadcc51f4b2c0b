"""Every method of the library as a contender: one entry each."""

from typing import Any

from rsbd import bounds
from rsbd.data import Dataset
from rsbd.learners import LDA
from rsbd.noises import Bagging, ClassBagging, Flip, Gaussian, Partition, Smoothing
from rsbd.recipes.cohen import cohen
from rsbd.recipes.contest.beyond_noise import KeptVotes, PixelGroups
from rsbd.recipes.contest.contender import Contender, Trial, voted
from rsbd.recipes.contest.threats import Attack
from rsbd.recipes.rab_knn import rab_knn
from rsbd.recipes.rosenfeld import rosenfeld


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


def _class_bags(data: Dataset, attack: Attack, each: int) -> Smoothing:
    return Smoothing(rows=ClassBagging.of(data, each))


def _groups(data: Dataset, attack: Attack, groups: int) -> Partition:
    return Partition(min(groups, data.num_features // data.channels))


def _one_model(trial: Trial) -> bounds.Bounds:
    """Let one model vote as often as the others have models; a tenth of its votes pick the label."""
    noise = trial.smoothing.test
    assert isinstance(noise, Gaussian)  # noqa: S101
    first = max(1, trial.num_models // 10)
    copies = max(1, trial.num_models - first)
    asked: dict[str, Any] = {"alpha": trial.alpha, "points": trial.points, "seed": trial.seed, "learner": trial.learner}
    device = trial.options.get("device", "auto")
    return cohen(trial.data, noise.sigma, num_copies=copies, num_selection=first, device=device, **asked).bounds


def _closed_form(trial: Trial) -> bounds.Bounds:
    noise = trial.smoothing.labels
    assert isinstance(noise, Flip)  # noqa: S101
    return rosenfeld(trial.data, noise.keep).bounds


def _nearest(trial: Trial) -> bounds.Bounds:
    noise = trial.smoothing.features
    assert isinstance(noise, Gaussian)  # noqa: S101
    # The search can be coarse: wider bounds take a quarter of the time.
    return rab_knn(trial.data, noise.sigma, resolution=500 if trial.times == 1 else 125).bounds


_SIGMAS = (0.5, 1.0, 2.0, 4.0)
_SIZES = (10, 20, 50, 100)
_PARTS = (20, 50, 100, 300)
_KEEPS = {"features": (0.6, 0.7, 0.8), "labels": (0.6, 0.7, 0.8), "test": (0.7, 0.8, 0.9)}
_MIXED = {"features": (1.0, 2.0, 4.0), "labels": (0.6, 0.7, 0.8), "test": (0.25, 0.5, 1.0)}
_CLOPPER_PEARSON = voted(LDA(), bounds.clopper_pearson, runner_up=True, hashed=True)
_HOEFFDING = voted(LDA(), bounds.hoeffding, runner_up=True, hashed=True)

# The methods of the library, without certified confidence (Kumar et al.), which is not a certified accuracy.
CONTENDERS = (
    Contender("Wang et al., tied", "Wang et al. 2020", "binary", {"keep": (0.6, 0.7, 0.8, 0.85, 0.9)},
              lambda data, attack, keep: Smoothing.flips(data, keep)),
    Contender("flips per slot", "rsbd, after Wang et al. 2020", "binary", _KEEPS,
              lambda data, attack, **keeps: Smoothing.flips(data, slots=attack, **keeps)),
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
    Contender("DPA", "Levine and Feizi 2021", "unit", {"parts": _PARTS}, _parts),
    Contender("Finite Aggregation", "Wang, Levine and Feizi 2022", "unit", {"parts": _PARTS, "spread": (2, 4)}, _parts),
    Contender("bagging", "Jia et al. 2021", "binary", {"size": _SIZES},
              lambda data, attack, size: Smoothing(Bagging(size)), voted(runner_up=True)),
    Contender("BagFlip", "Zhang et al. 2022", "binary", {"size": (10, 20, 50), "keep": (0.8, 0.9, 0.95)}, _bagflip),
    Contender("bags + test flips", "rsbd, after Jia et al. and Wang et al.", "binary",
              {"size": _SIZES, "keep": (0.65, 0.7, 0.8, 0.9)}, _bags),
    KeptVotes("bags, kept votes", "rsbd, after Zhang et al. 2023 (PECAN)", "binary", {"each": (1, 2, 3)}, _class_bags),
    KeptVotes("PECAN", "Zhang et al. 2023", "binary", {"parts": _PARTS, "deal": ("position",)}, _parts),
    PixelGroups("FPA", "Hammoudeh and Lowd 2024", "binary", {"groups": (50, 200, 1000)}, _groups)
)  # fmt: skip
