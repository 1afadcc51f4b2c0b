"""Draws the class sums of noised training sets without drawing the training sets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Generator, Tensor

from rsbd.data import INPUT_BITS
from rsbd.errors import InputError
from rsbd.learners.base import Problem, noised_at_once
from rsbd.noises.base import check_drawn
from rsbd.noises.random_bits import plain

_ADDED = 32  # adding a row to a sum takes about as long as this many rows in a matrix product
_IN_CACHE = 256  # rows that are moved at a time, for all models


@dataclass(frozen=True)
class ClassSums:
    """The statistics of its noised training set that a linear model needs.

    Parameters
    ----------
    sums : Tensor
        Sum of the noised features over the rows with each noised label, shape (models, classes, features).
    sizes : Tensor
        Number of rows with each noised label, shape (models, classes).
    """

    sums: Tensor
    sizes: Tensor


def sample_class_sums(problem: Problem, generators: Sequence[Generator]) -> ClassSums:
    """Draw each model's noised labels row by row, and its noised feature sums from the clean ones.

    Guarantee
    ---------
    The law is exactly that of noising every row and adding up. Given the noised labels, the rows of a class are fixed,
    so the noised sums depend on the clean data through the clean sums alone: binomial counts for flipped bits, one
    Gaussian for Gaussian noise, rounded to a lattice. After one matrix product the cost does not depend on the number
    of rows.

    A noise whose sums are not determined this way is drawn row by row.
    """
    noise, rows, kind = problem.smoothing.features, problem.smoothing.rows, problem.x.dtype
    bags = None if rows is None else rows.draw(problem.y, generators)  # row numbers, (models, drawn)
    y = problem.y.expand(len(generators), -1) if bags is None else problem.y[bags]
    if (noise_y := problem.smoothing.labels) is not None:
        y = check_drawn(noise_y, y, noise_y.sample_many(y, generators), problem.num_classes)
    exact = problem if noise is None else with_exact_sums(problem)
    sums, sizes = _clean_sums(exact, y) if bags is None else _bag_sums(exact, bags, y)
    if noise is None:
        return ClassSums(sums, sizes)
    drawn = noise.sample_sums(sums, sizes, generators)
    if drawn is not None:
        return ClassSums(drawn.to(kind), sizes.to(kind))
    found = []
    for some in noised_at_once(problem, len(y)):
        own = slice(some.start, some.stop)
        x = problem.x.expand(len(some), *problem.x.shape) if bags is None else problem.x[bags[own]]
        found.append(_members(y[own], problem).mT @ noise.sample_many(x, generators[own]))
    return ClassSums(torch.cat(found).to(kind), sizes.to(kind))


@lru_cache(maxsize=2)
def with_exact_sums(problem: Problem) -> Problem:
    """Return the problem with rows in a type in which all sums of them are exact, in any order.

    A rounded sum would be that of other rows.
    """
    x, rows = problem.x, max(len(problem.x), problem.num_rows)
    largest = rows * x.abs().max().item()
    if x.dtype == torch.float32:
        for bits in (0, 8):  # of images in black and white, and in gray
            if largest < 2 ** (23 - bits) and torch.equal(x * 2**bits, (x * 2**bits).floor()):
                return problem
    if largest >= 2 ** (52 - INPUT_BITS):
        raise InputError(f"{rows} rows of numbers up to {x.abs().max().item():g}", "scale the inputs to [0, 1]")
    return replace(problem, x=x.double())


def _members(y: Tensor, problem: Problem) -> Tensor:
    """Return the labels as one-hot rows, (..., rows, classes)."""
    return torch.nn.functional.one_hot(y, problem.num_classes).to(problem.x.dtype)


def _clean_sums(problem: Problem, y: Tensor) -> tuple[Tensor, Tensor]:
    """Compute sums of clean features and numbers of rows under each model's labels ``y`` (models, rows).

    There is one matrix product for each class but the last, which gets the rest of the total. A CPU takes the faster
    way of :func:`_moved_sums` if few rows have another label.
    """
    sums, sizes = _true_sums(problem)
    if y.stride(0) == 0:  # labels without noise: the same sums for every model
        return sums.expand(len(y), -1, -1), sizes.expand(len(y), -1)
    # How many rows are moved depends on all models. So both ways must give the same bits: without noise they need not.
    if y.device.type == "cpu" and problem.smoothing.features is not None:
        moved = torch.from_numpy(plain(y) != plain(problem.y))
        if _ADDED * int(moved.count_nonzero()) < (problem.num_classes - 1) * y.numel():
            return _moved_sums(problem, y, moved)
    member = [torch.as_tensor(plain(y) == c).to(problem.x.dtype) for c in range(problem.num_classes - 1)]
    found, counts = torch.stack([m @ problem.x for m in member], 1), torch.stack([m.sum(1) for m in member], 1)
    last, left = sums.sum(0) - found.sum(1), sizes.sum() - counts.sum(1)
    return torch.cat([found, last[:, None]], 1), torch.cat([counts, left[:, None]], 1)


def _moved_sums(problem: Problem, y: Tensor, moved: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the same from the sums under the true labels: take each moved row from one class and add it to another.

    All sums must be exact: then they are the same in any order.
    """
    models, classes, (sums, sizes) = len(y), problem.num_classes, _true_sums(problem)
    sums, sizes = sums.repeat(models, 1), sizes.repeat(models)
    for start in range(0, y.shape[1], _IN_CACHE):
        own = slice(start, start + _IN_CACHE)
        model, row = moved[:, own].nonzero(as_tuple=True)
        labels, ones = torch.stack([y[:, own][model, row], problem.y[own][row]]), sums.new_ones(len(row))
        place, signs = (classes * model + labels).view(-1), torch.cat([ones, -ones])
        x, at = problem.x[own], torch.stack([place, row.repeat(2)])
        sums.addmm_(torch.sparse_coo_tensor(at, signs, (len(sums), len(x)), check_invariants=False), x)
        sizes.index_add_(0, place, signs)
    return sums.view(models, classes, -1), sizes.view(models, classes)


@lru_cache(maxsize=2)
def _true_sums(problem: Problem) -> tuple[Tensor, Tensor]:
    members = _members(problem.y, problem)
    return members.T @ problem.x, members.sum(0)


def _bag_sums(problem: Problem, bags: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Compute sums of clean features and numbers of rows by label; rows ``bags`` and labels ``y`` are (models, drawn).

    A row's label is noised anew each time it is drawn, so its weight is how often it was drawn with which label.
    """
    rows, classes = len(problem.x), problem.num_classes
    if 8 * bags.shape[1] < rows:  # fewer numbers to gather than to multiply by zero
        member = [_members(labels, problem).T for labels in y]
        sums = torch.stack([m @ problem.x[bag] for m, bag in zip(member, bags, strict=True)])
        return sums, torch.stack([m.sum(1) for m in member])
    drawn = torch.stack([torch.bincount(cell, minlength=classes * rows) for cell in y * rows + bags])
    weights = drawn.view(-1, rows).to(problem.x.dtype)
    return (weights @ problem.x).view(len(bags), classes, -1), weights.sum(1).view(len(bags), classes)
