"""Noises: each holds its sampler and its trade-off side by side."""

from rsbd.noises.bagging import Bagging as Bagging
from rsbd.noises.base import Noise as Noise
from rsbd.noises.class_bagging import ClassBagging as ClassBagging
from rsbd.noises.flip import Flip as Flip
from rsbd.noises.gaussian import Gaussian as Gaussian
from rsbd.noises.partition import Partition as Partition
from rsbd.noises.smoothing import Keep as Keep
from rsbd.noises.smoothing import Smoothing as Smoothing
from rsbd.noises.threat import Threat as Threat
from rsbd.noises.uniform import Uniform as Uniform
