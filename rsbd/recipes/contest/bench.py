"""Where contenders are tried: the search for the noise on one side, the certificates on the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsbd.bounds import over_points
from rsbd.data import Dataset
from rsbd.ensemble import checks
from rsbd.errors import InputError
from rsbd.learners import Learner
from rsbd.noises.smoothing import Smoothing, Threat
from rsbd.recipes.contest.contender import Contender, Proof, Run
from rsbd.recipes.contest.threats import Defence
from rsbd.version import __version__

SHARE = 4
"""The search trains a quarter of the models, and counts each vote four times: it proves nothing, it only picks."""


@dataclass(frozen=True)
class Bench:
    """One data set in two views, twice: to certify its test points, and validation points taken from its rows.

    Parameters
    ----------
    final, search : mapping
        View (``"binary"``, ``"unit"``) -> data set.
    num_models, alpha, points, seed, learner, options
        As in :func:`rsbd.recipes.contest.compare`.
    proofs : dict
        What has been proved so far.
    """

    final: Mapping[str, Dataset]
    search: Mapping[str, Dataset]
    num_models: int
    alpha: float
    points: str
    seed: int
    learner: Learner | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    proofs: dict[Any, Proof] = field(default_factory=dict, repr=False)
    known: tuple[dict[Any, NDArray[np.int64]], ...] = field(default_factory=lambda: ({}, {}), repr=False)

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        validation: float,
        num_models: int,
        alpha: float,
        points: str,
        seed: int,
        learner: Learner | None,
        options: Mapping[str, Any],
    ) -> Bench:
        """Split, and check the settings before anything is trained."""
        checks.check_settings(dataset, Smoothing(), num_models, seed)
        over_points(alpha, 1, points)
        held = round(validation * dataset.num_rows) if 0 < validation < 1 else 0
        if not 0 < held < dataset.num_rows:
            raise InputError(
                f"a validation share of {validation!r} leaves {held} of {dataset.num_rows} rows to choose the noise",
                "give a share between 0 and 1, such as 0.25",
            )
        order = np.random.default_rng(seed).permutation(dataset.num_rows)
        out, rest = np.sort(order[:held]), np.sort(order[held:])
        parts = dataset.replace(x=dataset.x[rest], y=dataset.y[rest], x_test=dataset.x[out], y_test=dataset.y[out])
        return cls(views(dataset), views(parts), num_models, alpha, points, seed, learner, options)

    def proof(self, contender: Contender, defence: Defence, final: bool) -> Proof:
        """What a contender proves with this noise: of the test points if ``final``, else of the validation points."""
        key = (contender.name, repr(defence), final)
        if key not in self.proofs:
            number = self.num_models if final else -(-self.num_models // SHARE)
            data = (self.final if final else self.search)[contender.view]
            self.proofs[key] = contender.prove(
                Run(
                    data=data,
                    defence=defence,
                    num_models=number,
                    alpha=self.alpha,
                    points=self.points,
                    # Votes that prove must not be those that picked the noise.
                    seed=self.seed if final else self.seed + 1,
                    learner=self.learner,
                    times=1 if final else self.num_models // number,
                    options=self.options,
                    known=self.known[final],
                    num_rows=self.final[contender.view].num_rows,
                )
            )
        return self.proofs[key]

    def accuracies(
        self, contender: Contender, defence: Defence, threats: Sequence[Threat], final: bool
    ) -> tuple[float, NDArray[np.float64]]:
        """Clean accuracy, and certified accuracy against each threat."""
        proof = self.proof(contender, defence, final)
        right = proof.label == (self.final if final else self.search)[contender.view].y_test
        certified = [float((proof.certified(threat) & right).mean()) for threat in threats]
        return float(right.mean()), np.array(certified)


def views(dataset: Dataset) -> dict[str, Dataset]:
    """The data as they are, on a continuous scale, and with every input turned into 0 or 1 by itself."""
    for x in (dataset.x, dataset.x_test):
        if x.size and not (x.min() >= 0 and x.max() <= 1):
            raise InputError(
                f"{dataset.name} has inputs from {x.min():g} to {x.max():g}, but what a changed pixel costs is known "
                "from 0 to 1 only",
                "scale them by fixed numbers",
            )
    black, white = (np.asarray(x >= 0.5, np.float32) for x in (dataset.x, dataset.x_test))
    return {
        "unit": dataset.replace(values=None),
        "binary": dataset.replace(x=black, x_test=white, values=2),
    }


def settings(bench: Bench, validation: float) -> dict[str, Any]:
    """Everything that determines a comparison, for its files."""
    data = bench.final["unit"]
    return {
        "dataset": data.name,
        "classes": list(data.classes),
        "rows": data.num_rows,
        "points": data.num_points,
        "fingerprint": data.fingerprint(),
        "models": bench.num_models,
        "search_models": -(-bench.num_models // SHARE),
        "validation": validation,
        "objective": "mean certified accuracy over the threats of an attack, on validation points",
        "alpha": bench.alpha,
        "alpha_for": bench.points,
        "learner": None if bench.learner is None else repr(bench.learner),
        "seed": bench.seed,
        "version": __version__,
    }
