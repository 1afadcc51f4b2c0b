"""Wraps any learner: each model sees one group of the pixels, or test noise that a hash of its parameters decides.

Weber et al. ("RAB", 2023) noise the training features only, but show a model test inputs like its training inputs. They
seed the test noise with a hash of the model's parameters. The certificate stays valid: the base classifier may be any
function of the noised training set and the point, and "train, hash the parameters, noise the point, predict" is such a
function. It reads nothing of the training set but the parameters, so the certificate is about the training features
alone, and the test noise has no slot in :class:`~rsbd.noises.smoothing.Smoothing`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod

import numpy as np
import torch
from torch import Generator, Tensor

from rsbd.errors import InputError, check_whole
from rsbd.learners.base import Learner, Models, Problem, ScoringModels
from rsbd.learners.checked import lend, predict_labels, train_models
from rsbd.noises import Noise, Partition
from rsbd.noises.bagging import draw_numbers


@dataclass(frozen=True)
class HashedTestNoise(Learner):
    """Any learner whose models expose their parameters, with test noise seeded by a hash of the parameters.

    Use it if the smoothing has no noise on the test input. To certify triggers on the test input as well, use the inner
    learner alone and give ``Smoothing(test=...)`` a noise, which is drawn for every model.

    Parameters
    ----------
    learner : Learner
        The learner; it is told that test inputs will carry the noise.
    noise : Noise
        The noise on the test input.

    Raises
    ------
    InputError
        In training: the smoothing has a test noise of its own, or the models do not expose parameters.

    References
    ----------
    Weber, Xu, Karlaš, Zhang, Li, "RAB: Provable Robustness Against Backdoor Attacks", IEEE S&P 2023, on smoothed deep
    networks.

    Examples
    --------
    >>> from rsbd.learners import LDA
    >>> from rsbd.noises import Gaussian
    >>> HashedTestNoise(LDA(), Gaussian(0.5))
    HashedTestNoise(learner=LDA(), noise=Gaussian(sigma=0.5))
    """

    learner: Learner
    noise: Noise

    def train(self, problem: Problem, generators: Sequence[Generator]) -> "HashedModels":
        """Train with the inner learner, and hash the parameters."""
        test = problem.smoothing.test
        if test is not None:
            raise InputError(f"the test input carries {test} and hashed noise", "use Smoothing(test=None)")
        models = train_models(self.learner, _with_test_noise(problem, self.noise, self.learner.in_double), generators)
        return HashedModels(models, self.noise, hash_parameters(models.parameters()))


@dataclass(frozen=True)
class HashedModels(ScoringModels):
    """Trained models, and the seed of each one's test noise.

    Parameters
    ----------
    models : Models
        The models.
    noise : Noise
        Noise on the test input.
    seeds : tuple of int
        One per model.
    """

    models: Models
    noise: Noise
    seeds: tuple[int, ...]

    def predict(self, x: Tensor, noise: Noise | None, generators: Sequence[Generator]) -> Tensor:
        """Label every point, (models, points). ``noise`` and ``generators`` are not used."""
        return self.models.predict(*self._seen(x))

    def scores(self, x: Tensor, noise: Noise | None, generators: Sequence[Generator]) -> Tensor:
        """Score every class, (models, classes, points), if the models do."""
        if not isinstance(self.models, ScoringModels):
            raise InputError(f"{type(self.models).__name__} give labels only", "choose a learner with scores, LDA()")
        return self.models.scores(*self._seen(x))

    def _seen(self, x: Tensor) -> tuple[Tensor, Noise, list[Generator]]:
        """Return the points, their noise and each model's stream of it."""
        streams = [torch.Generator(x.device).manual_seed(seed) for seed in self.seeds]
        return lend(x, self.models), self.noise, streams


