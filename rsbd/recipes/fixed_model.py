"""Noise on the test input of one trained classifier: Cohen et al. 2019 for labels, Kumar et al. 2020 for confidence."""

from collections.abc import Sequence
from functools import partial
from typing import Unpack

from rsbd import bounds
from rsbd.certify import radius
from rsbd.certify.confidence import Confidence, confidence_bounds
from rsbd.data import Dataset
from rsbd.ensemble.one_model import FixedModel, stream_confidences
from rsbd.learners import LDA, randomness
from rsbd.noises import Gaussian, Smoothing, Threat
from rsbd.recipes.result import Certified
from rsbd.recipes.run import LocalRun, split_run


def cohen(
    dataset: Dataset, sigma: float = 0.25, *, num_copies: int = 1000, num_selection: int = 100, **run: Unpack[LocalRun]
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
    num_copies, num_selection : int
        Noisy copies of each point for the bound, and others to pick the label.
    **run
        ``learner``, ``alpha``, ``points``, ``seed`` and ``device``, as in :func:`rsbd.recipes.wang`. The base learner
        is :class:`~rsbd.learners.discriminant.lda.LDA` unless given. It knows the test noise and trains for it.

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
    learner, settings, level = split_run(run, LDA())
    model = FixedModel.train(dataset, noise, learner, **settings)
    selection, votes = model.votes(dataset.x_test, first), model.votes(dataset.x_test, others)
    evidence = bounds.clopper_pearson(votes.counts, selection=selection.counts, **level)
    smoothing = Smoothing(test=noise)
    return Certified(smoothing, evidence, radius(evidence, smoothing), votes=votes)


_RADII = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)  # the radii of the paper


def kumar(
    dataset: Dataset,
    sigma: float = 0.25,
    radii: Sequence[float] = _RADII,
    *,
    measure: str = "score",
    num_copies: int = 1000,
    num_selection: int = 100,
    **run: Unpack[LocalRun],
) -> Confidence:
    """Bound the average confidence under Gaussian noise on the test input, after changes of each length.

    One model is trained. ``num_selection`` noisy copies of each point pick the class, ``num_copies`` others give its
    score's distribution, up to the Dvoretzky-Kiefer-Wolfowitz band; every level of it is put through the
    Gaussian trade-off (theorem 2 of the paper), which gives more than putting its average through once.

    Guarantee
    ---------
    For each point (for all of them at once with ``points="all"``), with confidence ``1 - alpha``: after any change of
    the test input of L2 length up to ``radii[j]``, the average score of its class is at least ``lower[point, j]``.

    Parameters
    ----------
    dataset : Dataset
        Training rows and test points.
    sigma : float
        Standard deviation of the noise, in input units (pixels in [0, 1]).
    radii : sequence of float
        L2 lengths of the change, in input units.
    measure : str
        ``"score"``: the model's confidence in the class, in [0, 1]; ``"margin"``: that less the largest one of the
        other classes.
    num_copies, num_selection : int
        Noisy copies of each point for the bound, and others to pick the class.
    **run
        As in :func:`cohen`, for a learner with scores. ``alpha`` is at most 1/2.

    References
    ----------
    Kumar, Levine, Feizi, Goldstein, "Certifying Confidence via Randomized Smoothing", 2020.

    Examples
    --------
    >>> from rsbd.data import load
    >>> digits = load("digits", view="unit", classes=(0, 1), points=50)
    >>> found = kumar(digits, sigma=0.5, radii=(0, 0.5, 1))
    >>> bool((found.lower[:, 0] >= found.lower[:, 2]).all())
    True
    >>> bool(found.curve(digits.y_test)[1] > 0.5)  # certified accuracy at 0.5
    True
    """
    noise = Gaussian(sigma)
    first, others = randomness.disjoint_ranges(num_selection=num_selection, num_copies=num_copies)
    laws = [noise.shift(radius) for radius in radii]
    learner, settings, level = split_run(run, LDA())
    model = FixedModel.train(dataset, noise, learner, **settings)
    selection, estimation = (model.confidences(dataset.x_test, copies) for copies in (first, others))
    return confidence_bounds(selection, estimation, laws, measure=measure, **level)


def certified_confidence(
    dataset: Dataset,
    smoothing: Smoothing,
    threats: Sequence[Threat],
    *,
    measure: str = "score",
    num_models: int = 1000,
    num_selection: int = 64,
    **run: Unpack[LocalRun],
) -> Confidence:
    """Bound the average confidence of an ensemble after backdoor attacks: the same argument, for any trade-off.

    The score of a class is a random variable under the noise on training features, labels, rows and the test input.
    The trade-off of the whole threat therefore bounds its distribution under attack, level by level. No paper has
    this.

    Guarantee
    ---------
    For each point (for all of them at once with ``points="all"``), with confidence ``1 - alpha``: after any attack
    within ``threats[j]``, the ensemble's average score of its class is at least ``lower[point, j]``.

    Parameters
    ----------
    dataset : Dataset
        The training set that the defender holds, on which the statement is centred, and test points.
    smoothing : Smoothing
        The noise in each slot.
    threats : sequence of Threat
        What attackers may do.
    measure : str
        As in :func:`kumar`.
    num_models, num_selection : int
        Models for the bound, and others to pick the class.
    **run
        As in :func:`kumar`.

    Examples
    --------
    >>> from rsbd.data import load
    >>> from rsbd.noises import Flip
    >>> digits = load("digits", classes=(0, 1), rows=100, points=20)
    >>> noise = Smoothing(features=Flip(0.8), labels=Flip(0.8), test=Flip(0.9))
    >>> found = certified_confidence(digits, noise, [Threat(), Threat(rows=1, trigger=1)], num_models=256)
    >>> bool((found.lower[:, 0] > found.lower[:, 1]).all())
    True
    """
    learner, settings, level = split_run(run, LDA())
    draw = partial(stream_confidences, dataset, smoothing, learner, dataset.x_test, **settings)
    first, others = randomness.disjoint_ranges(num_selection=num_selection, num_models=num_models)
    selection, estimation = map(draw, (first, others))
    laws = [smoothing.tradeoff(threat, dataset.num_rows) for threat in threats]
    return confidence_bounds(selection, estimation, laws, measure=measure, **level)
