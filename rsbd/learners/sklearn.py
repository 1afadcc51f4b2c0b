"""Fits copies of any scikit-learn classifier, one model after another."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor

from rsbd.errors import InputError
from rsbd.learners.base import Learner, Models, Problem, noised_points
from rsbd.learners.identity import settings_text
from rsbd.learners.networks.network import noise_to_add
from rsbd.noises import Noise
from rsbd.types import read_labels


@dataclass(frozen=True, repr=False)
class Sklearn(Learner):
    """A copy of a scikit-learn classifier per model, fitted to the model's own noised rows.

    Each copy, and each part of a pipeline, has its ``random_state`` set from the model's generator, where it has
    one. It is handed arrays of its own, so it may work in place. Every noised training set and every noised point is
    really drawn, so this is as slow as the classifier is. Where training features carry less noise than the test
    input, the rest is added before training. A noised training set with a single class left gives a model that always
    says that class.

    Parameters
    ----------
    estimator : classifier
        Anything with scikit-learn's ``fit``, ``predict`` and ``get_params``; a pipeline too. What it is fitted to
        is noised, so scaling or PCA in a pipeline is covered by the certificate. A copy is taken.
    name : str, optional
        What you call this version of the estimator and of all that it calls. Needed to store votes, or to merge or
        resume them: votes of another version of the code would be taken for this one's.

    Raises
    ------
    InputError
        ``estimator`` is no classifier, such as a class in place of an instance; or it predicts what are no classes, or
        other ones when it is asked again: see :func:`rsbd.learners.checked.check_repeats`.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> Sklearn(GaussianNB())
    Sklearn(estimator=GaussianNB(priors=None, var_smoothing=1e-09), name=None, version=...)
    """

    users_code: ClassVar[bool] = True
    estimator: Any
    name: str | None = None
    version: str = field(init=False)  # of scikit-learn

    def __post_init__(self) -> None:
        import sklearn  # here and below: it takes a second to import
        from sklearn.base import clone, is_classifier

        known = hasattr(self.estimator, "get_params") and not isinstance(self.estimator, type)
        if not known or not is_classifier(self.estimator):
            raise InputError(f"{self.estimator!r} is no classifier of scikit-learn", "give one, such as GaussianNB()")
        object.__setattr__(self, "estimator", clone(self.estimator))
        object.__setattr__(self, "version", sklearn.__version__)

    def __repr__(self) -> str:
        return settings_text(self)

    def train(self, problem: Problem, generators: Sequence[Generator]) -> "FittedEstimators":
        """Fit one copy per generator."""
        states = sorted(k for k in self.estimator.get_params() if k.split("__")[-1] == "random_state")
        with _one_thread():
            return FittedEstimators([self._fit(problem, generator, states) for generator in generators])

    def _fit(self, problem: Problem, generator: Generator, states: Sequence[str]) -> Any:
        from sklearn.base import clone

        x, y = problem.noised(generator)
        extra = noise_to_add(problem.smoothing)
        if extra is not None:
            x = extra.sample(x, generator)
        model = clone(self.estimator)
        seeds = torch.randint(2**31 - 1, (len(states),), generator=generator, device=generator.device)
        model.set_params(**dict(zip(states, seeds.tolist(), strict=True)))
        return int(y[0]) if (y == y[0]).all() else model.fit(x.cpu().numpy(), y.cpu().numpy())

    def block_size(self, problem: Problem) -> int:
        """Return a small number, since models are fitted one by one."""
        return 8


@dataclass(frozen=True)
class FittedEstimators(Models):
    """FittedEstimators classifiers, or the one label that a model has seen."""

    models: Sequence[Any]

    def predict(self, x: Tensor, noise: Noise | None, generators: Sequence[Generator]) -> Tensor:
        """Label every point with every model: shape (models, points)."""
        with _one_thread():
            asked = zip(self.models, generators, strict=True)
            return torch.stack([self._labels(model, x, noise, generator) for model, generator in asked]).to(x.device)

    @staticmethod
    def _labels(model: Any, x: Tensor, noise: Noise | None, generator: Generator) -> Tensor:
        if isinstance(model, int):
            return torch.full((len(x),), model)
        name = f"the answer of {type(model).__name__}"
        found = read_labels(model.predict(noised_points(x, noise, generator).cpu().numpy()), name)
        if found.shape != (len(x),):
            raise InputError(f"{name} has shape {found.shape}", f"it must give one label for each of {len(x)} points")
        return torch.from_numpy(found)


def _one_thread() -> Any:
    """Compute on one thread of OpenMP: a forked process would wait for threads of its parent, which it lacks."""
    return _thread_pools(len(sys.modules)).limit(limits=1, user_api="openmp")


@lru_cache(maxsize=1)
def _thread_pools(modules: int) -> Any:
    """Return the thread pools of this process; search for more of them when the number of imported modules changed."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
