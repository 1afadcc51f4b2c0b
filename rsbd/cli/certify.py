"""``rsbd certify``: the paper's main experiment without a browser."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rsbd.cli import options
from rsbd.cli.options import ATTACK, DEFENCE, RUN
from rsbd.errors import InputError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from rsbd.attacks import Trigger
    from rsbd.data import Dataset
    from rsbd.noises.smoothing import Smoothing
    from rsbd.recipes.experiment import Experiment, Outcome


def certify(
    dataset: options.DataSet = "digits",
    classes: options.Classes = None,
    rows: options.Rows = None,
    points: options.Points = None,
    trigger: Annotated[
        str,
        typer.Option(help="patch, one-pixel, four-pixel or blend.", metavar="NAME", rich_help_panel=ATTACK),
    ] = "patch",
    trigger_size: Annotated[
        float,
        typer.Option(
            help="Side of the patch in pixels (of a table: how many features); L2 length of the other triggers, "
            "where an input goes from 0 to 1.",
            metavar="SIZE",
            rich_help_panel=ATTACK,
        ),
    ] = 3,
    poison_rate: Annotated[
        float,
        typer.Option(
            help="Share of the training rows that is poisoned, 0 to 1.",
            metavar="SHARE",
            rich_help_panel=ATTACK,
        ),
    ] = 0.05,
    target: Annotated[
        int,
        typer.Option(
            help="Label that the attacker wants: 0 is the first of the classes.",
            metavar="LABEL",
            rich_help_panel=ATTACK,
        ),
    ] = 0,
    clean_label: Annotated[
        bool,
        typer.Option(
            "--clean-label",
            help="Poison rows of the target class and keep their label.",
            rich_help_panel=ATTACK,
        ),
    ] = False,
    keep: Annotated[
        str,
        typer.Option(
            help="Probability, such as 0.8 or 4/5, that a pixel or label keeps its value: of training pixels, "
            "training labels and the test input.",
            metavar="SHARE",
            rich_help_panel=DEFENCE,
        ),
    ] = "0.8",
    keep_features: Annotated[
        str | None,
        typer.Option(help="The same for training pixels alone.", metavar="SHARE", rich_help_panel=DEFENCE),
    ] = None,
    keep_labels: Annotated[
        str | None,
        typer.Option(help="The same for training labels alone.", metavar="SHARE", rich_help_panel=DEFENCE),
    ] = None,
    keep_test: Annotated[
        str | None,
        typer.Option(help="The same for the test input alone.", metavar="SHARE", rich_help_panel=DEFENCE),
    ] = None,
    sigma: Annotated[
        float | None,
        typer.Option(
            help="Instead of flips, Gaussian noise of this standard deviation on training and test inputs, which go "
            "from 0 to 1; labels are noised only with --keep-labels.",
            metavar="SIGMA",
            rich_help_panel=DEFENCE,
        ),
    ] = None,
    bag: Annotated[
        int | None,
        typer.Option(
            help="Rows that each model draws at random (bagging; with flips in them, BagFlip): radii count rows. "
            "With --keep 1 nothing else is noised.",
            metavar="N",
            rich_help_panel=DEFENCE,
        ),
    ] = None,
    learner: Annotated[
        str,
        typer.Option(help="Base learner: linear, lda, mlp, cnn or resnet.", metavar="NAME", rich_help_panel=DEFENCE),
    ] = "linear",
    models: Annotated[
        int,
        typer.Option(help="Models in the ensemble, at most 10,000,000.", metavar="N", rich_help_panel=DEFENCE),
    ] = 1000,
    alpha: options.Alpha = 0.001,
    alpha_for: options.AlphaFor = "each",
    centre: Annotated[
        str,
        typer.Option(
            help="Certify the ensemble trained on the clean or on the poisoned rows.",
            metavar="CLEAN|POISONED",
            rich_help_panel=DEFENCE,
        ),
    ] = "clean",
    seed: options.Seed = 0,
    device: options.Device = "auto",
    scheduler: Annotated[
        str | None,
        typer.Option(
            help="Address of a dask scheduler, tcp://host:8786, whose workers compute.",
            metavar="ADDRESS",
            rich_help_panel=RUN,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for plot, votes, table and result.json; an interrupted run goes on from there.",
            metavar="FOLDER",
            parser=options.path,
            rich_help_panel=RUN,
        ),
    ] = None,
) -> None:
    """Plant a backdoor, train an ensemble on noised copies, and certify its predictions."""
    from rsbd.attacks.poisoning import Poisoning
    from rsbd.cli.show import show
    from rsbd.recipes.experiment import Experiment
    from rsbd.recipes.report import report

    options.one_of("--alpha-for", alpha_for, "each", "all")
    options.one_of("--centre", centre, "clean", "poisoned")
    if out is not None:
        options.check_writable(out)
    view = "binary" if sigma is None else "unit"
    data = options.dataset(dataset, view, classes, rows, points, seed)
    experiment = Experiment(
        dataset=data,
        poisoning=Poisoning(_trigger(trigger, trigger_size, data), target, poison_rate, relabel=not clean_label),
        smoothing=_smoothing(data, keep, keep_features, keep_labels, keep_test, sigma, bag),
        learner=options.learner(learner),
        num_models=models,
        alpha=alpha,
        seed=seed,
        device=device,
        centre=centre,
        points=alpha_for,
    )
    with options.interruptible(out), _workers(scheduler) as executor:
        outcomes = experiment.stream(None if out is None else out / "votes", executor)
        found = report(_watch(experiment, outcomes))
    show(found)
    if out is not None:
        paths = found.write(out)
        typer.echo(f"written to {out}: {', '.join(path.name for path in paths)}")


def _trigger(name: str, size: float, data: Dataset) -> Trigger:
    from rsbd.attacks import BadPatch, Blend, Features, Pixels

    if name == "patch":
        if not size.is_integer():
            raise InputError(f"--trigger-size is {size:g}, the side of a patch in pixels", "give a whole number")
        if len(data.shape) < 2:  # a table has no corner: its last features take the patch
            every = range(data.num_features)
            if not 1 <= size <= len(every):
                raise InputError(
                    f"--trigger-size is {size:g} features", f"give a number from 1 to {len(every)} for this table"
                )
            return Features(tuple(every[-int(size) :]))
        return BadPatch(size=int(size))
    if name == "one-pixel":
        return Pixels.one(data.shape, size)
    if name == "four-pixel":
        return Pixels.four(data.shape, size)
    if name == "blend":
        return Blend(data.shape, size)
    raise InputError(f"there is no trigger {name!r}", "choose patch, one-pixel, four-pixel or blend")


def _smoothing(
    data: Dataset,
    keep: str,
    features: str | None,
    labels: str | None,
    test: str | None,
    sigma: float | None,
    bag: int | None,
) -> Smoothing:
    from rsbd.noises import Bagging, Flip, Gaussian
    from rsbd.noises.smoothing import Smoothing

    rows = None if bag is None else Bagging(bag)

    def flip(keep: str, values: int) -> Flip | None:
        noise = Flip(keep, values)
        return None if rows is not None and noise.keep == 1 else noise  # bags alone

    if sigma is not None:
        if features is not None or test is not None:
            raise InputError(
                "--sigma noises the features and the test input", "leave out --keep-features and --keep-test"
            )
        noise = Gaussian(sigma)
        return Smoothing(rows, noise, None if labels is None else flip(labels, data.num_classes), noise)
    values = data.values or 2
    return Smoothing(
        rows,
        features=flip(features or keep, values),
        labels=flip(labels or keep, data.num_classes),
        test=flip(test or keep, values),
    )


@contextmanager
def _workers(scheduler: str | None) -> Iterator[Executor | None]:
    """The cluster's executor, or None for the cores at hand."""
    if scheduler is None:
        yield None
        return
    try:
        distributed = import_module("distributed")
    except ImportError:
        raise InputError("--scheduler needs dask.distributed", "pip install distributed") from None
    # What it tells in tracebacks, we say in a sentence.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        client = distributed.Client(scheduler, timeout="10s")
    except Exception as error:  # each way of reaching one has its own
        raise InputError(
            f"no dask scheduler answers at {scheduler!r} ({type(error).__name__})", "check the address"
        ) from None
    with client, client.get_executor(retries=3) as executor:
        yield executor


def _watch(experiment: Experiment, outcomes: Iterator[Outcome]) -> Outcome:
    outcome = None
    with options.bar() as bar:
        task = bar.add_task("training models", total=experiment.num_models)
        for outcome in outcomes:
            bar.update(task, completed=outcome.votes.num_models)
    assert outcome is not None  # noqa: S101
    return outcome
