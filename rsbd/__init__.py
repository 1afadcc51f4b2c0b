"""Certified robustness against backdoor attacks by randomized smoothing.

Data flows one way: dataset, poison, noise, ensemble, votes, bounds, certificate, curve, panel.
Start with :mod:`rsbd.recipes`; each recipe is a paper's method in a few lines.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from rsbd.version import __version__ as __version__

if TYPE_CHECKING:
    from rsbd.attacks import BadPatch as BadPatch
    from rsbd.attacks import Blend as Blend
    from rsbd.attacks import Features as Features
    from rsbd.attacks import Pixels as Pixels
    from rsbd.attacks import Poisoning as Poisoning
    from rsbd.attacks import Trigger as Trigger
    from rsbd.attacks import attack_success_rate as attack_success_rate
    from rsbd.attacks import clean_accuracy as clean_accuracy
    from rsbd.bounds import Bounds as Bounds
    from rsbd.certify import ABSTAIN as ABSTAIN
    from rsbd.certify import Certificate as Certificate
    from rsbd.certify import certified_map as certified_map
    from rsbd.certify import certify as certify
    from rsbd.certify import poisoned_rows as poisoned_rows
    from rsbd.certify import radius as radius
    from rsbd.data import Dataset as Dataset
    from rsbd.data import load as load
    from rsbd.ensemble import Votes as Votes
    from rsbd.ensemble import collect as collect
    from rsbd.learners import CNN as CNN
    from rsbd.learners import LDA as LDA
    from rsbd.learners import MLP as MLP
    from rsbd.learners import Linear as Linear
    from rsbd.learners import Module as Module
    from rsbd.learners import ResNet as ResNet
    from rsbd.learners import Sklearn as Sklearn
    from rsbd.noises import Bagging as Bagging
    from rsbd.noises import Flip as Flip
    from rsbd.noises import Gaussian as Gaussian
    from rsbd.noises import Noise as Noise
    from rsbd.noises import Partition as Partition
    from rsbd.noises import Smoothing as Smoothing
    from rsbd.noises import Threat as Threat
    from rsbd.noises import Uniform as Uniform
    from rsbd.recipes.experiment import Experiment as Experiment
    from rsbd.tradeoff import Tradeoff as Tradeoff


# Home -> names. Resolved on first use, so that `import rsbd` and `rsbd --help` do not wait for torch.
_HOMES = {
    "attacks": "BadPatch Blend Features Pixels Poisoning Trigger attack_success_rate clean_accuracy",
    "bounds": "Bounds",
    "certify": "ABSTAIN Certificate certified_map poisoned_rows radius",
    "data": "Dataset load",
    "ensemble": "Votes collect",
    "learners": "CNN LDA Linear MLP Module ResNet Sklearn",
    "noises": "Bagging Flip Gaussian Noise Partition Smoothing Threat Uniform",
    "recipes.experiment": "Experiment",
    "tradeoff": "Tradeoff",
}
_HOME = {name: f"rsbd.{home}" for home, names in _HOMES.items() for name in names.split()}
_MODULES = {home.split(".")[0] for home in _HOMES} | {"audit", "plots"}  # `rsbd.certify` can be called as its function

__all__ = ["__version__", *sorted({*_HOME, "certify"})]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"rsbd.{name}")
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'rsbd' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_HOME, *_MODULES]
