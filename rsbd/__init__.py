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
    from rsbd.attacks import Trigger as Trigger
    from rsbd.attacks.poisoning import Poisoning as Poisoning
    from rsbd.attacks.poisoning import attack_success_rate as attack_success_rate
    from rsbd.attacks.poisoning import clean_accuracy as clean_accuracy
    from rsbd.bounds import Bounds as Bounds
    from rsbd.certify import ABSTAIN as ABSTAIN
    from rsbd.certify import Certificate as Certificate
    from rsbd.certify import certified_map as certified_map
    from rsbd.certify import poisoned_rows as poisoned_rows
    from rsbd.certify import radius as radius
    from rsbd.certify.stopping import Decided as Decided
    from rsbd.data import Dataset as Dataset
    from rsbd.data import load as load
    from rsbd.ensemble import collect as collect
    from rsbd.ensemble.votes import Votes as Votes
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
    from rsbd.noises.smoothing import Smoothing as Smoothing
    from rsbd.noises.smoothing import Threat as Threat
    from rsbd.recipes.experiment import Experiment as Experiment
    from rsbd.tradeoff import Tradeoff as Tradeoff


# Name -> home. Resolved on first use, so that `import rsbd` and `rsbd --help` do not pay for torch.
_HOMES: dict[str, str] = {
    "certify": "rsbd.certify",  # the module, which can be called in place of its function
    "ABSTAIN": "rsbd.certify",
    "Bounds": "rsbd.bounds",
    "Certificate": "rsbd.certify",
    "Smoothing": "rsbd.noises.smoothing",
    "Threat": "rsbd.noises.smoothing",
    "Decided": "rsbd.certify.stopping",
    "Tradeoff": "rsbd.tradeoff",
    "certified_map": "rsbd.certify",
    "poisoned_rows": "rsbd.certify",
    "radius": "rsbd.certify",
    "Dataset": "rsbd.data",
    "load": "rsbd.data",
    "Poisoning": "rsbd.attacks.poisoning",
    "attack_success_rate": "rsbd.attacks.poisoning",
    "clean_accuracy": "rsbd.attacks.poisoning",
    "BadPatch": "rsbd.attacks",
    "Blend": "rsbd.attacks",
    "Features": "rsbd.attacks",
    "Pixels": "rsbd.attacks",
    "Trigger": "rsbd.attacks",
    "Experiment": "rsbd.recipes.experiment",
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
    "Votes": "rsbd.ensemble",
    "collect": "rsbd.ensemble",
}

_MODULES = (
    "attacks",
    "audit",
    "bounds",
    "data",
    "ensemble",
    "learners",
    "noises",
    "plots",
    "recipes",
    "tradeoff",
)

__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"rsbd.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'rsbd' has no attribute {name!r}")
    found = getattr(importlib.import_module(_HOMES[name]), name)
    return globals().get(name, found)  # a module of that name comes first, on the first look as on every later one


def __dir__() -> list[str]:
    return [*globals(), *_HOMES, *_MODULES]
