"""One method against one kind of attack: its best noise and what that certifies, or why it cannot face the attack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rsbd.noises import Bagging, Flip, Gaussian, Noise, Partition, Threat
from rsbd.recipes.contest.contender import Contender
from rsbd.recipes.contest.result import ComparisonRow
from rsbd.recipes.contest.threats import Attack, Defence, refusal
from rsbd.recipes.contest.trials import Trials

_SHORT = {"features": "pixels", "labels": "labels", "test": "test"}


@dataclass(frozen=True)
class Search:
    """One method, one kind of attack, and the noises to try.

    Parameters
    ----------
    contender : Contender
        The method.
    attack : tuple of str
        The slots that change.
    threats : tuple of Threat
        All of this attack.
    defences : tuple of Smoothing or Partition
        Noises to try; none where there is a reason.
    reason : str or None
        Why the method cannot face the threats.
    """

    contender: Contender
    attack: Attack
    threats: tuple[Threat, ...]
    defences: tuple[Defence, ...]
    reason: str | None

    @classmethod
    def of(cls, trials: Trials, contender: Contender, attack: Attack, threats: tuple[Threat, ...]) -> Search:
        """Return the search with the noises within the budget, or with the reason why the method cannot take part."""
        data = trials.final[contender.view]
        every = tuple(contender.defences(data, attack))
        answers = {refusal(defence, threat, data.num_rows) for defence in every for threat in threats}
        if reasons := sorted(answer for answer in answers if answer):
            return cls(contender, attack, threats, (), reasons[0])
        models = [contender.num_models(defence, trials.num_models) for defence in every]
        within = tuple(d for d, number in zip(every, models, strict=True) if number <= trials.num_models)
        short = f"it trains {min(models)} models or more, and the budget is {trials.num_models}"
        return cls(contender, attack, threats, within, None if within else short)

    @property
    def work(self) -> int:
        """Number of noises to try, and one more for the one to certify with."""
        return len(self.defences) + 1 if self.defences else 0

    def run(self, trials: Trials, tell: Callable[[int], None]) -> ComparisonRow:
        """Choose the noise on the validation points, and certify the test points with it."""
        about = (self.contender.name, self.contender.paper, self.attack, self.threats)
        if self.reason is not None:
            return ComparisonRow(*about, reason=self.reason)
        scores = []
        for i, defence in enumerate(self.defences):
            tell(i)
            clean, certified = trials.accuracies(self.contender, defence, self.threats, final=False)
            scores.append((float(certified.mean()), clean))
        tell(len(self.defences))
        best = max(range(len(scores)), key=scores.__getitem__)  # the first of several equal ones
        chosen = self.defences[best]
        clean, certified = trials.accuracies(self.contender, chosen, self.threats, final=True)
        return ComparisonRow(
            *about,
            certified=tuple(certified.tolist()),
            noise=noise_words(chosen),
            models=self.contender.num_models(chosen, trials.num_models),
            clean=clean,
            tried=len(self.defences),
            validated=scores[best][0],
        )


def noise_words(defence: Defence) -> str:
    """Describe a noise in a few words.

    Examples
    --------
    >>> from rsbd.noises.smoothing import Smoothing
    >>> noise_words(Smoothing(rows=Bagging(20), features=Flip(0.9), test=Flip(0.95)))
    'bags of 20; keep: pixels 0.9, test 0.95'
    >>> noise_words(Partition(50, spread=2))
    '50 parts, each row in 2'
    """
    if isinstance(defence, Partition):
        return f"{defence.parts} parts" + (f", each row in {defence.spread}" if defence.spread > 1 else "")
    said = [f"bags of {defence.rows.size}"] if isinstance(defence.rows, Bagging) else []
    slots: dict[str, list[tuple[str, str]]] = {}
    for slot, noise in defence.slots.items():
        name, value = _noise(noise)
        slots.setdefault(name, []).append((_SHORT[slot], value))
    for name, values in slots.items():
        everywhere = len(values) == len(_SHORT) and len({value for _, value in values}) == 1
        listed = ", ".join(f"{slot} {value}" for slot, value in values)
        said.append(f"{name} {values[0][1]} everywhere" if everywhere else f"{name}: {listed}")
    return "; ".join(said)


def _noise(noise: Noise) -> tuple[str, str]:
    if isinstance(noise, Flip):
        return "keep", f"{float(noise.keep):g}"
    return ("sigma", f"{noise.sigma:g}") if isinstance(noise, Gaussian) else ("noise", repr(noise))
