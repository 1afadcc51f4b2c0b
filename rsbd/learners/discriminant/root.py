"""Draws the class sums and the scatter that linear discriminants learn from, from a root that carries the noise.

Let the rows X change by E, which has the length |E|, and let P replace each row by the mean of its class. Then

- ``M``, the sum of each class over the root of its number of rows, changes by the length ``|PE|``;
- ``R = (X'(1 - P)X + ridge)^(1/2)`` changes by at most ``sqrt(2) |(1 - P)E|``: the absolute values of two matrices
  differ by at most ``sqrt(2)`` times as much as the matrices, which are ``(1 - P)X`` above ``ridge^(1/2)`` here. (Those
  of symmetric matrices differ by no more than these, and ``[0 A'; A 0]`` has the absolute value ``[|A| 0; 0 |A'|]``.)
- The numbers of R above its diagonal, and those on it over ``sqrt(2)``, change by at most ``|(1 - P)E|``, since R is
  symmetric.

All these numbers together change by at most ``|E|``, since ``|PE|^2 + |(1 - P)E|^2 = |E|^2``. So under noise
N(0, sigma^2) on each of them they have the trade-off that rows have, and a model sees nothing else of the rows.

Where labels carry noise, every model has other classes. One R serves all models if P replaces each row by the mean of
all rows, and M is drawn for each model by :func:`rsbd.learners.linear.class_sums.sample_class_sums`. Given the noised
labels, M and R may both change by ``|E|``. So their noises are wider, by the factors a and b with
``1 / a^2 + 1 / b^2 < 1``: then ``|E|^2 / (a sigma)^2 + |E|^2 / (b sigma)^2 < |E|^2 / sigma^2``.

Computed numbers are not exact. If all together are off by at most ``e``, they change by at most ``|E| + 2e``. Rows are
multiples of ``q = 2**-31``, so this is 0 or at most ``(1 + 2e / q) |E|``, and the noise is wider by this factor.
``e`` is bounded for each training set. The scatter ``S = R^2`` is computed in whole numbers, in units of ``2**-126``,
and so is ``F = A^2 - S`` for a symmetric A near R. If C nearly solves ``AC + CA = F``, then R is nearly ``D = A - C``:

    |D - R| <= |D^2 - S| / ridge^(1/2) = |F - AC - CA + C^2| / ridge^(1/2),

for D without negative eigenvalues, because between eigenvectors of D and R, ``d^2 - r^2 = (d + r)(d - r)`` and
``d + r >= r >= ridge^(1/2)``.

References
----------
Araki, Yamagami 1981, An inequality for Hilbert-Schmidt norm, theorem 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from rsbd.data import INPUT_BITS
from rsbd.errors import InputError
from rsbd.learners.base import Problem
from rsbd.learners.linear.class_sums import sample_class_sums, with_exact_sums
from rsbd.noises import Gaussian
from rsbd.types import Ints

_ROOM = 2.0**-10  # by which the noise is wider
_MOST = _ROOM * 2.0**-INPUT_BITS / 4  # error of all numbers together; as much again is left to the rounding of bounds
_BITS = 126  # after the point, of numbers that are computed as whole numbers
_WIDER = 2.25, 1.117  # noise on the root and on class sums where labels carry noise
_MANY = 10_000  # rows: from fewer of them, so wide a noise on the root hides more than drawing 1,000 rows leaves out


class RootSampler:
    """Draws counts, class sums and second moments of the rows of one problem, divided by a unit and by its square.

    Raises
    ------
    InputError
        If rows hold numbers that are too large to bound the errors.
    """

    def __init__(self, problem: Problem, sigma: float, unit: float, kind: torch.dtype) -> None:
        x, (rows, size), classes = with_exact_sums(problem).x, problem.x.shape, problem.num_classes
        lack, ridge = (rows - classes) * sigma**2, size * sigma**2
        self.flipped, self.unit, self.wider = None, unit, 1.0
        if problem.smoothing.labels is not None:
            self.wider, other = _WIDER[0], _WIDER[1] * sigma
            self.flipped = replace(problem, smoothing=replace(problem.smoothing, features=Gaussian(other)))
            problem, lack = replace(problem, y=problem.y * 0, num_classes=1), lack + (classes - 1) * other**2
        counts = torch.bincount(problem.y, minlength=problem.num_classes)
        self.noise = Gaussian(math.nextafter(self.wider * sigma * (1 + _ROOM), math.inf))
        means, scatter = means_and_scatter(x, problem.y, counts.tolist())
        root, error = symmetric_root(scatter + np.diag([int(math.ldexp(ridge, _BITS))] * size), ridge)
        row, column = np.triu_indices(size, 1)
        diagonal = root.diagonal() * math.isqrt(2 ** (2 * _BITS - 1)) >> _BITS
        numbers, step = np.concatenate([root[row, column], diagonal, means.ravel()]), self.noise.lattice.step
        if not error + math.sqrt(len(numbers)) * 2.0**-53 * step <= _MOST:
            raise InputError(f"{rows} rows of numbers up to {x.abs().max().item():g}", "scale the inputs to [0, 1]")
        whole, rest = numbers // int(math.ldexp(step, _BITS)), numbers % int(math.ldexp(step, _BITS))
        places, roots = np.diag(np.arange(size) + len(row)), [1, math.sqrt(2), *counts.sqrt().tolist()]
        places[row, column] = places[column, row] = np.arange(len(row))
        scales = np.repeat(roots, [len(row)] + [size] * (len(roots) - 1)) / unit
        self.whole, self.rest, self.scales, self.places = (
            torch.from_numpy(part).to(x.device)
            for part in (whole.astype(float) * step, (rest / 2**_BITS).astype(float), scales, places.ravel())
        )
        # By how much the diagonal of the scatter is smaller, in the mean, than that of the scatter of noised rows.
        lack -= ridge + (size + 1) * self.noise.sigma**2
        self.lack, self.counts, self.shape = max(0.0, lack) / unit**2, counts.to(kind), (-1, size, size)

    @staticmethod
    def fits(problem: Problem, sigma: float, unit: float) -> bool:
        """Return True if few numbers are noised, and errors have their bound for all rows of features from 0 to 2.

        The root is off by about ``2**-104 rows features^(5/2) unit^3 / (sigma / unit)``, which is a tenth of the bound
        at most, and other numbers by at most ``2**-53`` steps each.
        """
        (rows, size), noise, widest = problem.x.shape, problem.smoothing, 2.0**5
        if noise.labels is not None:
            rows, widest = rows if rows >= _MANY else 0, widest / _WIDER[0]
        few = size < min(rows, 1000) and rows * unit**2 < 2**20
        return noise.rows is None and few and 2.0**-10 * unit <= sigma <= widest

    def draw(self, generators: Sequence[Generator]) -> tuple[Tensor, Tensor, Tensor]:
        """Draw moments, shaped as :class:`rsbd.learners.discriminant.moments.Moments` has them."""
        noised = self.noise.sample_many(self.rest.expand(len(generators), -1), generators)
        noised = noised.add_(self.whole).mul_(self.scales).to(self.counts)
        root = noised.index_select(1, self.places).view(self.shape)
        sums = total = noised[:, -len(self.counts) * root.shape[1] :].view(len(root), -1, root.shape[1])
        counts = self.counts.expand(len(root), -1)
        if self.flipped is not None:
            drawn = sample_class_sums(self.flipped, generators)
            # Rounded before they are divided, or they would tell in which type clean sums are exact.
            counts, sums = drawn.sizes.to(counts), drawn.sums.to(counts) / self.unit
            total = sums.sum(1, keepdim=True)
        gram = (root @ root).baddbmm_(total.mT, total / self.counts.clamp(min=1)[:, None])
        gram.diagonal(dim1=1, dim2=2).add_(self.lack)
        return counts, sums, gram


def means_and_scatter(x: Tensor, y: Tensor, counts: list[int]) -> tuple[Any, Any]:
    """Return means and scatter within classes in units of ``2**-126``, rounded down to whole numbers.

    A mean is the sum of a class over the root of its number of rows; 0 for a class without rows.
    """
    rows, labels = np.rint(np.ldexp(x.double().cpu().numpy(), INPUT_BITS)).astype(np.int64), y.cpu().numpy()
    sums = np.stack([rows[labels == label].sum(0) for label in range(len(counts))]).astype(object)
    roots = np.array([[math.isqrt(4**160 // max(1, count))] for count in counts], dtype=object)
    means = sums * roots >> 160 + INPUT_BITS - _BITS
    return means, (exact_gram(rows) << _BITS - 2 * INPUT_BITS) - (means.T @ means >> _BITS)


def symmetric_root(square: Any, least: float) -> tuple[Any, float]:
    """Return the root of a matrix without eigenvalues below ``least``, and a bound on the length of its error.

    The matrices hold whole numbers, in units of ``2**-126``. The bound is infinite if it cannot be proven.
    """
    values, vectors = np.linalg.eigh((square / 2**_BITS).astype(float))
    lengths = np.sqrt(values.clip(least))
    near, left = vectors * lengths @ vectors.T, np.zeros(square.shape)
    places = 52 - math.frexp(np.abs(near).max())[1]
    for _ in range(8):
        near = near - left
        whole = np.rint(np.ldexp(near + near.T, places - 1)).astype(np.int64)
        near = np.ldexp(whole.astype(float), -places)
        excess = (((exact_gram(whole) << _BITS - 2 * places) - square) / 2**_BITS).astype(float)
        left = vectors @ (vectors.T @ excess @ vectors / (lengths + lengths[:, None])) @ vectors.T
        left = (left + left.T) / 2
        size, short = np.linalg.norm(near), np.linalg.norm(left)
        wrong = np.linalg.norm(near @ left + left @ near - excess) + len(near) * 2.0**-50 * size * short
        error = float(wrong + short**2) / math.sqrt(least)
        if error < _MOST / 4:
            break
    positive = np.linalg.eigvalsh(near)[0] > short + len(near) * 2.0**-50 * size
    root = (whole.astype(object) << _BITS - places) - np.vectorize(int, otypes=[object])(np.ldexp(left, _BITS))
    return root, error if positive else math.inf


def exact_gram(numbers: Ints) -> Any:
    """Return ``numbers.T @ numbers`` for at most ``2**20`` rows, without error; 0 if all numbers are 0.

    Numbers are split into parts of 16 bits, whose products can be added up in float64 without rounding.
    """
    parts = []
    while numbers.any():
        low = ((numbers + 2**15) & 2**16 - 1) - 2**15
        parts.append(low.astype(float))
        numbers = numbers - low >> 16
    pairs = product(enumerate(parts), repeat=2)
    return sum((a.T @ b).astype(np.int64).astype(object) << 16 * (i + j) for (i, a), (j, b) in pairs)
