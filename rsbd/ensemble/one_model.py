"""One trained model, asked many times: the noise is on the test input alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rsbd.data import Dataset
from rsbd.ensemble import blocks, checks, devices, workers
from rsbd.ensemble.votes import Votes
from rsbd.errors import InputError
from rsbd.learners import Learner, Models, Problem, ScoringModels, determinism, identity, randomness
from rsbd.learners.base import lent, train
from rsbd.noises import Noise
from rsbd.noises.smoothing import Smoothing
from rsbd.types import Points

CHUNK = 64  # noisy copies handed to a worker at a time


@dataclass(frozen=True)
class FixedModel:
    """A model that was trained once, and the noise through which it sees its inputs.

    The training set carries no noise, so nothing is certified against poisoning: only against changes of the
    test input.

    Parameters
    ----------
    models : Models
        The trained model, a batch of one.
    noise : Noise
        Noise on the test input.
    num_classes : int
        Number of classes.
    seed : int
        Copy ``i`` of the points draws its noise from the stream ``(seed, i + 1)``; the model was trained by stream 0.
    device : str
        Where the model is.
    manifest : dict
        What determines the votes, beside the points.
    """

    models: Models
    noise: Noise
    num_classes: int
    seed: int
    device: str
    manifest: dict[str, Any]

    @classmethod
    def train(cls, dataset: Dataset, noise: Noise, learner: Learner, seed: int = 0, device: str = "auto") -> FixedModel:
        """Train one model on the rows as they are; the learner is told under which noise it will be asked."""
        smoothing = Smoothing(test=noise)
        checks.settings(dataset, smoothing, 1, seed)
        device = devices.pick_device(device)
        with devices.asked(device, learner):
            x = torch.tensor(dataset.x.reshape(dataset.num_rows, -1), device=device)
            y = torch.tensor(dataset.y, device=device)
            problem = Problem(x, y, dataset.num_classes, dataset.values, dataset.shape, smoothing)
            models = train(learner, problem, randomness.generators(seed, range(1), device))
        manifest = {
            "fixed model": identity.settings_text(learner),
            "dataset": dataset.fingerprint(),
            "test noise": identity.settings_text(noise),
            "seed": int(seed),
            "device": torch.device(device).type,
            **identity.unnamed_mark(learner, noise),
        }
        return cls(models, noise, dataset.num_classes, seed, device, manifest)

    def votes(self, x_test: Points, copies: range) -> Votes:
        """Count the labels of the given noisy copies of each point.

        Guarantee
        ---------
        For each point, votes of different copies are independent draws. (Copy ``i`` of all points may share its noise.)

        Parameters
        ----------
        x_test : ndarray
            Points, shape (points, *shape).
        copies : range
            Which copies; disjoint ranges are independent.
        """
        points, counts = self._flat(x_test), np.zeros((len(x_test), self.num_classes), np.int64)

        def labels(x: Tensor, stream: torch.Generator) -> Tensor:
            found = self.models.predict(lent(x, self.models), self.noise, [stream])
            blocks.expect_shape(found, (1, len(x)))
            return found

        for chunk in self._map(labels, points, copies):
            counts += blocks.count(chunk, self.num_classes)
        digest = hashlib.sha256(points.cpu().numpy().tobytes()).hexdigest()
        return Votes(counts, ((copies.start, copies.stop),), {**self.manifest, "points": digest})

    def confidences(self, x_test: Points, copies: range) -> Iterator[NDArray[np.float32]]:
        """Yield the model's confidence in each class (softmax of its scores): arrays (copies, points, classes).

        Raises
        ------
        InputError
            The model gives labels without scores.
        """
        models = scoring(self.models)

        def softmax(x: Tensor, stream: torch.Generator) -> Tensor:
            return models.scores(lent(x, models), self.noise, [stream]).softmax(1).mT

        for chunk in self._map(softmax, self._flat(x_test), copies):
            yield chunk.numpy()

    def _flat(self, x_test: Points) -> Tensor:
        checks.points(self.noise, x_test)
        return torch.tensor(np.asarray(x_test, np.float32), device=self.device).flatten(1)

    def _map(self, ask: Callable[[Tensor, torch.Generator], Tensor], x: Tensor, copies: range) -> Iterator[Tensor]:
        def chunk(start: int) -> Tensor:
            some = range(start + 1, min(start + CHUNK, copies.stop) + 1)
            with devices.asked(self.device, self.models), determinism.reproducible():
                asked = [ask(x, stream) for stream in randomness.generators(self.seed, some, self.device)]
                return torch.cat(asked).cpu()

        starts = range(randomness.consecutive(copies).start, copies.stop, CHUNK)
        with workers.threads(self.device) as pool:
            yield from workers.in_order(pool, chunk, starts)


def scoring(models: Models) -> ScoringModels:
    """Return the models if they have scores, and say so if they have not."""
    if not isinstance(models, ScoringModels):
        raise InputError(f"{type(models).__name__} give labels only", "confidence needs a learner with scores, LDA()")
    return models
