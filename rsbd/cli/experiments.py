"""Builds the experiments of ``rsbd certify`` from its options, and runs them."""

import json
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from rsbd.attacks import BadPatch, Blend, Features, Pixels, Poisoning, Trigger
from rsbd.cli.options import USUAL_KEEP, progress_bar
from rsbd.data import Dataset
from rsbd.ensemble import Votes
from rsbd.errors import InputError, check_among
from rsbd.noises import Bagging, Smoothing
from rsbd.recipes import Experiment
from rsbd.recipes.defences import with_bags
from rsbd.recipes.experiment import Outcome
from rsbd.recipes.report import Report, report


def plan_defences(
    data: Dataset, poisoning: Poisoning, smoothing: Smoothing | None, bags: bool, bag: int | None, **settings: Any
) -> tuple[dict[str, Experiment], str]:
    """Return the experiment of each defence, noise (unless it is None) and bags, and why bags cannot face the attack.

    Raises
    ------
    InputError
        Bags cannot face it, and there is no noise beside them.
    """
    found = {} if smoothing is None else {"noise": Experiment(data, poisoning, smoothing, **settings)}
    if bags:
        try:
            found["bags"] = with_bags(data, poisoning, bag if smoothing is None else None, **settings)
        except InputError as error:
            if smoothing is None:
                raise
            return found, error.what
    return found, ""


def run_defence(
    name: str, experiment: Experiment, kept: Path | None, executor: Executor | None, out: Path | None
) -> Report:
    """Run an experiment behind a progress bar, with its votes in the folder ``kept``, and certify it."""
    with progress_bar() as bar:
        task = bar.add_task(f"training models ({name})", total=experiment.num_models)
        for outcome in experiment.stream(kept, executor):
            bar.update(task, completed=outcome.votes.num_models)
    return report(_looked_at(outcome, out))


def _looked_at(outcome: Outcome, out: Path | None) -> Outcome:
    """Return the outcome with bounds for every number of models if its votes extend those of a finished run.

    Who sees a result and then asks for more models has looked: bounds for one number of models fail more often then.
    """
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


def make_trigger(name: str, size: float, data: Dataset) -> Trigger:
    """Return the trigger of that name."""
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
    check_among("--trigger", name, ("patch", *others))
    return others[name](data.shape, size)


def make_smoothing(
    data: Dataset, keep: str | None, slots: dict[str, Any], sigma: float | None, bag: int | None
) -> Smoothing:
    """Return the noise: flips, or Gaussian noise if ``sigma`` is given."""
    rows = None if bag is None else Bagging(bag)
    if sigma is None:
        return Smoothing.flips(data, keep or USUAL_KEEP, rows=rows, **slots)
    if keep is not None or slots["features"] is not None or slots["test"] is not None:
        raise InputError("--sigma noises features and test input", "leave out --keep, --keep-features and --keep-test")
    return Smoothing.gaussian(data, sigma, labels=slots["labels"], rows=rows)


@contextmanager
def open_workers(scheduler: str | None) -> Iterator[Executor | None]:
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
        silent = f"no dask scheduler answers at {scheduler!r} ({type(error).__name__})"
        raise InputError(silent, "check the address") from None
    with client, client.get_executor(retries=3) as executor:
        yield executor
