"""The data and settings that all contenders of a comparison share, and what they have proved so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rsbd.bounds import over_points
from rsbd.data import Dataset
from rsbd.ensemble import checks
from rsbd.errors import InputError
from rsbd.learners import Learner
from rsbd.noises import Smoothing, Threat
from rsbd.recipes.contest.contender import Contender, NoiseProof, PartitionProof, Trial
from rsbd.recipes.contest.threats import Defence
from rsbd.recipes.report import dataset_settings
from rsbd.types import Floats, Labels

_SHARE = 4
"""The search trains a quarter of the models and counts each vote four times: it proves nothing, it only chooses."""


@dataclass(frozen=True)
class Trials:
    """One data set in two views, twice: to certify its test points, and validation points taken from its rows.

    Parameters
    ----------
    dataset, validation, num_models, alpha, points, seed, learner, options
        As in :func:`rsbd.recipes.contest.compare`.
    final, search : mapping
        View (``"binary"``, ``"unit"``) -> data set, with the test points and with the validation points.
    proofs : dict
        What has been proved so far.
    known : tuple of dict
        Votes so far, of the search and of the certificates.

    Raises
    ------
    InputError
        Settings that cannot work.
    """

    dataset: Dataset
    validation: float
    num_models: int
    alpha: float
    points: str
    seed: int
    learner: Learner | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    final: Mapping[str, Dataset] = field(init=False, repr=False)
    search: Mapping[str, Dataset] = field(init=False, repr=False)
    proofs: dict[Any, NoiseProof | PartitionProof] = field(default_factory=dict, repr=False)
    known: tuple[dict[Any, Labels], ...] = field(default_factory=lambda: ({}, {}), repr=False)

    def __post_init__(self) -> None:
        data, share = self.dataset, self.validation
        checks.check_settings(data, Smoothing(), self.num_models, self.seed)
        over_points(self.alpha, 1, self.points)
        held = round(share * data.num_rows) if 0 < share < 1 else 0
        if not 0 < held < data.num_rows:
            raise InputError(
                f"a validation share of {share!r} leaves {held} of {data.num_rows} rows to choose the noise",
                "give a share between 0 and 1, such as 0.25",
            )
        order = np.random.default_rng(self.seed).permutation(data.num_rows)
        out, rest = np.sort(order[:held]), np.sort(order[held:])
        parts = data.replace(x=data.x[rest], y=data.y[rest], x_test=data.x[out], y_test=data.y[out])
        object.__setattr__(self, "final", both_views(data))
        object.__setattr__(self, "search", both_views(parts))

    def proof(self, contender: Contender, defence: Defence, final: bool) -> NoiseProof | PartitionProof:
        """Return a contender's proof with this noise, for the test points if ``final``, else for validation points."""
        key = (contender.name, repr(defence), final)
        if key not in self.proofs:
            number = self.num_models if final else -(-self.num_models // _SHARE)
            trial = Trial(
                data=(self.final if final else self.search)[contender.view],
                defence=defence,
                num_models=number,
                alpha=self.alpha,
                points=self.points,
                seed=self.seed if final else self.seed + 1,  # votes that prove must not be those that chose the noise
                learner=self.learner,
                times=1 if final else self.num_models // number,
                options=self.options,
                known=self.known[final],
                num_rows=self.dataset.num_rows,
            )
            self.proofs[key] = contender.prove(trial)
        return self.proofs[key]

    def accuracies(
        self, contender: Contender, defence: Defence, threats: Sequence[Threat], final: bool
    ) -> tuple[float, Floats]:
        """Return clean accuracy, and certified accuracy against each threat."""
        proof = self.proof(contender, defence, final)
        right = proof.label == (self.final if final else self.search)[contender.view].y_test
        certified = [float((proof.certified(threat) & right).mean()) for threat in threats]
        return float(right.mean()), np.array(certified)

    def settings(self) -> dict[str, Any]:
        """Return every setting that determines a comparison, for its files."""
        return {
            **dataset_settings(self.final["unit"]),
            "models": self.num_models,
            "search_models": -(-self.num_models // _SHARE),
            "validation": self.validation,
            "objective": "mean certified accuracy over the threats of an attack, on validation points",
            "alpha": self.alpha,
            "alpha_for": self.points,
            "learner": None if self.learner is None else repr(self.learner),
            "seed": self.seed,
        }


def both_views(dataset: Dataset) -> dict[str, Dataset]:
    """Return the data as they are, on a continuous scale, and with every input rounded to 0 or 1 by itself."""
    for x in (dataset.x, dataset.x_test):
        if x.size and not (x.min() >= 0 and x.max() <= 1):
            raise InputError(
                f"{dataset.name} has inputs from {x.min():g} to {x.max():g}, but what a changed pixel costs is known "
                "from 0 to 1 only",
                "scale them by fixed numbers",
            )
    black, white = (np.asarray(x >= 0.5, np.float32) for x in (dataset.x, dataset.x_test))
    return {"unit": dataset.replace(values=None), "binary": dataset.replace(x=black, x_test=white, values=2)}
