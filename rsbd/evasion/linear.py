"""Decides which votes of linear scores no trigger can move.

A model scores class c with ``w_c . x + b_c`` and answers with the largest score, the lowest class among equals. Writing
any content from 0 to 1 into feature j lowers the lead of class c over class b by at most

    g_j  =  max(0, d_j x_j, -d_j (1 - x_j))  =  max(0, -d_j) + d_j x_j,        d = w_c - w_b,  0 <= x_j <= 1,

for its worst content is 0 or 1. So the model keeps c against b exactly if its lead is above the largest sum of g over
the features that one trigger may change; if c is lower than b, an equal lead is enough.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import combinations
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from rsbd.errors import InputError
from rsbd.evasion.triggers import AnyPatch, AnyTrigger
from rsbd.types import ArrayLike, Bools, Labels, Shape

if TYPE_CHECKING:
    from torch import Tensor

LinearMap: TypeAlias = "tuple[Tensor, Tensor, Tensor]"  # weights, biases and errors of the scores
_NUMBERS = 2**17  # of pairs of a model and a point, at a time: they stay in the cache


def kept(
    weights: ArrayLike, bias: ArrayLike, x: ArrayLike, trigger: AnyTrigger, shape: Shape, error: ArrayLike = 0.0
) -> tuple[Labels, Bools]:
    """Return the labels that linear scores give, and whether no trigger can move them.

    Guarantee
    ---------
    Where ``keeps`` is True, the scores ``weights @ x' + bias`` of these float64 numbers, in exact arithmetic, are
    largest for the label (lowest among equals) for every ``x'`` that some trigger makes of the point. All rounding here
    is outward, so a label may be given up whose lead exceeds the worst loss by less than about ``1e-13`` of the scores,
    unless all sums are exact, as those of whole numbers are. The scores of a model that rounds differ from exact ones,
    also at ``x'``: if ``error`` bounds this difference, ``keeps`` speaks of the labels that the model itself gives.

    Parameters
    ----------
    weights, bias : array
        Shapes (classes, features) and (classes,).
    x : array
        Points, shape (points, features), each feature from 0 to 1. Other points, and numbers that are not finite, are
        not kept.
    trigger : AnyTrigger
        What may be written on a point.
    shape : tuple of int
        Shape of a point before it was flattened: (height, width), (channels, height, width), or (features,).
    error : float or array, shape (classes,)
        Largest difference between a score of the model and the exact one; :func:`forward_error` bounds it for
        products in floats.

    Returns
    -------
    label : array of int, shape (points,)
    keeps : array of bool, shape (points,)

    Examples
    --------
    >>> from rsbd.evasion import AnyPixels
    >>> kept([[1, 1, 0], [0, 0, 1]], [0, 0], [[1, 1, 0], [1, 0, 0]], AnyPixels(2), (3,))
    (array([0, 0]), array([ True, False]))

    The first point leads by 2 and loses at most 2, and a tie goes to class 0. The second leads by 1, and loses 2.
    """
    import torch

    w, b, points = (np.asarray(array, np.float64) for array in (weights, bias, x))
    if w.ndim != 2 or b.shape != w.shape[:1] or points.shape[1:] != w.shape[1:] or math.prod(shape) != w.shape[1]:
        shapes = f"weights, bias, points and an input have the shapes {w.shape}, {b.shape}, {points.shape} and {shape}"
        raise InputError(shapes, "give (classes, features), (classes,), (points, features) and the shape of one input")
    trigger.check(shape)
    off = np.broadcast_to(np.asarray(error, np.float64), b.shape)
    if (off < 0).any():
        raise InputError(f"error is {error!r}", "give the size of a difference, 0 or more")
    # Doubling small numbers is exact, and keeps those below the smallest normal one.
    doublings = max(0, -int(np.frexp(np.abs(np.r_[w.ravel(), b]).max(initial=0))[1]))
    w, b, off = (np.ldexp(array, doublings) for array in (w, b, off))
    with np.errstate(over="ignore", invalid="ignore"):
        label = (points @ w.T + b).argmax(1)
    weights_of_one, bias_of_one, off_by, answers = (torch.tensor(array)[None] for array in (w, b, off, label))
    one = weights_of_one, bias_of_one, off_by
    reached = next(reached_classes(one, answers, torch.tensor(points), [trigger], shape))
    return label, (reached.sum(2) == 1)[0].numpy()


def reached_classes(
    scores: LinearMap, labels: Tensor, x: Tensor, triggers: Sequence[AnyTrigger], shape: Shape
) -> Iterator[Tensor]:
    """Yield for each trigger the classes that it can make each model answer, and possibly more.

    Parameters
    ----------
    scores : tuple of Tensor
        Weights (models, classes, features), biases (models, classes), and how far a model's own scores may be from
        exact ones, for any features from 0 to 1: (models, classes).
    labels : Tensor
        The models' labels, shape (models, points).
    x : Tensor
        Points, shape (points, features).
    triggers : sequence of AnyTrigger
        What may be written on a point.
    shape : tuple of int
        Shape of a point before it was flattened.

    Yields
    ------
    Tensor
        Bool, shape (models, points, classes). The model's own label is always there; it is alone if it is kept.
    """
    import torch

    weights, bias, error = scores
    x, classes = x.to(weights.dtype), weights.shape[1]
    found = (weights.flatten(0, 1) @ x.T).view(*bias.shape, -1) + bias[..., None]
    lead = found.gather(1, labels[:, None]) - found  # of the own label over each class
    outside = ~((x >= 0) & (x <= 1)).all(1)
    own = torch.nn.functional.one_hot(labels, classes).bool() | outside[:, None]
    size = weights.abs().sum(-1) + bias.abs()
    exact = _sums_are_exact(weights, bias, size, x[~outside])[:, None]
    for trigger in triggers:
        groups, changes = trigger.groups(shape)
        # How much scores and losses of each class are off as computed here.
        rounding = forward_error(size, weights.shape[-1] + 4 * groups.shape[1] * changes + 16)
        slack = error + rounding.masked_fill(exact & rounding.isfinite(), 0)
        reached = own.clone()
        for c, b in combinations(range(classes), 2):
            d, needed = weights[:, c] - weights[:, b], (slack[:, c] + slack[:, b])[:, None]
            top = _largest(d.abs(), trigger, shape)[:, None]  # no point loses more
            for one, two in ((c, b), (b, c)):
                mine, room = (labels == one) & ~outside, lead[:, two]
                # Comparisons with numbers that are not finite are false, and then the class counts as reached.
                keeps = room - top > needed
                unsure = mine & ~keeps & (room >= needed)
                room = room - _worst_loss(d if one == c else -d, x, unsure, trigger, shape)
                keeps |= room >= needed if one < two else room > needed
                reached[..., two] |= mine & ~keeps
        yield reached


def _worst_loss(d: Tensor, x: Tensor, unsure: Tensor, trigger: AnyTrigger, shape: Shape) -> Tensor:
    """Return the worst loss by a trigger, (models, points); nan for some pairs that are not ``unsure``."""
    import torch

    low, worst = (-d).clamp(min=0), d.new_full(unsure.shape, math.nan)
    if isinstance(trigger, AnyPatch) and trigger.place is not None:  # one window: a product for all pairs at once
        cells = torch.tensor(trigger.groups(shape)[0][0], device=d.device)
        return torch.addmm(low[:, cells].sum(1, keepdim=True), d[:, cells], x[:, cells].T)
    pairs = max(1, _NUMBERS // d.shape[1])
    for models, points in zip(*(torch.split(numbers, pairs) for numbers in unsure.nonzero(as_tuple=True)), strict=True):
        worst[models, points] = _largest(
            low.index_select(0, models).addcmul_(d.index_select(0, models), x.index_select(0, points)), trigger, shape
        )
    return worst


def _largest(g: Tensor, trigger: AnyTrigger, shape: Shape) -> Tensor:
    """Return the largest sum of numbers (..., features), none below 0, that one trigger may change: shape (...)."""
    if isinstance(trigger, AnyPatch) and trigger.place is None:
        return _box_sums(g, trigger.side, shape).amax(1)
    groups, changes = trigger.groups(shape)
    sums = g[:, groups.ravel()].view(len(g), *groups.shape).sum(2)
    return sums.topk(changes).values.sum(1)


def _box_sums(g: Tensor, side: int, shape: Shape) -> Tensor:
    """Return the sums over all squares of each image, in all channels: shape (images, squares)."""
    sums = g.view(len(g), math.prod(shape[:-2]), *shape[-2:]).sum(1)
    for axis in (1, 2):
        places = sums.shape[axis] - side + 1
        sums = reduce(operator.add, (sums.narrow(axis, i, places) for i in range(side)))
    return sums.flatten(1)


def forward_error(size: Tensor, terms: int) -> Tensor:
    """Return the largest error of a sum of ``terms`` rounded products, in whatever order they are added.

    It is ``terms u / (1 - terms u)`` times the sum of the absolute products, ``size``, which may itself be rounded; u
    is the rounding unit. To this come the two factors where a GPU may round them to eight bits, and all that is lost
    below the smallest normal number. It is nan, with which no vote is kept, where a sum could overflow.

    References
    ----------
    Higham, "Accuracy and Stability of Numerical Algorithms", 2002, section 3.1.
    """
    import torch

    info = torch.finfo(size.dtype)
    told: set[str] = {torch.backends.cuda.matmul.fp32_precision, torch.backends.fp32_precision}  # type: ignore[attr-defined]
    short = size.is_cuda and size.dtype == torch.float32 and not told <= {"ieee", "none"}
    share = 1.1 * terms * info.eps / 2 + short * 2.0**-7
    fine = (8 * size).isfinite() if share < 0.04 else torch.zeros_like(size, dtype=torch.bool)
    return torch.where(fine, size * share + terms * info.tiny, torch.nan)


def _sums_are_exact(weights: Tensor, bias: Tensor, size: Tensor, x: Tensor) -> Tensor:
    """Return for each model whether its scores and losses at the points ``x`` are computed without rounding.

    No sum exceeds 8 times the largest ``size``. All sums are exact if every product is a whole multiple of a unit, of
    which this holds no more than a float counts. Contents of a trigger matter as 0 and 1 only.
    """
    import torch

    info = torch.finfo(size.dtype)
    steps = next((2.0**k for k in (0, 4, 8) if bool((x * 2**k % 1 == 0).all())), torch.nan)
    top = size.amax(1).clamp(min=info.tiny)
    unit = (top / torch.frexp(top).mantissa * 8 * info.eps)[:, None]  # a power of two
    whole = (weights / (unit * steps)[..., None] % 1 == 0).flatten(1).all(1)
    return whole & (bias / (unit * steps) % 1 == 0).all(1)
