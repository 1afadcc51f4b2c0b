"""Base learners, batched over models."""

from rsbd.learners.base import Learner as Learner
from rsbd.learners.base import Models as Models
from rsbd.learners.base import Problem as Problem

__all__ = ["Learner", "Models", "Problem"]
