"""Base learners, batched over models."""

from collections.abc import Callable

from rsbd.learners.base import Learner, Models, Problem, ScoringModels
from rsbd.learners.discriminant.lda import LDA
from rsbd.learners.linear.belief import Handwriting
from rsbd.learners.linear.linear import Linear
from rsbd.learners.linear.robust import RobustLinear
from rsbd.learners.networks.images import CNN, ResNet
from rsbd.learners.networks.mlp import MLP
from rsbd.learners.networks.module import Module
from rsbd.learners.sklearn import Sklearn
from rsbd.learners.two_mask import TwoMask
from rsbd.learners.wrapping import Columns, HashedTestNoise

__all__ = ["CNN", "LDA", "LEARNERS", "MLP", "Columns", "Handwriting", "HashedTestNoise", "Learner", "Linear"]
__all__ += ["Models", "Module", "Problem", "ResNet", "RobustLinear", "ScoringModels", "Sklearn", "TwoMask"]

LEARNERS: dict[str, Callable[[], Learner]] = {
    "linear": Linear,
    "robust": RobustLinear,
    "lda": LDA,
    "mlp": MLP,
    "cnn": CNN,
    "resnet": ResNet,
}
