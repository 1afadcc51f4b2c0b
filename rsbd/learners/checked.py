"""Trains learners and asks models, of this package or of the user, and checks what they answer."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Generator, Tensor

from rsbd.errors import InputError
from rsbd.evasion import AnyTrigger
from rsbd.learners.base import Learner, Models, Problem, ScoringModels
from rsbd.noises import Noise
from rsbd.types import Shape


def of_the_user(learner: Learner) -> bool:
    """Return True for a learner in which code runs that is not of this package, and may do anything."""
    inner = getattr(learner, "learner", None)  # of one that wraps another
    return not is_own(learner) or learner.users_code or (isinstance(inner, Learner) and of_the_user(inner))


def is_own(thing: object) -> bool:
    """Return True if the code of this object's class is in this package."""
    return type(thing).__module__.startswith("rsbd.")


def lend(tensor: Tensor, borrower: object) -> Tensor:
    """Return the tensor for a learner or models of this package, which never write on it, and a copy for any other."""
    return tensor if is_own(borrower) else tensor.clone()


def check_repeats(learner: Learner, ask: Callable[[], Tensor], known: Tensor | None = None) -> None:
    """Raise if code of the user gives other answers when it is asked the same again; on a CPU, where others never do.

    Bounds take votes for independent draws. Code that remembers what it saw in other calls makes them depend on each
    other, and can average the noise away. Whatever shows in a second answer is found here; but nobody can find out all
    that code may do, and so it remains a condition that it does not remember.
    """
    if of_the_user(learner) and not torch.equal(ask() if known is None else known, ask()):
        must = "it must not remember what it saw, look at the clock, or draw random numbers but those that it is given"
        raise InputError(f"{type(learner).__name__} gives other labels when it is asked the same again", must)


def train_models(learner: Learner, problem: Problem, generators: Sequence[Generator]) -> Models:
    """Train models; a learner that is not of this package gets a training set that it may write on."""
    x, y = lend(problem.x, learner), lend(problem.y, learner)
    return learner.train(problem if x is problem.x else replace(problem, x=x, y=y), generators)


def predict_labels(models: Models, x: Tensor, noise: Noise | None, generators: Sequence[Generator]) -> Tensor:
    """Label every point with every model, (models, points).

    Raises
    ------
    InputError
        There is not one label for each model and point: others would be counted for points that are not their own.
    """
    labels = models.predict(lend(x, models), noise, generators)
    _check_shape("labels", labels, (len(generators), len(x)))
    return labels


def find_reached(
    models: Models, x: Tensor, labels: Tensor, triggers: Sequence[AnyTrigger], shape: Shape, num_classes: int
) -> Iterator[Tensor]:
    """Yield the classes that each trigger can make each model answer, (models, points, classes), as bools.

    Raises
    ------
    InputError
        It is not known which, or there is not one answer for each model, point and class, or labels are missing.
    """
    found = 0
    for reached in models.reach(lend(x, models), lend(labels, models), triggers, shape) if triggers else ():
        _check_shape("reached classes", reached, (*labels.shape, num_classes))
        if not reached.gather(2, labels[..., None]).all():
            raise InputError(f"{type(models).__name__}.reach leaves out own labels", "a trigger may change nothing")
        found += 1
        yield reached.bool()
    if found != len(triggers):
        raise InputError(f"{type(models).__name__}.reach speaks of {found} triggers", f"there are {len(triggers)}")


def predict_confidences(models: Models, x: Tensor, noise: Noise | None, generators: Sequence[Generator]) -> Tensor:
    """Return the softmax of the models' scores, (models, points, classes).

    Raises
    ------
    InputError
        The models give labels without scores, or not one score for each model, class and point.
    """
    if not isinstance(models, ScoringModels):
        raise InputError(f"{type(models).__name__} give labels only", "confidence needs a learner with scores, LDA()")
    scores = models.scores(lend(x, models), noise, generators)
    _check_shape("scores", scores, (len(generators), *scores.shape[1:2], len(x)))
    return scores.softmax(1).mT


def _check_shape(what: str, found: Tensor, shape: Shape) -> None:
    if found.shape != shape:
        raise InputError(f"models gave {what} of shape {tuple(found.shape)}", f"the shape must be {shape}")
