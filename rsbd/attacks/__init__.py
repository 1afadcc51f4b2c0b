"""Backdoor triggers: small, fixed changes of an input that an attacker plants and later shows.

A trigger is a pure function of one input or of a batch. It also states the most that it can change any input in [0, 1]:
this number, in the norm of the noise, is the `trigger` of a :class:`rsbd.Threat`.
"""

from rsbd.attacks.base import Norm, Trigger
from rsbd.attacks.patch import BadPatch
from rsbd.attacks.pixels import Blend, Features, Pixels
from rsbd.attacks.poisoning import Poisoning, attack_success_rate, clean_accuracy, stamp

__all__ = ["BadPatch", "Blend", "Features", "Norm", "Pixels", "Poisoning", "Trigger", "attack_success_rate"]
__all__ += ["clean_accuracy", "stamp"]
