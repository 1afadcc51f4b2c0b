"""Certified robustness against backdoor attacks by randomized smoothing.

Data flows one way: dataset, poison, noise, ensemble, votes, bounds, certificate, curve, panel.
Start with :mod:`rsbd.recipes`; each recipe is a paper's method in a few lines.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rsbd.bounds import Bounds as Bounds
    from rsbd.certify import ABSTAIN as ABSTAIN
    from rsbd.certify import Certificate as Certificate
    from rsbd.certify import certified_map as certified_map
    from rsbd.certify import poisoned_rows as poisoned_rows
    from rsbd.certify import radius as radius
    from rsbd.data import Dataset as Dataset
    from rsbd.data import load as load
    from rsbd.ensemble import collect as collect
    from rsbd.experiment import Experiment as Experiment
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
    from rsbd.noises import Uniform as Uniform
    from rsbd.poisoning import Poisoning as Poisoning
    from rsbd.poisoning import attack_success_rate as attack_success_rate
    from rsbd.poisoning import clean_accuracy as clean_accuracy
    from rsbd.smoothing import Smoothing as Smoothing
    from rsbd.smoothing import Threat as Threat
    from rsbd.stopping import Decided as Decided
    from rsbd.tradeoff import Tradeoff as Tradeoff
    from rsbd.triggers import BadPatch as BadPatch
    from rsbd.triggers import Blend as Blend
    from rsbd.triggers import Features as Features
    from rsbd.triggers import Pixels as Pixels
    from rsbd.triggers import Trigger as Trigger
    from rsbd.votes import Votes as Votes

__version__ = "0.1.0"

# Name -> home. Resolved on first use, so that `import rsbd` and `rsbd --help` do not pay for torch.
_HOMES: dict[str, str] = {
    "certify": "rsbd.certify",  # the module, which can be called in place of its function
    "ABSTAIN": "rsbd.certify",
    "Bounds": "rsbd.bounds",
    "Certificate": "rsbd.certify",
    "Smoothing": "rsbd.smoothing",
    "Threat": "rsbd.smoothing",
    "Decided": "rsbd.stopping",
    "Tradeoff": "rsbd.tradeoff",
    "certified_map": "rsbd.certify",
    "poisoned_rows": "rsbd.certify",
    "radius": "rsbd.certify",
    "Dataset": "rsbd.data",
    "load": "rsbd.data",
    "Poisoning": "rsbd.poisoning",
    "attack_success_rate": "rsbd.poisoning",
    "clean_accuracy": "rsbd.poisoning",
    "BadPatch": "rsbd.triggers",
    "Blend": "rsbd.triggers",
    "Features": "rsbd.triggers",
    "Pixels": "rsbd.triggers",
    "Trigger": "rsbd.triggers",
    "Experiment": "rsbd.experiment",
    "Bagging": "rsbd.noises",
    "Flip": "rsbd.noises",
    "Gaussian": "rsbd.noises",
    "CNN": "rsbd.learners",
    "ResNet": "rsbd.learners",
    "LDA": "rsbd.learners",
    "Linear": "rsbd.learners",
    "MLP": "rsbd.learners",
    "Module": "rsbd.learners",
    "Sklearn": "rsbd.learners",
    "Noise": "rsbd.noises",
    "Partition": "rsbd.noises",
    "Uniform": "rsbd.noises",
    "Votes": "rsbd.votes",
    "collect": "rsbd.ensemble",
}

_MODULES = (
    "audit",
    "bounds",
    "data",
    "ensemble",
    "learners",
    "noises",
    "plots",
    "recipes",
    "tradeoff",
    "triggers",
)

__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"rsbd.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'rsbd' has no attribute {name!r}")
    found = getattr(importlib.import_module(_HOMES[name]), name)
    return globals().get(
        name, found
    )  # a module of that name comes first, on the first look as on every later one


def __dir__() -> list[str]:
    return [*globals(), *_HOMES, *_MODULES]
