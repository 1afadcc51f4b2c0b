"""Backdoor triggers: small, fixed changes of an input that an attacker plants and later shows.

A trigger is a pure function of one input or of a batch. It also states the most that it can change any input in [0, 1]:
this number, in the norm of the noise, is the `trigger` of a :class:`rsbd.Threat`.
"""

from rsbd.attacks.base import Norm as Norm
from rsbd.attacks.base import Trigger as Trigger
from rsbd.attacks.patch import BadPatch as BadPatch
from rsbd.attacks.pixels import Blend as Blend
from rsbd.attacks.pixels import Features as Features
from rsbd.attacks.pixels import Pixels as Pixels
from rsbd.attacks.poisoning import Poisoning as Poisoning
from rsbd.attacks.poisoning import attack_success_rate as attack_success_rate
from rsbd.attacks.poisoning import clean_accuracy as clean_accuracy
from rsbd.attacks.poisoning import stamp as stamp