@lru_cache(maxsize=2)
def _with_test_noise(problem: Problem, noise: Noise, double: bool) -> Problem:
    """Return the problem with the noise on test inputs; blocks of one ensemble share what learners derive from it."""
    # One bit of one parameter changes all of a model's test noise, and machines round the last bits differently.
    double = double and problem.x.device.type != "mps"  # mps has no float64
    smoothing = replace(problem.smoothing, test=noise)
    return replace(problem, x=problem.x.double() if double else problem.x, smoothing=smoothing)


def hash_parameters(parameters: Tensor) -> tuple[int, ...]:
    """Hash the parameters of each model, (models, parameters), in canonical form, to 32 bits.

    The canonical form counts whole multiples of one unit, a power of two that is about ``2**-12`` of the model's
    largest parameter, so parameters that differ by rounding alone have equal forms. Two models with equal hashes share
    their test noise, which is allowed: each noise is still determined by its model.

    Examples
    --------
    >>> models = torch.tensor([[0.0, 1.5], [-1e-9, 1.5], [1.0, 1.5]], dtype=torch.float64)
    >>> first, second, third = hash_parameters(models)
    >>> first == second, first == third
    (True, False)
    """
    numbers = parameters.detach().cpu().double().numpy()
    largest = np.abs(numbers).max(axis=1, keepdims=True, initial=0.0, where=np.isfinite(numbers))
    units = np.rint(numbers / np.ldexp(1.0, np.frexp(largest)[1] - 12))
    # NaN and the infinities have forms of their own.
    forms = np.nan_to_num(units, nan=2**20, posinf=2**21, neginf=-(2**21)).astype("<i4")
    return tuple(int.from_bytes(hashlib.sha256(form.tobytes()).digest()[:4], "little") for form in forms)


@dataclass(frozen=True)
class Columns(Learner):
    """Any learner, for models that each see one of ``groups`` disjoint groups of the pixels.

    A model draws its group before anything else, every group with the same probability. If some pixels change in any
    rows and in the test input, a model whose group holds none of them notices nothing.

    Parameters
    ----------
    learner : Learner
        The learner. It is shown features without the shape of an image.
    groups : int
        Number of groups, which are dealt out in a fixed order. All channels of a pixel are in one group.

    Raises
    ------
    InputError
        ``groups`` is not a whole number of at least 1; in training: there are more groups than pixels.
    """

    learner: Learner
    groups: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "groups", check_whole("groups", self.groups, 1))

    def train(self, problem: Problem, generators: Sequence[Generator]) -> "ColumnModels":
        """Train one model per generator, group by group."""
        channels = prod(problem.shape[:-2])
        pixels = problem.x.shape[1] // channels
        if self.groups > pixels:
            raise InputError(f"{self.groups} groups of {pixels} pixels", "give at most one group for each pixel")
        shares = Partition(self.groups, deal="position").shares(pixels)
        drawn = (draw_numbers(1, generators)[:, 0] % self.groups).tolist()
        parts = []
        for group in sorted(set(drawn)):
            who = [i for i, own in enumerate(drawn) if own == group]
            seen = torch.cat([torch.from_numpy(shares[group]) + c * pixels for c in range(channels)])
            part = replace(problem, x=problem.x[:, seen.to(problem.x.device)], shape=(len(seen),))
            parts.append((who, seen, train_models(self.learner, part, [generators[i] for i in who])))
        return ColumnModels(parts)


@dataclass(frozen=True)
class ColumnModels(Models):
    """Trained models: for each group their numbers, the features that they see, and the models."""

    parts: Sequence[tuple[list[int], Tensor, Models]]

    def predict(self, x: Tensor, noise: Noise | None, generators: Sequence[Generator]) -> Tensor:
        """Label every point with every model: shape (models, points)."""
        labels = torch.empty(len(generators), len(x), dtype=torch.int64, device=x.device)
        for who, seen, models in self.parts:
            own = x[:, seen.to(x.device)]
            labels[who] = predict_labels(models, own, noise, [generators[i] for i in who])
        return labels
