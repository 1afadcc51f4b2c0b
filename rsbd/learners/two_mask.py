"""Wraps any learner so that its models answer by masks, which tells the votes that no patch on the test input moves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import prod
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor

from rsbd import tradeoff
from rsbd.errors import InputError, check_whole
from rsbd.evasion import AnyPatch, AnyTrigger
from rsbd.learners.base import Learner, Models, Problem
from rsbd.learners.checked import predict_labels, train_models
from rsbd.noises import Noise
from rsbd.noises.base import Channel
from rsbd.tradeoff import Tradeoff
from rsbd.types import Shape


@dataclass(frozen=True)
class TwoMask(Learner):
    """Any learner, for models that answer by masks, so that it is known which votes a patch cannot move.

    Square masks, ``masks * masks`` of them, hide pixels (they become 0) so that every window of ``side`` x ``side``
    pixels lies within one mask. A model is asked about the image under every two masks. If there is a mask under which
    it says the same whatever the second mask is, that is its answer; otherwise the label that it says most often under
    one mask. Two such masks agree, since the model was asked about both at once.

    Guarantee
    ---------
    A patch within a mask does not change what is said under it. So a model keeps its label if every place of the patch
    lies within a mask under which it always says this label. :meth:`~rsbd.learners.base.Models.reach` says so for
    patches of up to ``side`` pixels a side (and for single pixels), provided that the learner gives one masked image
    one label. Where no such mask hides a place, the patch counts as able to reach every class, which it may not be:
    seen on MNIST 1 against 7, networks that learned from all rows keep 93 % of their labels against any 3 x 3 pixels;
    on digits, linear models of 20 rows keep 35 %, where the exact test of their weights finds 99 %.

    Parameters
    ----------
    learner : Learner
        The learner. It learns from rows under two random masks each, so that its models bear them.
    side : int
        Side of the largest patch, in pixels.
    masks : int
        Masks along each side of the image. More are smaller, and cost more: with ``n = masks * masks`` a model is
        asked ``n * (n + 1) / 2`` times, 10 times unless given. An odd number puts one over the middle, which hides most
        of what is there.

    Raises
    ------
    InputError
        A number is not whole or below 1. In training: inputs that are no images or too small, or noise on the test
        input. In :meth:`~rsbd.learners.base.Models.reach`: triggers that no mask hides.

    References
    ----------
    Xiang, Mahloujifar, Mittal, "PatchCleanser: Certifiably Robust Defense against Adversarial Patches for Any Image
    Classifier", USENIX Security 2022, lemma 2 and theorem 1. Their rule answers alike where all labels agree.

    Examples
    --------
    >>> from rsbd.learners import MLP
    >>> TwoMask(MLP(), side=3).side
    3
    >>> hidden_by_masks((28, 28), side=3, masks=4).sum(1).unique()  # sixteen masks of 9 x 9 pixels
    tensor([81])
    """

    learner: Learner
    side: int
    masks: int = 2

    def __post_init__(self) -> None:
        for name, number in (("side", self.side), ("masks", self.masks)):
            object.__setattr__(self, name, check_whole(name, number, 1))

    def train(self, problem: Problem, generators: Sequence[Generator]) -> "TwoMaskModels":
        """Train with the inner learner on rows under random masks."""
        smoothing = problem.smoothing
        if smoothing.test is not None:
            raise InputError(f"the test input carries {smoothing.test} and masks", "use Smoothing(test=None)")
        hidden = hidden_by_masks(problem.shape, self.side, self.masks)
        noise = UnderMasks(smoothing.features, problem.shape, self.side, self.masks)
        masked = replace(problem, smoothing=replace(smoothing, features=noise))
        models = train_models(self.learner, masked, generators)
        return TwoMaskModels(models, hidden.to(problem.x.device), problem.num_classes, self.side)


@dataclass(frozen=True)
class TwoMaskModels(Models):
    """Trained models, and what each mask hides: (masks, features)."""

    models: Models
    hidden: Tensor
    num_classes: int
    side: int
    known: list[Any] = field(default_factory=list, repr=False, compare=False)

    def predict(self, x: Tensor, noise: Noise | None, generators: Sequence[Generator]) -> Tensor:
        """Label every point with every model: shape (models, points)."""
        said, agreed = self._ask(x, generators)
        counts = torch.stack([(said == c).sum(0) for c in range(self.num_classes)])
        sure = agreed.int().argmax(0, keepdim=True)  # one mask of those under which it always says the same
        return torch.where(agreed.any(0), said.gather(0, sure)[0], counts.argmax(0))

    def reach(self, x: Tensor, labels: Tensor, triggers: Sequence[AnyTrigger], shape: Shape) -> Iterator[Tensor]:
        """Yield the classes that each trigger can make each model answer; see :meth:`Models.reach`."""
        hiding = [self._hiding(trigger, shape) for trigger in triggers]
        _, agreed = self._ask(x, [torch.Generator(x.device)] * len(labels))
        own = torch.nn.functional.one_hot(labels, self.num_classes).bool()
        for masks in hiding:
            # Masks under which a model always says the same all say its label.
            kept = torch.stack([agreed[mask].any(0) for mask in masks.unbind(1)]).all(0)
            yield own | ~kept[..., None]

    def _ask(self, x: Tensor, generators: Sequence[Generator]) -> tuple[Tensor, Tensor]:
        """Return the labels under each mask, and whether no second mask changes them: both (masks, models, points).

        What was asked last is kept, since votes are held against triggers as soon as they are counted.
        """
        if self.known and self.known[0] is x and self.known[1] == x._version:
            return self.known[2], self.known[3]

        def say(hidden: Tensor) -> Tensor:
            return predict_labels(self.models, x.masked_fill(hidden, 0), None, generators)

        said = torch.stack([say(mask) for mask in self.hidden])
        agreed = torch.ones_like(said, dtype=torch.bool)
        for i in range(len(said)):
            for j in range(i):
                both = say(self.hidden[i] | self.hidden[j])
                agreed[i] &= both == said[i]
                agreed[j] &= both == said[j]
        self.known[:] = x, x._version, said, agreed
        return said, agreed

    def _hiding(self, trigger: AnyTrigger, shape: Shape) -> Tensor:
        """Return which masks hide each place of the trigger: bool, (masks, places), equal places once."""
        groups, changes = trigger.groups(shape)
        found = self.hidden[:, torch.from_numpy(groups.copy()).to(self.hidden.device)].all(2)
        if changes > 1 or not found.any(0).all():
            raise InputError(f"{trigger} is not always within a mask", f"masks hide {AnyPatch(self.side)}")
        different: Tensor = torch.unique(found, dim=1)
        return different


@lru_cache(maxsize=16)
def hidden_by_masks(shape: Shape, side: int, masks: int) -> Tensor:
    """Return what each of ``masks * masks`` square masks hides of a flat image, in all channels: (masks, features).

    Along an axis of ``n`` pixels a patch starts at one of ``n - side + 1``. Each mask takes an equal share of these
    starts, ``step`` of them, and so is ``step + side - 1`` pixels long.
    """
    AnyPatch(side).check(shape)
    lines = []
    for length in shape[-2:]:
        step = -(-(length - side + 1) // masks)
        starts = sorted({min(i * step, length - step - side + 1) for i in range(masks)})
        line = torch.zeros(len(starts), length, dtype=torch.bool)
        for mask, start in zip(line, starts, strict=True):
            mask[start : start + step + side - 1] = True
        lines.append(line)
    square = lines[0][:, None, :, None] & lines[1][None, :, None, :]
    return square.flatten(0, 1).flatten(1).repeat(1, prod(shape[:-2]))


@dataclass(frozen=True)
class UnderMasks(Noise):
    """Hide pixels of every row under two masks at random, after the noise on the features.

    This is for learners. Certificates are made from the noise alone; what is done to noised rows takes nothing away.
    """

    norm: ClassVar[str] = "L0"
    noise: Noise | None
    shape: Shape
    side: int
    masks: int

    def shift(self, size: float) -> Tradeoff:
        """Return the trade-off of a change that shows, since this is no noise to certify with."""
        return tradeoff.levels([1, 0], [0, 1]) if size else tradeoff.identity()

    def channel(self) -> Channel:
        """Return the moments of the noise beneath."""
        return Channel() if self.noise is None else self.noise.channel()

    def sample(self, x: Tensor, generator: Generator) -> Tensor:
        """Return the rows under noise, each under two masks of its own."""
        noised = x if self.noise is None else self.noise.sample(x, generator)
        hidden = hidden_by_masks(self.shape, self.side, self.masks).to(x.device)
        first, second = torch.randint(len(hidden), (2, len(x)), generator=generator, device=x.device)
        return noised.masked_fill(hidden[first] | hidden[second], 0)
