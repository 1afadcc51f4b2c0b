"""Cohen, Rosenfeld, Kolter 2019: Gaussian noise on the test input of one trained classifier."""

from rsbd import bounds
from rsbd.certify import radius
from rsbd.data import Dataset
from rsbd.ensemble.one_model import FixedModel
from rsbd.learners import LDA, Learner, randomness
from rsbd.noises import Gaussian, Smoothing
from rsbd.recipes.result import Certified


def cohen(
    dataset: Dataset,
    sigma: float = 0.25,
    *,
    learner: Learner | None = None,
    num_copies: int = 1000,
    num_selection: int = 100,
    alpha: float = 0.001,
    points: str = "each",
    seed: int = 0,
    device: str = "auto",
) -> Certified:
    """Certify the predictions of a smoothed classifier against changes of the test input.

    One model is trained; then ``num_selection`` noisy copies of each point pick its label, and ``num_copies`` others
    bound the probability of that label from below (the paper's n0 and n). Where the bound does not reach one half, the
    classifier abstains. Theorem 1 of the paper turns the bound into the radius ``sigma Phi^-1(p_a)``.

    Guarantee
    ---------
    For each point (for all of them at once with ``points="all"``), with confidence ``1 - alpha``: no change of the
    test input of L2 length up to ``radius`` changes the smoothed classifier's label. Nothing is said about poisoned
    training data: a backdoor in the model stays in it.

    Parameters
    ----------
    dataset : Dataset
        Training rows and test points.
    sigma : float
        Standard deviation of the noise, in input units (pixels in [0, 1]).
    learner : Learner, optional
        The base learner; :class:`~rsbd.learners.discriminant.lda.LDA` unless given. It knows the
        test noise and trains for it.
    num_copies, num_selection : int
        Noisy copies of each point for the bound, and others to pick the label.
    alpha : float
        Failure probability.
    points : str
        What ``alpha`` speaks of: ``"each"`` point by itself, or ``"all"`` of them at once (Bonferroni).
    seed, device
        As in :func:`rsbd.ensemble.collect`.

    Returns
    -------
    Certified
        ``certificate.accuracy(y, r)`` is the certified accuracy at L2 radius ``r``.

    References
    ----------
    Cohen, Rosenfeld, Kolter, "Certified Adversarial Robustness via Randomized Smoothing", 2019, theorem 1 and
    section 3.2 (Certify).

    Examples
    --------
    >>> from rsbd.data import load
    >>> digits = load("digits", view="unit", classes=(0, 1), points=50)
    >>> result = cohen(digits, sigma=0.5, num_copies=500)
    >>> result.certificate.accuracy(digits.y_test, radius=0.5) > 0.5
    True
    """
    noise = Gaussian(sigma)
    first, others = randomness.disjoint_ranges(num_selection=num_selection, num_copies=num_copies)
    model = FixedModel.train(dataset, noise, learner or LDA(), seed, device)
    selection, votes = model.votes(dataset.x_test, first), model.votes(dataset.x_test, others)
    evidence = bounds.clopper_pearson(votes.counts, alpha, selection.counts, points=points)
    smoothing = Smoothing(test=noise)
    return Certified(smoothing, evidence, radius(evidence, smoothing), votes=votes)
