"""Every method of the library as a contender: one entry each."""

from __future__ import annotations

from rsbd import bounds
from rsbd.bounds import Bounds
from rsbd.data import Dataset
from rsbd.learners import LDA
from rsbd.noises import Bagging, Flip, Gaussian, Noise, Partition
from rsbd.noises.smoothing import Smoothing
from rsbd.recipes.cohen import cohen
from rsbd.recipes.contest.contender import Contender, Run, voted
from rsbd.recipes.contest.threats import Attack
from rsbd.recipes.rab_knn import rab_knn
from rsbd.recipes.rosenfeld import rosenfeld


def _tied(data: Dataset, attack: Attack, keep: float) -> Smoothing:
    pixel = Flip(keep, data.values or 2)
    return Smoothing(features=pixel, labels=Flip(keep, data.num_classes), test=pixel)


def _per_slot(data: Dataset, attack: Attack, features: float, labels: float, test: float) -> Smoothing:
    values = data.values or 2
    return Smoothing(
        features=Flip(features, values) if "features" in attack else None,
        labels=Flip(labels, data.num_classes) if "labels" in attack else None,
        test=Flip(test, values) if "test" in attack else None,
    )


def _gaussian(data: Dataset, attack: Attack, features: float, labels: float, test: float) -> Smoothing:
    return Smoothing(
        features=Gaussian(features) if "features" in attack else None,
        labels=Flip(labels, data.num_classes) if "labels" in attack else None,
        test=Gaussian(test) if "test" in attack else None,
    )


def _bagflip(data: Dataset, attack: Attack, size: int, keep: float) -> Smoothing:
    noise = _tied(data, attack, keep)
    labels, test = noise.labels if "labels" in attack else None, noise.test if "test" in attack else None
    return Smoothing(Bagging(size), noise.features, labels, test)


def _bags(data: Dataset, attack: Attack, size: int, keep: float) -> Smoothing:
    test: Noise | None = Flip(keep, data.values or 2) if "test" in attack else None
    return Smoothing(Bagging(size) if {"features", "labels"} & {*attack} else None, test=test)


def _dealt(data: Dataset, attack: Attack, parts: int, spread: int = 1) -> Partition:
    """Parts of three rows at least: models with nothing to learn from all say the same, and that is certified."""
    return Partition(min(parts, max(1, data.num_rows // 3)), spread)


def _one_model(run: Run) -> Bounds:
    """One model votes as often as the others have models, a tenth of it to pick the label."""
    noise = run.smoothing.test
    assert isinstance(noise, Gaussian)  # noqa: S101
    first = max(1, run.num_models // 10)
    copies = max(1, run.num_models - first)
    found = cohen(
        run.data, noise.sigma, learner=run.learner, num_copies=copies, num_selection=first,
        alpha=run.alpha, points=run.points, seed=run.seed, device=run.options.get("device", "auto"),
    )  # fmt: skip
    return found.bounds


def _closed_form(run: Run) -> Bounds:
    noise = run.smoothing.labels
    assert isinstance(noise, Flip)  # noqa: S101
    return rosenfeld(run.data, noise.keep).bounds


def _nearest(run: Run) -> Bounds:
    noise = run.smoothing.features
    assert isinstance(noise, Gaussian)  # noqa: S101
    # The search may be coarse: bounds that are wider, and a quarter of the time.
    return rab_knn(run.data, noise.sigma, resolution=500 if run.times == 1 else 125).bounds


SIGMAS = (0.5, 1.0, 2.0, 4.0)

CONTENDERS: tuple[Contender, ...] = (
    Contender(
        "Wang et al., tied", "Wang et al. 2020", "binary",
        {"keep": (0.6, 0.7, 0.8, 0.85, 0.9)}, _tied,
    ),
    Contender(
        "flips per slot", "rsbd, after Wang et al. 2020", "binary",
        {"features": (0.6, 0.7, 0.8), "labels": (0.6, 0.7, 0.8), "test": (0.7, 0.8, 0.9)}, _per_slot,
    ),
    Contender(
        "Gaussian + flips", "rsbd, after Weber et al. and Wang et al.", "unit",
        {"features": (1.0, 2.0, 4.0), "labels": (0.6, 0.7, 0.8), "test": (0.25, 0.5, 1.0)}, _gaussian,
        voted(LDA()),
    ),
    Contender(
        "RAB", "Weber et al. 2023, Clopper-Pearson", "unit",
        {"sigma": SIGMAS}, lambda data, attack, sigma: Smoothing(features=Gaussian(sigma)),
        voted(LDA(), bounds.clopper_pearson, runner_up=True, hashed=True),
    ),
    Contender(
        "RAB, Hoeffding", "Weber et al. 2023, the bound of the paper", "unit",
        {"sigma": SIGMAS}, lambda data, attack, sigma: Smoothing(features=Gaussian(sigma)),
        voted(LDA(), bounds.hoeffding, runner_up=True, hashed=True),
    ),
    Contender(
        "RAB, 1-neighbour", "Weber et al. 2023, exact", "unit",
        {"sigma": (0.5, 1.0, 2.0)},
        lambda data, attack, sigma: Smoothing(features=Gaussian(sigma)), _nearest, models=1,
    ),
    Contender(
        "Rosenfeld et al.", "Rosenfeld et al. 2020", "unit",
        {"keep": (0.6, 0.7, 0.8, 0.9)},
        lambda data, attack, keep: Smoothing(labels=Flip(keep, data.num_classes)), _closed_form, models=1,
    ),
    Contender(
        "Cohen et al.", "Cohen et al. 2019", "unit",
        {"sigma": (0.25, 0.5, 1.0)}, lambda data, attack, sigma: Smoothing(test=Gaussian(sigma)),
        _one_model, models=1,
    ),
    Contender(
        "DPA", "Levine and Feizi 2021", "unit",
        {"parts": (20, 50, 100, 300)}, _dealt,
    ),
    Contender(
        "Finite Aggregation", "Wang, Levine and Feizi 2022", "unit",
        {"parts": (20, 50, 100, 300), "spread": (2, 4)},
        _dealt,
    ),
    Contender(
        "bagging", "Jia et al. 2021", "binary",
        {"size": (10, 20, 50, 100)}, lambda data, attack, size: Smoothing(Bagging(size)), voted(runner_up=True),
    ),
    Contender(
        "BagFlip", "Zhang et al. 2022", "binary",
        {"size": (10, 20, 50), "keep": (0.8, 0.9, 0.95)}, _bagflip,
    ),
    Contender(
        "bags + test flips", "rsbd, after Jia et al. and Wang et al.", "binary",
        {"size": (10, 20, 50, 100), "keep": (0.65, 0.7, 0.8, 0.9)}, _bags,
    ),
)  # fmt: skip
"""The methods of the library. Certified confidence (Kumar et al.) is not among them: it is no certified accuracy."""
