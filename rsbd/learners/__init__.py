"""Base learners, batched over models."""

from collections.abc import Callable

from rsbd.learners.base import Learner as Learner
from rsbd.learners.base import Models as Models
from rsbd.learners.base import Problem as Problem
from rsbd.learners.linear import Linear as Linear

LEARNERS: dict[str, Callable[[], Learner]] = {"linear": Linear}

__all__ = ["LEARNERS", "Learner", "Linear", "Models", "Problem"]
