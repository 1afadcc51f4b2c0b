"""Certified robustness against backdoor attacks by randomized smoothing.

Data flows one way: dataset, poison, noise, ensemble, votes, bounds, certificate, curve, panel.
Start with :mod:`rsbd.recipes`; each recipe is a paper's method in a few lines.
"""

import importlib
from typing import TYPE_CHECKING, Any

from rsbd.version import __version__

if TYPE_CHECKING:
    from rsbd.attacks import BadPatch, Blend, Features, Pixels, Poisoning, Trigger, attack_success_rate, clean_accuracy
    from rsbd.bounds import Bounds
    from rsbd.certify import ABSTAIN, Certificate, certified_map, certify, poisoned_rows, radius
    from rsbd.data import Dataset, load
    from rsbd.ensemble import Votes, collect
    from rsbd.evasion import AnyPatch, AnyPixels, kept
    from rsbd.learners import CNN, LDA, MLP, Linear, Module, ResNet, RobustLinear, Sklearn
    from rsbd.noises import Bagging, ClassBagging, Flip, Gaussian, Noise, Partition, Smoothing, Threat, Uniform
    from rsbd.recipes import Experiment
    from rsbd.tradeoff import Tradeoff

__all__ = ["Dataset", "__version__", "load"]
__all__ += ["BadPatch", "Blend", "Features", "Pixels", "Poisoning", "Trigger", "attack_success_rate", "clean_accuracy"]
__all__ += ["Bagging", "ClassBagging", "Flip", "Gaussian", "Noise", "Partition", "Smoothing", "Threat", "Uniform"]
__all__ += ["AnyPatch", "AnyPixels", "kept"]
__all__ += ["ABSTAIN", "Bounds", "Certificate", "Tradeoff", "certified_map", "certify", "poisoned_rows", "radius"]
__all__ += ["CNN", "LDA", "MLP", "Experiment", "Linear", "Module", "ResNet", "RobustLinear", "Sklearn"]
__all__ += ["Votes", "collect"]

# Imported on first use, so that `import rsbd` and `rsbd --help` do not wait for torch. A name of `__all__` is looked up
# in one package after the other, first in those without torch. `rsbd.certify` can be called as its function.
_WITHOUT_TORCH = ["data", "attacks", "evasion", "noises", "tradeoff", "bounds", "certify"]
_PACKAGES = [*_WITHOUT_TORCH, "ensemble", "learners", "recipes", "audit", "plots"]


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return importlib.import_module(f"rsbd.{name}")
    if name in __all__:
        packages = (importlib.import_module(f"rsbd.{package}") for package in _PACKAGES)
        return next(getattr(package, name) for package in packages if hasattr(package, name))
    raise AttributeError(f"module 'rsbd' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__, *_PACKAGES]
