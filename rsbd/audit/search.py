"""Attack what is certified: the best attack that a search finds within the radius must change nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rsbd import ensemble
from rsbd.certify import Certificate
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.learners import Learner
from rsbd.smoothing import Smoothing

Slot = Literal["features", "labels", "test"]


@dataclass(frozen=True)
class Change:
    """One changed coordinate: a pixel of a training row, a label, or a pixel of the test point.

    Parameters
    ----------
    slot : str
        ``"features"``, ``"labels"`` or ``"test"``.
    row : int
        Training row; 0 for the test point.
    feature : int
        Changed feature; 0 for a label.
    value : float
        What it becomes.
    """

    slot: Slot
    row: int
    feature: int
    value: float


@dataclass(frozen=True)
class Finding:
    """The best attack found on one point.

    Parameters
    ----------
    point : int
        Number of the test point.
    radius : int
        Its certified radius; the attack makes as many changes, or ``beyond`` more.
    changes : tuple of Change
        The attack.
    before, after : float
        Share of the models that vote for the certified label.
    broken : bool
        Whether the attacked ensemble prefers another label, beyond what chance explains.
    """

    point: int
    radius: int
    changes: tuple[Change, ...]
    before: float
    after: float
    broken: bool


def attack(
    dataset: Dataset,
    smoothing: Smoothing,
    learner: Learner,
    certificate: Certificate,
    points: Sequence[int],
    *,
    beyond: int = 0,
    num_models: int = 1000,
    scouts: int = 128,
    seed: int = 0,
    **options: Any,
) -> list[Finding]:
    """Search for attacks on certified points, training the whole ensemble again for every one that is tried.

    Each single change is first tried alone by a small ensemble that sees the same random numbers, so that even small
    effects show. The changes that cost a point most votes are then made together, as many as its radius allows, and a
    fresh ensemble of ``num_models`` models judges.

    Guarantee
    ---------
    None: a search that finds nothing proves nothing. But a finding that is ``broken`` with ``beyond=0`` would refute
    the certificate (up to its alpha), which makes this the test that a wrong implementation fails.

    Parameters
    ----------
    dataset : Dataset
        Binary features; the certificate is centred on it and its test points.
    smoothing, learner
        As certified.
    certificate : Certificate
        L0 radii over the noised slots, such as ``wang(...).certificate``.
    points : sequence of int
        Test points to attack.
    beyond : int
        Changes above the radius: with enough of them attacks succeed.
    num_models, scouts : int
        Models that judge an attack, and that try a single change.
    seed : int
        Of the judges; scouts take the next one.
    **options
        Passed to :func:`rsbd.ensemble.collect`.

    Returns
    -------
    list of Finding
        One for each of ``points``.
    """
    if dataset.values != 2 or certificate.norm != "L0":
        raise InputError("the search flips single bits: give a binary data set and a certificate in L0")
    chosen = np.asarray(points, dtype=np.int64)
    labels = certificate.label[chosen]
    changes = [change for change in candidates(dataset, smoothing) if change.slot in certificate.slots]

    def support(data: Dataset, x: NDArray[np.float32], models: int, from_seed: int) -> NDArray[np.float64]:
        votes = ensemble.collect(data, smoothing, learner, x, models, from_seed, **options)
        shares: NDArray[np.float64] = votes.counts / votes.num_models
        return shares

    own = np.arange(len(chosen))
    loss = np.empty((len(changes), len(chosen)))
    for i, change in enumerate(changes):
        data, x = apply(dataset, dataset.x_test[chosen], [change])
        loss[i] = -support(data, x, scouts, seed + 1)[own, labels]
    before = support(dataset, dataset.x_test[chosen], num_models, seed)[own, labels]
    found = []
    for k, point in enumerate(chosen):
        radius = int(certificate.radius[point])
        worst = _distinct(
            [changes[i] for i in np.argsort(-loss[:, k], kind="stable")], max(radius, 0) + beyond
        )
        data, x = apply(dataset, dataset.x_test[point][None], worst)
        shares = support(data, x, num_models, seed)[0]
        rival = max(share for label, share in enumerate(shares) if label != labels[k])
        margin = 4 * np.sqrt(0.5 / num_models)
        after = float(shares[labels[k]])
        found.append(
            Finding(int(point), radius, tuple(worst), float(before[k]), after, bool(rival > after + margin))
        )
    return found


def candidates(dataset: Dataset, smoothing: Smoothing) -> Iterator[Change]:
    """Single changes worth trying.

    All pixels of the test point, all labels, and for the training features one row of each class and value at each
    pixel: a learner that sums over classes cannot tell the others apart.
    """
    flat = dataset.x.reshape(dataset.num_rows, -1)
    if smoothing.test is not None:
        yield from (Change("test", 0, j, -1.0) for j in range(dataset.num_features))
    if smoothing.labels is not None:
        for row, label in enumerate(dataset.y):
            yield from (Change("labels", row, 0, float(c)) for c in range(dataset.num_classes) if c != label)
    if smoothing.features is not None:
        for c in range(dataset.num_classes):
            members = np.flatnonzero(dataset.y == c)
            for j in range(dataset.num_features):
                for value in (0.0, 1.0):
                    rows = members[flat[members, j] != value]
                    yield from (Change("features", int(row), j, value) for row in rows[:1])


def apply(
    dataset: Dataset, x_test: NDArray[np.float32], changes: Sequence[Change]
) -> tuple[Dataset, NDArray[np.float32]]:
    """Make the changes: the attacked training set and test points, (points, *shape)."""
    x, y = dataset.x.reshape(dataset.num_rows, -1).copy(), dataset.y.copy()
    attacked = x_test.reshape(len(x_test), -1).copy()
    for change in changes:
        if change.slot == "features":
            x[change.row, change.feature] = change.value
        elif change.slot == "labels":
            y[change.row] = int(change.value)
        else:
            attacked[:, change.feature] = 1 - attacked[:, change.feature]
    return dataset.replace(x=x.reshape(dataset.x.shape), y=y), attacked.reshape(x_test.shape)


def _distinct(changes: Sequence[Change], count: int) -> list[Change]:
    """Take the first ``count`` that change different coordinates."""
    seen: dict[tuple[str, int, int], Change] = {}
    for change in changes:
        seen.setdefault((change.slot, change.row, change.feature), change)
        if len(seen) >= count:
            break
    return list(seen.values())[:count]
