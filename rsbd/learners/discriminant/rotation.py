"""Draws a training set under Gaussian noise at a cost that does not depend on its number of rows.

Least squares and linear discriminants see a training set ``(X, Y)``, with ``Y`` the one-hot labels, only
through the products ``X'X``, ``X'Y`` and ``Y'Y``, and these stay the same when an orthogonal matrix U turns
the rows. Gaussian noise E has the same law as UE. So pick U that gathers the columns of X in the first rows
and what is left of Y in the next::

    U X = [root; 0; 0]      U Y = [basis'Y; rest; 0]      U (X + sigma E) ~ [root + sigma A; sigma B; sigma D]

with A, B, D standard normal. D has about as many rows as X, but only ``D'D`` matters, which is Wishart:
Bartlett draws a triangle T of the law ``T'T ~ D'D`` instead. A few dozen rows thus stand for thousands,
exactly in law.

``root`` and ``basis`` come from the data without noise. They only serve to draw and never reach a learner. It sees
the noised products alone, with the law that they have if rows are noised one by one; so the certificate holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class Rotation:
    """The rotation of a clean training set, which all models share.

    Parameters
    ----------
    root : Tensor
        Shape (rank, features), with ``root' root = X'X``.
    basis : Tensor
        Orthonormal columns that span those of X, shape (rows, rank).
    """

    root: Tensor
    basis: Tensor

    @staticmethod
    def of(x: Tensor) -> "Rotation":
        """Compute the rotation of the rows ``x``, shape (rows, features)."""
        wide = x.double()
        values, vectors = torch.linalg.eigh(wide.T @ wide)
        kept = values > 1e-12 * values[-1]  # constant pixels have no direction of their own
        lengths, vectors = values[kept].sqrt(), vectors[:, kept]
        return Rotation((lengths * vectors).T.to(x), (wide @ (vectors / lengths)).to(x))

    def fits(self, num_classes: int) -> bool:
        """Return True if there are enough rows to turn; with fewer, drawing them one by one costs no more."""
        return self.basis.shape[0] >= self.basis.shape[1] + num_classes

    def labels(self, onehot: Tensor) -> Tensor:
        """Turn one-hot labels, shape (models, classes, rows).

        Returns the first rows, shape (models, rank + classes, classes); the others are zero.
        """
        top = onehot @ self.basis
        counts = onehot.sum(-1, dtype=torch.float64)
        left = torch.diag_embed(counts) - top.double() @ top.double().mT
        values, vectors = torch.linalg.eigh(left)
        rest = (vectors * values.clamp(min=0).sqrt()[:, None, :]) @ vectors.mT
        return torch.cat([top.mT, rest.to(top)], dim=1)

    def features(self, sigma: float, num_classes: int, generators: Sequence[Generator]) -> Tensor:
        """Draw noised rows, turned, for one model per generator.

        Shape (models, rank + classes + tail, features), the tail being at most as long as there are features.
        """
        rank, width = self.root.shape
        head = rank + num_classes
        freedom = self.basis.shape[0] - head
        tail = min(freedom, width)
        z = self.root.new_empty(len(generators), head + tail, width)
        triangle = z[:, head:]
        shapes, halves = (freedom - torch.arange(width, device=z.device, dtype=z.dtype)) / 2, []
        for rows, generator in zip(z, generators, strict=True):
            rows.normal_(generator=generator)
            if freedom > width:
                halves.append(torch._standard_gamma(shapes, generator=generator))
        if halves:
            triangle.triu_()
            triangle.diagonal(dim1=1, dim2=2).copy_((2 * torch.stack(halves)).sqrt_())
        z.mul_(sigma)
        z[:, :rank] += self.root
        return z
