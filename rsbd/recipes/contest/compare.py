"""Compare every method on one data set, against one attacker and with one budget of models."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rsbd.data import Dataset
from rsbd.errors import InputError
from rsbd.evasion import AnyPatch, AnyPixels
from rsbd.learners import Learner
from rsbd.noises import Smoothing
from rsbd.recipes.contest.contender import Contender, Trial
from rsbd.recipes.contest.methods import CONTENDERS
from rsbd.recipes.contest.result import Comparison
from rsbd.recipes.contest.search import Search, Trials
from rsbd.recipes.contest.threats import pixels_of, threat_map, trigger_on_test

_BOTH = (True, False)


def compare(
    dataset: Dataset,
    rows: Iterable[int] = (0, 1, 5),
    triggers: Iterable[int | AnyPatch] | None = None,
    *,
    relabel: Sequence[bool] = _BOTH,
    on_test: Sequence[bool] = _BOTH,
    contenders: Sequence[Contender] = CONTENDERS,
    num_models: int = 1000,
    alpha: float = 0.001,
    points: str = "each",
    validation: float = 0.25,
    learner: Learner | None = None,
    seed: int = 0,
    progress: Callable[[int, int, str], None] | None = None,
    **options: Any,
) -> Comparison:
    """Certify the same test points with every method against the same attacker, each method with its best noise.

    The attacker poisons ``m`` training rows: changes up to ``t`` pixels of each, as it likes (within [0, 1]), and the
    label (``relabel``), and puts a trigger of up to ``t`` pixels on the test input (``on_test``). With ``AnyPatch(3)``
    in place of ``t`` these pixels lie in a 3x3 square, anywhere. Methods meet that in their own norm: ``t`` pixels are
    ``t`` flips, an L2 length of at most ``sqrt(t)``, or part of a row that is counted as lost; a pixel of three
    colours counts as three. Methods with kept votes ask whether the trigger itself can move a vote; FPA counts every
    pixel that changes in any row or on the test input. A method cannot face changes of a slot that it does not noise
    and whose votes it does not hold against them; the row of the table says so.

    For each kind of attack (which of pixels, labels and test input it changes) and each method, the noise is the one
    of a small grid with the largest certified accuracy, averaged over the threats of that kind, on *validation*
    points: a share of the training rows, held out, with a quarter of the models. Then the method trains on all rows
    with fresh random numbers and certifies the test points. Test labels are used for nothing but the accuracies.

    Guarantee
    ---------
    Each certified accuracy counts points for which, with confidence ``1 - alpha`` (certainty for the methods that do
    not sample), no attack within the threat changes the label of the classifier *with that noise*. The search does
    not use up ``alpha``, because it uses other votes. The statement does not cover the search, though: it looks at
    training rows, so an attacker who poisons rows may make the defender choose another noise of the grid. Choose on
    rows that you trust, or take the choice as given.

    Without noise on the test input (RAB, DPA, bagging) the statement is about a fixed input. If that input carries a
    trigger, the statement says that the poisoned rows add nothing to the effect of the trigger on a classifier trained
    on the clean rows; it does not say that the trigger has no effect. ``on_test=True`` asks for this, so these methods
    cannot face it.

    Parameters
    ----------
    dataset : Dataset
        Inputs in [0, 1], best in its unit view. Methods that flip values see each input turned into 0 or 1 at one
        half; as every input is turned by itself, ``t`` changed pixels stay ``t``.
    rows : iterable of int
        Numbers of poisoned rows.
    triggers : iterable of int or AnyPatch, optional
        Pixels of the trigger, or patches; the map takes all pairs of rows and triggers. 0, 1 and 2 unless given, and a
        3x3 patch on images.
    relabel, on_test : sequence of bool
        Whether labels change and whether the trigger is on the test input; both cases by default.
    contenders : sequence of Contender
        The methods.
    num_models : int
        Budget of each method. Partitions that need more are left out; methods that do not sample say how many models
        they train. One fixed model (Cohen et al.) is asked as many times.
    alpha, points, seed
        As in :func:`rsbd.recipes.wang`. The search uses ``seed + 1``.
    validation : float
        Share of the training rows on which the noise is chosen.
    learner : Learner, optional
        Base learner for all methods, in place of each one's own; methods with kept votes and FPA need theirs.
    progress : callable, optional
        Called with the work done, all of it, and words.
    **options
        Passed to :func:`rsbd.ensemble.collect`: ``device``, ``executor``, ``cancel``; with ``store`` an interrupted
        comparison goes on from there.

    Raises
    ------
    InputError
        Settings that cannot work, before any model is trained.
    concurrent.futures.CancelledError
        ``cancel`` was set.

    Examples
    --------
    >>> from rsbd.data import load
    >>> digits = load("digits", view="unit", classes=(0, 1), points=50)
    >>> found = compare(digits, rows=[5], triggers=[1], relabel=[True], on_test=[False], num_models=200,
    ...                 contenders=[c for c in CONTENDERS if c.name in ("RAB", "bagging")])
    >>> [(row.method, row.reason) for row in found.rows]
    [('RAB', 'the threat changes the training labels, where there is no noise'), ('bagging', None)]
    >>> found.rows[1].certified[0] > 0.9
    True
    """
    if triggers is None:
        patches = (AnyPatch(3),) if len(dataset.shape) > 1 and min(dataset.shape[-2:]) > 3 else ()
        triggers = (0, 1, 2, *patches)
    threats = threat_map(rows, triggers, relabel, on_test)
    every = [threat for group in threats.values() for threat in group]
    most = max(threat.rows for threat in every)
    if most > dataset.num_rows:
        raise InputError(f"{most} poisoned rows, but there are {dataset.num_rows}", "give at most that many")
    for threat in every:
        if size := pixels_of(threat, "test"):
            (threat.trigger if isinstance(threat.trigger, AnyPatch) else AnyPixels(size)).check(dataset.shape)
    if len({contender.name for contender in contenders}) < max(1, len(contenders)):
        raise InputError("two contenders have one name, or there are none", "give each its own")
    against = tuple(dict.fromkeys(trigger for threat in every if (trigger := trigger_on_test(threat)) is not None))
    trial = Trial(dataset, Smoothing(), num_models, alpha, points, seed, learner, options=options, triggers=against)
    trials = Trials(trial, validation)
    plan = [Search.of(trials, one, attack, group) for attack, group in threats.items() for one in contenders]
    works = [len(search.defences) + bool(search.defences) for search in plan]  # noises to try, and the one to certify
    total, done, found = sum(works), 0, []
    for search, work in zip(plan, works, strict=True):

        def tell(part: int, name: str = search.contender.name, before: int = done) -> None:
            if progress is not None:
                progress(before + part, total, name)

        found.append(search.run(trials, tell))
        done += work
    if progress is not None:
        progress(total, total, "done")
    return Comparison(tuple(found), trials.settings())
