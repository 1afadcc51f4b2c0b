"""RAB, section on nearest neighbours (Weber et al. 2023): the smoothed classifier in closed form, without sampling."""

import numpy as np

from rsbd.bounds import Bounds
from rsbd.bounds.nearest import neighbour_bounds
from rsbd.certify import radius
from rsbd.data import Dataset
from rsbd.noises import Gaussian, Smoothing
from rsbd.recipes.certified import Exact


def rab_knn(dataset: Dataset, sigma: float = 1.0, *, neighbours: int = 1, resolution: int = 500) -> Exact:
    """Certify the nearest-neighbour classifier under Gaussian noise on the training features, exactly.

    The base classifier gives a point the label of its nearest noised training row, or the one that most of the nearest
    ``neighbours`` have. The rows' distances are independent and their law is known (non-central chi-square). A class
    has ``m`` of ``k`` votes if and only if its ``m``-th row is nearer than the ``(k - m + 1)``-th of the others: a race
    of two independent distances, whose odds are an integral, bounded from both sides (:mod:`rsbd.bounds.nearest`).
    The paper computes a bucketised neighbour, whose value can lie on either side of this one.

    Guarantee
    ---------
    Without any chance of failure: no training set whose features differ from ``dataset`` by an L2 length of at most
    ``radius``, all rows together, changes the smoothed classifier's label of the point. Labels and the point itself
    are the same on both sides (see :func:`rsbd.recipes.rab`). Misses below about 1e-20 can hardly be distinguished, so
    that radii end slightly beyond 9 sigma.

    This holds for any rule of breaking ties. For one neighbour, and for two classes with an odd number of neighbours,
    the bounds are tight; else a vote without a majority counts against every class. With ten classes of digits and
    three neighbours this costs little where one class leads clearly (3 % of probability at ``sigma`` 0.3) and much
    where none does (33 % at 0.6).

    Parameters
    ----------
    dataset : Dataset
        Its unit view, or any other. The certificate is centred on it.
    sigma : float
        Standard deviation of the noise, in input units.
    neighbours : int
        How many of the nearest rows vote.
    resolution : int
        Number of radii at which the integral is taken; the bounds' distance falls about as its inverse.

    Returns
    -------
    Exact
        ``certificate.radius`` is the total L2 length; ``rsbd.recipes.rab.per_row`` divides it among poisoned rows.

    References
    ----------
    Weber, Xu, Karlaš, Zhang, Li, "RAB: Provable Robustness Against Backdoor Attacks", IEEE S&P 2023, section on K-NN.

    Examples
    --------
    >>> from rsbd import Threat, load
    >>> digits = load("digits", side=8, view="unit", classes=(0, 1), rows=200, points=20)
    >>> result = rab_knn(digits, sigma=0.5)
    >>> result.certificate.accuracy(digits.y_test, radius=0.75)
    1.0
    >>> float(result.certify(Threat(rows=4, trigger=0.5, relabel=False, on_test=False)).mean())
    0.85
    >>> wider = rab_knn(digits, sigma=0.5, neighbours=3)
    >>> bool(wider.certificate.radius.mean() > result.certificate.radius.mean())
    True
    """
    smoothing = Smoothing(features=Gaussian(sigma))
    x, points = (each.reshape(len(each), dataset.num_features) for each in (dataset.x, dataset.x_test))
    found = neighbour_bounds(x, dataset.y, points, sigma, dataset.num_classes, resolution, neighbours)
    label = found.miss.argmin(axis=1)
    rows = np.arange(len(label))
    others = found.upper.copy()
    others[rows, label] = 0.0
    miss = found.miss[rows, label]
    evidence = Bounds(label, miss, np.minimum(miss, others.max(axis=1)), alpha=0.0)
    return Exact(smoothing, evidence, radius(evidence, smoothing), probabilities=found)
