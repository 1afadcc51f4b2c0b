"""Base learners, batched over models."""

from collections.abc import Callable

from rsbd.learners.base import Learner as Learner
from rsbd.learners.base import Models as Models
from rsbd.learners.base import Problem as Problem
from rsbd.learners.base import ScoringModels as ScoringModels
from rsbd.learners.discriminant.lda import LDA as LDA
from rsbd.learners.linear.belief import Handwriting as Handwriting
from rsbd.learners.linear.linear import Linear as Linear
from rsbd.learners.linear.robust import RobustLinear as RobustLinear
from rsbd.learners.networks.images import CNN as CNN
from rsbd.learners.networks.images import ResNet as ResNet
from rsbd.learners.networks.mlp import MLP as MLP
from rsbd.learners.networks.module import Module as Module
from rsbd.learners.sklearn import Sklearn as Sklearn
from rsbd.learners.two_mask import TwoMask as TwoMask
from rsbd.learners.wrapping import Columns as Columns
from rsbd.learners.wrapping import HashedTestNoise as HashedTestNoise

LEARNERS: dict[str, Callable[[], Learner]] = {
    "linear": Linear,
    "robust": RobustLinear,
    "lda": LDA,
    "mlp": MLP,
    "cnn": CNN,
    "resnet": ResNet,
}
