"""Contenders that need no noise on the test input: votes that no trigger can move, and models of groups of pixels."""

from dataclasses import dataclass, field

from rsbd import bounds
from rsbd.certify import Certificate
from rsbd.evasion import AnyPixels
from rsbd.learners import Learner, RobustLinear
from rsbd.noises import Partition, Threat
from rsbd.recipes.contest.contender import Contender, Trial
from rsbd.recipes.contest.proofs import KeptProof, NoiseProof, PartitionProof, PixelProof
from rsbd.recipes.contest.threats import Defence, refusal
from rsbd.recipes.dpa import count_votes
from rsbd.recipes.fpa import fpa
from rsbd.recipes.pecan import pecan


@dataclass(frozen=True)
class KeptVotes(Contender):
    """A method whose votes count only if no trigger on the test input can move them.

    Its models must know what a trigger can do to them, so it keeps its own learner.
    """

    learner: Learner = field(default_factory=RobustLinear)

    def refuses(self, defence: Defence, threat: Threat, num_rows: int) -> str | None:
        """Return why the method cannot face a threat; None where it can."""
        return refusal(defence, threat, num_rows, kept=True)

    def prove(self, trial: Trial) -> KeptProof:
        """Train, and return what is proved about the points against each trigger."""
        data, triggers = trial.data, trial.triggers
        if isinstance(parts := trial.defence, Partition):
            dealt = pecan(data, triggers or AnyPixels(1), parts=parts, learner=self.learner, seed=trial.seed)
            plain = count_votes(parts, dealt.labels, data.num_classes, parts.norm, "rows")

            def of(found: Certificate) -> PartitionProof:
                return PartitionProof(plain.label, found.radius, parts.deal)

            return KeptProof(of(plain), {trigger: of(found) for trigger, found in dealt.held.items()})
        votes, num_rows = trial.collect(self.learner, triggers), trial.num_rows or data.num_rows
        many, alpha, points = data.num_classes > 2, trial.alpha, trial.points

        def proof(known: bounds.Bounds) -> NoiseProof:
            return NoiseProof(trial.smoothing, known, num_rows, data.channels)

        held = {trigger: proof(bounds.kept_votes(votes.against(trigger), alpha, many, points)) for trigger in triggers}
        return KeptProof(proof(bounds.simultaneous(votes.counts, alpha, runner_up=many, points=points)), held)


@dataclass(frozen=True)
class PixelGroups(Contender):
    """A method whose models see a group of pixels each; it keeps its own learner, which tells how sure it is."""

    def refuses(self, defence: Defence, threat: Threat, num_rows: int) -> str | None:
        """Return why the method cannot face a threat; None where it can."""
        if threat.rows and threat.relabel:
            return "the threat changes the training labels, from which every model learns"
        return None

    def prove(self, trial: Trial) -> PixelProof:
        """Train, and return how many pixels may change."""
        groups = trial.defence
        assert isinstance(groups, Partition)  # noqa: S101
        found = fpa(trial.data, groups.parts, spread=groups.spread, seed=trial.seed).certificate
        return PixelProof(found.label, found.radius)
