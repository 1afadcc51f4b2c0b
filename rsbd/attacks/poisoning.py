"""Poisoning of a training set with a trigger, and measures of its success."""

import math
from dataclasses import dataclass

import numpy as np

from rsbd.attacks.base import Trigger, lengths
from rsbd.data import Dataset, on_levels, shuffled
from rsbd.errors import InputError, check_kind, check_whole, is_between
from rsbd.types import ArrayLike, Bools, Labels, Points, read_labels


@dataclass(frozen=True)
class Poisoning:
    """A backdoor attack on the training rows.

    Parameters
    ----------
    trigger : Trigger
        Put on every poisoned row.
    target : int or str
        Label (int) or class name (str) that the attacker wants.
    rate : float
        Share of the training rows that are poisoned, 0 to 1; ``round(rate * rows)`` of them. 0 poisons nothing.
    relabel : bool
        True (dirty label): poisoned rows are given the target label. False (clean label): rows of the target
        class are poisoned and keep their label.

    Raises
    ------
    InputError
        If the rate is not in [0, 1].

    References
    ----------
    Gu et al., "BadNets", 2017 (dirty label); Turner et al., "Label-Consistent Backdoor Attacks", 2019.

    Examples
    --------
    >>> from rsbd.data import load
    >>> from rsbd.attacks import BadPatch
    >>> data = load("digits", classes=(1, 7))
    >>> poisoned, mask = Poisoning(BadPatch(size=2), target=0, rate=0.05).apply(data, seed=0)
    >>> int(mask.sum()), set(data.y[mask].tolist()), set(poisoned.y[mask].tolist())
    (10, {1}, {0})
    """

    trigger: Trigger
    target: int | str
    rate: float
    relabel: bool = True

    def __post_init__(self) -> None:
        check_kind("trigger", self.trigger, Trigger)
        if not is_between(self.rate, 0, 1):
            raise InputError(f"the poison rate is {self.rate!r}", "give a share of the rows from 0 to 1")

    def apply(self, dataset: Dataset, seed: int) -> tuple[Dataset, Bools]:
        """Poison some training rows; the test points stay clean.

        Parameters
        ----------
        dataset : Dataset
            Left as it is.
        seed : int
            Seed of the choice of rows. A higher rate poisons the rows of a lower rate and more.

        Returns
        -------
        dataset : Dataset
            With the poisoned rows in their old places.
        mask : bool array (rows,)
            True for the poisoned rows.

        Raises
        ------
        InputError
            If the target is not a class, the rate is positive and below half a row, too few rows are eligible, or
            the trigger does not fit the inputs or leaves their levels.
        """
        target, eligible = self._eligible(dataset)
        number = rows_to_poison(self.rate, dataset.num_rows)
        if number > len(eligible):
            asked = f"{number} rows should be poisoned (rate {self.rate} of {dataset.num_rows})"
            most = len(eligible) * 1000 // dataset.num_rows / 1000
            raise InputError(f"{asked}, but only {len(eligible)} are eligible", f"give a rate up to {most}")
        chosen = np.sort(eligible[shuffled(len(eligible), (check_whole("seed", seed), 2))[:number]])
        x, y = dataset.x.copy(), dataset.y.copy()
        x[chosen] = stamp(self.trigger, dataset, x[chosen])
        if self.relabel:
            y[chosen] = target
        mask = np.zeros(dataset.num_rows, np.bool_)
        mask[chosen] = True
        return dataset.replace(x=x, y=y), mask

    def _eligible(self, dataset: Dataset) -> tuple[int, Labels]:
        check_kind("dataset", dataset, Dataset)
        target = dataset.label(self.target)
        return target, np.flatnonzero((dataset.y == target) != self.relabel)


def rows_to_poison(rate: float, rows: int) -> int:
    """Return how many rows a poison rate means; raise InputError if it is positive and yet no row.

    >>> rows_to_poison(0.05, 204), rows_to_poison(0, 204)
    (10, 0)
    """
    number = round(rate * rows)
    if rate > 0 and number == 0:
        raise InputError(f"a poison rate of {rate:g} of {rows:,} rows is no row", f"give 0, or {1 / rows:.2g}")
    return number


def stamp(trigger: Trigger, dataset: Dataset, x: Points) -> Points:
    """Put the trigger on a batch of inputs of this data set.

    Raises
    ------
    InputError
        If the trigger moves inputs off the levels of the data set, where noise on levels does not cover it; or further
        than its budget, as it may where inputs lie outside [0, 1].

    Examples
    --------
    >>> from rsbd.data import load
    >>> from rsbd.attacks import BadPatch
    >>> data = load()
    >>> stamp(BadPatch(size=1), data, data.x_test)[:, -1, -1].min()
    np.float32(1.0)
    """
    trigger.changed(dataset.shape)
    out = trigger(x)
    rounded = math.prod(dataset.shape) * np.finfo(np.float32).eps  # each coordinate is rounded
    for norm, changed in lengths(out, x).items():
        most, claimed = changed.max(initial=0.0), trigger.budget(dataset.shape, norm)
        if most > claimed + rounded:  # threats take their size from the budget
            changes = f"{trigger!r} changes an input of {dataset.name} by {most:.4g} in {norm}"
            found = f"{changes}, and its budget for inputs in [0, 1] is {claimed:.4g}"
            raise InputError(found, "scale the inputs to [0, 1] by numbers fixed beforehand, or correct the budget")
    if not on_levels(out, dataset.values):
        off = f"a {type(trigger).__name__} trigger takes pixels off the {dataset.values} levels of this view"
        kinds = "BadPatch or Features, which set values to 1"
        raise InputError(off, f"take the view 'unit' (or values=None, and Gaussian noise), or {kinds}")
    return out


def clean_accuracy(labels: ArrayLike, y: ArrayLike) -> float:
    """Return the share of test points whose predicted label is right; an abstention (-1) counts as wrong.

    Examples
    --------
    >>> clean_accuracy([0, 1, -1, 1], [0, 1, 1, 1])
    0.75
    """
    labels, y = _paired(labels, y)
    return float(np.mean(labels == y))


def attack_success_rate(labels: ArrayLike, y: ArrayLike, target: int) -> float:
    """Return the share of triggered inputs *not* of the target class that are predicted as the target.

    Parameters
    ----------
    labels : int array (points,)
        Predictions on the test points with the trigger on them.
    y : int array (points,)
        Their true labels. Points of the target class are left out, since predicting the target is right there.
    target : int
        Label that the attacker wants.

    Raises
    ------
    InputError
        If every point is of the target class, or the target is a name, which no label equals.

    Examples
    --------
    >>> attack_success_rate([0, 0, 1, 0], [0, 1, 1, 1], target=0)
    0.6666666666666666
    """
    if np.asarray(target).dtype.kind not in "iu":
        raise InputError(f"target is {target!r}", f"give its number, dataset.label({target!r})")
    labels, y = _paired(labels, y)
    others = y != target
    if not others.any():
        raise InputError(f"every point is of the target class {target}", "give points of other classes too")
    return float(np.mean(labels[others] == target))


def _paired(labels: ArrayLike, y: ArrayLike) -> tuple[Labels, Labels]:
    labels, y = read_labels(labels, "the list of predictions"), read_labels(y, "y")
    if labels.shape != y.shape or not labels.size:
        raise InputError(f"there are {labels.size} predictions for {y.size} points", "give one for each")
    return labels, y
