"""Audit by search: the best attack found within the radius must not change the prediction."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rsbd.audit.attempts import length_attempts, put_trigger, row_attempts
from rsbd.audit.changes import Attempt, Change, apply_changes, candidates, distinct
from rsbd.audit.judges import Judge, Target, judge_of
from rsbd.certify import Certificate
from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.evasion import AnyTrigger
from rsbd.learners import Learner
from rsbd.noises import Partition, Smoothing, Threat

_ROUNDS = 2  # of a search for the worst trigger on the point, and the worst rows given this trigger


@dataclass(frozen=True)
class Finding:
    """The best attack found on one point.

    Parameters
    ----------
    point : int
        Number of the test point.
    radius : float
        Its certified radius; the attack is as large, or ``beyond`` larger.
    changes : tuple of Change
        The attack, where it is made of single changes.
    before, after : float
        Share of the models that vote for the certified label.
    broken : bool
        Whether the attacked classifier prefers another label, beyond what chance explains.
    attack : str
        The attack in words.
    """

    point: int
    radius: float
    changes: tuple[Change, ...]
    before: float
    after: float
    broken: bool
    attack: str = ""


@dataclass(frozen=True)
class AuditReport:
    """The findings on all points, and how many attacks were tried.

    Parameters
    ----------
    findings : tuple of Finding
        One for each point.
    norm, beyond : str, float
        The norm of the attacks, and by how much they exceed the radius.
    tried : int
        Attacks that were tried, on all points together.
    trigger : AnyTrigger or None
        What was put on the points besides.
    """

    findings: tuple[Finding, ...]
    norm: str
    beyond: float
    tried: int
    trigger: AnyTrigger | None = None

    @property
    def broken(self) -> int:
        """Number of points whose prediction changed."""
        return sum(finding.broken for finding in self.findings)

    @property
    def sentence(self) -> str:
        """A sentence that says what was tried and found."""
        where = f"{self.beyond:g} beyond their radius" if self.beyond else "at their certified radius"
        how = self.norm + ("" if self.trigger is None else f", and {self.trigger}")
        lost = np.mean([f.before - f.after for f in self.findings]) if self.findings else 0.0
        points = "1 certified point was" if len(self.findings) == 1 else f"{len(self.findings)} certified points were"
        return (
            f"{points} attacked {where} ({how}), {self.tried:,} attacks in all, each on classifiers trained "
            f"again: the worst cost {100 * max(lost, 0.0):.0f} % of the votes on average and changed {self.broken} "
            f"prediction{'' if self.broken == 1 else 's'}."
        )


def attack(
    dataset: Dataset,
    smoothing: Smoothing | Partition,
    learner: Learner | Judge,
    certificate: Certificate,
    points: Sequence[int],
    *,
    beyond: float = 0,
    threat: Threat | None = None,
    num_models: int = 1000,
    scouts: int = 128,
    seed: int = 0,
    **options: Any,
) -> AuditReport:
    """Search for attacks on certified points, running the whole defence again on every one that is tried.

    The attacks depend on the certificate's norm. In L0 each single change is tried alone, and the changes that cost a
    point most votes are made together. In L1, L2 and other lengths the point moves along the direction that costs most
    (for linear models exactly), training rows by common patterns, one by one, or both. Rows are relabelled, replaced by
    copies of the point or by what draws their class away, inserted and removed; with a ``threat`` they get a trigger
    and a label. A trigger of the certificate is put on the point besides: the worst rows for a trigger and the worst
    trigger for these rows are sought in turn. Small ensembles try (they see the same random numbers, so that even small
    effects show), and a fresh one of ``num_models`` judges the best.

    Guarantee
    ---------
    None: a search that finds nothing proves nothing. But a finding that is ``broken`` with ``beyond=0`` would refute
    the certificate (up to its alpha), which makes this the test that a wrong implementation fails.

    Parameters
    ----------
    dataset : Dataset
        The certificate is centred on it and its test points.
    smoothing : Smoothing or Partition
        The certified defence.
    learner : Learner or Judge
        The certified learner; or, for a method that trains no ensemble, a judge of yours in its place.
    certificate : Certificate
        Radii in any norm, such as ``wang(...).certificate``.
    points : sequence of int
        Certified test points to attack.
    beyond : float
        How far attacks exceed the radius: far enough, they succeed.
    threat : Threat, optional
        Where the radius counts poisoned rows: what the attacker does to each, and to the test input. Without it rows
        change wholly.
    num_models, scouts : int
        Models that judge an attack, and that try one. More scouts tell attacks apart that cost about the same.
    seed : int
        Of the judges; scouts take the next one.
    **options
        Passed to :func:`rsbd.ensemble.collect`.

    Raises
    ------
    InputError
        No points, or some that are not certified: nothing would be tried on them. Or the certificate counts pixels.

    Returns
    -------
    AuditReport
        A sequence of one :class:`Finding` for each of ``points``, with a ``sentence``.

    Examples
    --------
    >>> from rsbd.data import load
    >>> from rsbd.learners import Linear
    >>> from rsbd.recipes import bagging
    >>> digits = load("digits", classes=(0, 1), rows=60, points=10)
    >>> found = bagging(digits, size=10, num_models=500)
    >>> report = attack(digits, found.smoothing, Linear(), found.certificate, [0, 1, 2])
    >>> report.broken, report.norm
    (0, 'rows')
    """
    if certificate.norm == "pixels":
        raise InputError("the certificate counts pixels of all rows", "give one that counts rows, values or lengths")
    ask = judge_of(smoothing, learner, options)
    chosen = np.asarray(points, dtype=np.int64)
    if not len(chosen) or not np.isin(chosen, np.flatnonzero(certificate.radius >= 0)).all():
        raise InputError(f"points is {chosen.tolist()}", "give numbers of certified points, at least one")
    labels, x = certificate.label[chosen], dataset.x_test[chosen]
    before = ask(dataset, x, num_models, seed)
    rivals = np.where(np.arange(before.shape[1]) == labels[:, None], -1.0, before).argmax(axis=1)
    sizes = certificate.radius[chosen] + beyond
    sizes = np.minimum(sizes, dataset.num_rows) if "rows" in certificate.norm else sizes
    if certificate.norm == "L0":
        assert isinstance(smoothing, Smoothing)  # noqa: S101  (parts are measured in rows)
        single = [c for c in candidates(dataset, smoothing) if c.slot in certificate.slots]
        loss = ask.losses(dataset, x, labels, rivals, single, scouts, seed + 1)
    scout, findings = _Scouts(ask, scouts, seed + 1), []
    for k, point in enumerate(chosen):
        label = int(labels[k])
        form = (dataset, smoothing, ask, x[k][None], label, int(rivals[k]))
        target = Target(*form, certificate.norm, certificate.slots, float(sizes[k]), threat)

        def propose(target: Target, k: int = k) -> Iterable[Attempt]:
            if certificate.norm != "L0":
                return (row_attempts if "rows" in certificate.norm else length_attempts)(target)
            order = np.argsort(-loss[:, k], kind="stable")
            worst = distinct([single[i] for i in order], int(target.size))
            scout.tried += len(single)
            return [Attempt(_words(worst), *apply_changes(dataset, target.x, worst), tuple(worst))]

        best = scout.search(target, certificate.trigger, propose)
        shares = ask(best.dataset, best.x, num_models, seed)[0]
        rival = max(share for c, share in enumerate(shares) if c != label)
        after, margin = float(shares[label]), ask.margin(num_models)
        broken = bool(rival > after + margin)
        mine = (float(before[k, label]), after, broken, best.words)
        findings.append(Finding(int(point), certificate.radius[point].item(), best.changes, *mine))
    return AuditReport(tuple(findings), certificate.norm, beyond, scout.tried, certificate.trigger)


@dataclass
class _Scouts:
    """Choose among attempts by small ensembles, and count what was tried."""

    ask: Judge
    num_models: int
    seed: int
    tried: int = 0

    def search(
        self, target: Target, trigger: AnyTrigger | None, propose: Callable[[Target], Iterable[Attempt]]
    ) -> Attempt:
        """Return the best attempt found; where a trigger is on the point too, each is sought in turn for the other."""
        best = Attempt("nothing", target.dataset, target.x)

        def choose(made: Sequence[Attempt]) -> Attempt:
            return self._best(made, target.label)

        if trigger is None:
            return choose(list(propose(target))) if target.size else best
        for _ in range(_ROUNDS):
            best = put_trigger(target, best, trigger, choose)
            if target.size:
                best = choose([best, *propose(replace(target, x=best.x))])
        best = put_trigger(target, best, trigger, choose)
        return replace(best, words=f"{best.words}; a trigger on the point")

    def _best(self, made: Sequence[Attempt], label: int) -> Attempt:
        """Return the attempt after which the label leads by least; those on one training set are judged together."""
        if len(made) == 1:
            return made[0]
        self.tried += len(made)
        lead = np.empty(len(made))
        for data in {id(attempt.dataset): attempt.dataset for attempt in made}.values():
            here = [i for i, attempt in enumerate(made) if attempt.dataset is data]
            shares = self.ask(data, np.concatenate([made[i].x for i in here]), self.num_models, self.seed)
            others = np.where(np.arange(shares.shape[1]) == label, -1.0, shares).max(axis=1)
            lead[here] = shares[:, label] - others
        return made[int(lead.argmin())]


def _words(changes: Sequence[Change]) -> str:
    slots = [change.slot for change in changes]
    counted = [f"{slots.count(slot)} in {slot}" for slot in ("features", "labels", "test") if slot in slots]
    return f"single changes: {', '.join(counted) or 'none'}"
