"""``rsbd certify``: the paper's main experiment without a browser."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

from rsbd.cli import options
from rsbd.cli.options import attack_option, defence_option, run_option
from rsbd.errors import InputError

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from pathlib import Path

    from rsbd.attacks import Poisoning, Trigger
    from rsbd.data import Dataset
    from rsbd.learners import Learner
    from rsbd.noises import Smoothing
    from rsbd.recipes.experiment import Experiment, Outcome
    from rsbd.recipes.report import Report


_TRIGGER_SIZE = (
    "Side of the patch in pixels (of a table: how many features); L2 length of the other triggers, where an input "
    "goes from 0 to 1."
)
_KEEP = (
    "Probability, such as 0.8 or 4/5, that a pixel or label keeps its value: of training pixels, training labels and "
    "the test input."
)
_USUAL = "0.8"  # unless --sigma is given
_SIGMA = (
    "Instead of flips, Gaussian noise of this standard deviation on training and test inputs, which go from 0 to 1; "
    "labels are noised only with --keep-labels."
)
_BAG = (
    "Rows that each model draws at random. With --defence noise (bagging; with flips in them, BagFlip) radii count "
    "rows, and with --keep 1 nothing else is noised. With --defence bags it is one row of each class unless given."
)
_LEARNERS = "linear for noise, robust for bags"
_DEFENCE = (
    "noise: on the training set and the test input. bags: each model learns from few rows, and a vote counts only if "
    "no trigger of the planted size can move it. both: side by side (if no option of the noise is given)."
)


def certify(
    dataset: options.DataSet = "digits",
    classes: options.Classes = None,
    rows: options.NumRows = None,
    points: options.NumPoints = None,
    side: options.Side = None,
    trigger: Annotated[str, attack_option("NAME", "patch, one-pixel, four-pixel or blend.")] = "patch",
    trigger_size: Annotated[float, attack_option("SIZE", _TRIGGER_SIZE)] = 3,
    poison_rate: Annotated[float, attack_option("SHARE", "Share of the training rows to poison, 0 to 1.")] = 0.05,
    target: Annotated[int, attack_option("LABEL", "Label that the attacker wants: 0 is the first of the classes.")] = 0,
    clean_label: Annotated[
        bool, attack_option(None, "Poison rows of the target class and keep their label.", "--clean-label")
    ] = False,
    defence: Annotated[str | None, defence_option("NOISE|BAGS|BOTH", _DEFENCE, show_default="both")] = None,
    keep: Annotated[str | None, defence_option("SHARE", _KEEP, show_default=_USUAL)] = None,
    keep_features: Annotated[str | None, defence_option("SHARE", "The same for training pixels alone.")] = None,
    keep_labels: Annotated[str | None, defence_option("SHARE", "The same for training labels alone.")] = None,
    keep_test: Annotated[str | None, defence_option("SHARE", "The same for the test input alone.")] = None,
    sigma: Annotated[float | None, defence_option("SIGMA", _SIGMA)] = None,
    bag: Annotated[int | None, defence_option("N", _BAG)] = None,
    learner: Annotated[
        str | None,
        defence_option("NAME", "Base learner, such as linear or mlp; a wrong name lists all.", show_default=_LEARNERS),
    ] = None,
    models: Annotated[int, defence_option("N", "Models in the ensemble, at most 10,000,000.")] = 1000,
    alpha: options.Alpha = 0.001,
    alpha_for: options.AlphaFor = "each",
    centre: Annotated[
        str, defence_option("CLEAN|POISONED", "Certify the ensemble trained on the clean or on the poisoned rows.")
    ] = "clean",
    seed: options.Seed = 0,
    device: options.Device = "auto",
    scheduler: Annotated[
        str | None, run_option("ADDRESS", "Address of a dask scheduler, tcp://host:8786, whose workers compute.")
    ] = None,
    out: options.Out = None,
) -> None:
    """Plant a backdoor, defend with noise and with bags of few rows, and certify the predictions."""
    from rsbd.attacks import Poisoning
    from rsbd.cli.tables import print_reports

    options.one_of("--alpha-for", alpha_for, "each", "all")
    options.one_of("--centre", centre, "clean", "poisoned")
    slots = {"features": keep_features, "labels": keep_labels, "test": keep_test}
    of_noise = {"--keep": keep, **{f"--keep-{slot}": share for slot, share in slots.items()}, "--sigma": sigma}
    given = [name for name, value in of_noise.items() if value is not None]
    if defence is None:
        defence = "both" if not given and bag is None and learner is None else "noise"
    options.one_of("--defence", defence, "noise", "bags", "both")
    if defence == "bags" and given:
        raise InputError(f"{given[0]} is for noise, and bags noise nothing", "leave it out, or choose --defence noise")
    kept = options.check_out(out)
    part = {"rows": rows, "points": points, "side": side, "seed": seed}
    data = options.load_part(dataset, "binary" if sigma is None else "unit", classes, **part)
    poisoning = Poisoning(_trigger(trigger, trigger_size, data), target, poison_rate, relabel=not clean_label)
    base = None if learner is None else options.make_learner(learner)
    settings: dict[str, Any] = {"num_models": models, "alpha": alpha, "seed": seed, "device": device}
    settings |= {"centre": centre, "points": alpha_for}
    experiments, reason = _experiments(
        defence, data, poisoning, lambda: _smoothing(data, keep, slots, sigma, bag), bag, base, settings
    )
    with options.interruptible(out), _workers(scheduler) as executor:
        both = len(experiments) > 1
        folders = {name: out / "bags" if out and both and name == "bags" else out for name in experiments}
        found = {name: _run(name, one, kept, executor, folders[name]) for name, one in experiments.items()}
    print_reports(found, reason)
    options.write_out(out, _writer(found))


def _experiments(
    defence: str,
    data: Dataset,
    poisoning: Poisoning,
    smoothing: Callable[[], Smoothing],
    bag: int | None,
    learner: Learner | None,
    settings: dict[str, Any],
) -> tuple[dict[str, Experiment], str]:
    """Return the experiment of each defence, and why one of both cannot face the attack."""
    from rsbd.learners import Linear
    from rsbd.recipes.defences import with_bags
    from rsbd.recipes.experiment import Experiment

    found = {}
    if defence != "bags":
        found["noise"] = Experiment(data, poisoning, smoothing(), learner or Linear(), **settings)
    if defence != "noise":
        try:
            found["bags"] = with_bags(data, poisoning, bag if defence == "bags" else None, learner, **settings)
        except InputError as error:
            if defence == "bags":
                raise
            return found, error.what
    return found, ""


def _run(name: str, experiment: Experiment, kept: Path | None, executor: Executor | None, out: Path | None) -> Report:
    from rsbd.recipes.report import report

    with options.progress_bar() as bar:
        task = bar.add_task(f"training models ({name})", total=experiment.num_models)
        for outcome in experiment.stream(kept, executor):
            bar.update(task, completed=outcome.votes.num_models)
    return report(_looked_at(outcome, out))


def _writer(found: dict[str, Report]) -> Callable[[Path], list[Path]]:
    from rsbd.recipes.defences import SideBySide

    return SideBySide(**found).write if len(found) > 1 else next(iter(found.values())).write


def _looked_at(outcome: Outcome, out: Path | None) -> Outcome:
    """Return the outcome with bounds for every number of models if its votes extend those of a finished run.

    Who sees a result and then asks for more models has looked: bounds for one number of models fail more often then.
    """
    from rsbd.ensemble import Votes

    if out is None or not (out / "result.json").is_file():
        return outcome
    try:
        seen = Votes.load(out / "votes.npz")
        watched = json.loads((out / "result.json").read_text("utf-8"))["settings"]["watched"]
    except (InputError, ValueError, LookupError, TypeError):
        return outcome
    now = outcome.votes
    extended = seen.num_models < now.num_models or (watched and seen.num_models == now.num_models)
    if seen.manifest != now.manifest or not extended:
        return outcome
    return replace(outcome, experiment=replace(outcome.experiment, watched=True))


def _trigger(name: str, size: float, data: Dataset) -> Trigger:
    from rsbd.attacks import BadPatch, Blend, Features, Pixels

    if name == "patch":
        if not size.is_integer():
            raise InputError(f"--trigger-size is {size:g}, the side of a patch in pixels", "give a whole number")
        if len(data.shape) < 2:  # a table has no corner: its last features take the patch
            most = data.num_features
            if not 1 <= size <= most:
                raise InputError(f"--trigger-size is {size:g} features", f"give 1 to {most} for this table")
            return Features(tuple(range(most - int(size), most)))
        return BadPatch(size=int(size))
    others: dict[str, Callable[..., Trigger]] = {"one-pixel": Pixels.one, "four-pixel": Pixels.four, "blend": Blend}
    if name not in others:
        raise InputError(f"there is no trigger {name!r}", "choose patch, one-pixel, four-pixel or blend")
    return others[name](data.shape, size)


def _smoothing(
    data: Dataset, keep: str | None, slots: dict[str, Any], sigma: float | None, bag: int | None
) -> Smoothing:
    from rsbd.noises import Bagging, Smoothing

    rows = None if bag is None else Bagging(bag)
    if sigma is None:
        return Smoothing.flips(data, keep or _USUAL, rows=rows, **slots)
    if keep is not None or slots["features"] is not None or slots["test"] is not None:
        raise InputError(
            "--sigma noises the features and the test input", "leave out --keep, --keep-features and --keep-test"
        )
    return Smoothing.gaussian(data, sigma, labels=slots["labels"], rows=rows)


@contextmanager
def _workers(scheduler: str | None) -> Iterator[Executor | None]:
    """Yield the cluster's executor, or None for this machine's cores."""
    if scheduler is None:
        yield None
        return
    try:
        distributed = import_module("distributed")
    except ImportError:
        raise InputError("--scheduler needs dask.distributed", "pip install distributed") from None
    # It reports in tracebacks what is said in a sentence here.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        client = distributed.Client(scheduler, timeout="10s")
    except Exception as error:  # each protocol raises its own
        raise InputError(
            f"no dask scheduler answers at {scheduler!r} ({type(error).__name__})", "check the address"
        ) from None
    with client, client.get_executor(retries=3) as executor:
        yield executor
