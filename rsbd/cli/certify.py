"""``rsbd certify``: the paper's main experiment without a browser."""

from typing import Annotated, Any

from rsbd.cli import options
from rsbd.cli.options import USUAL_KEEP, attack_option, defence_option, run_option
from rsbd.errors import InputError, check_among

_TRIGGER_SIZE = (
    "Side of the patch in pixels (of a table: how many features); L2 length of the other triggers, where an input "
    "goes from 0 to 1."
)
_KEEP = (
    "Probability, such as 0.8 or 4/5, that a pixel or label keeps its value: of training pixels, training labels and "
    "the test input."
)
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
    keep: Annotated[str | None, defence_option("SHARE", _KEEP, show_default=USUAL_KEEP)] = None,
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
    from rsbd.cli import experiments
    from rsbd.cli.tables import print_reports
    from rsbd.recipes.defences import SideBySide

    check_among("--alpha-for", alpha_for, ("each", "all"))
    check_among("--centre", centre, ("clean", "poisoned"))
    slots = {"features": keep_features, "labels": keep_labels, "test": keep_test}
    of_noise = {"--keep": keep, **{f"--keep-{slot}": share for slot, share in slots.items()}, "--sigma": sigma}
    given = [name for name, value in of_noise.items() if value is not None]
    if defence is None:
        defence = "both" if not given and bag is None and learner is None else "noise"
    check_among("--defence", defence, ("noise", "bags", "both"))
    if defence == "bags" and given:
        raise InputError(f"{given[0]} is for noise, and bags noise nothing", "leave it out, or choose --defence noise")
    kept = options.check_out(out)
    part = {"rows": rows, "points": points, "side": side, "seed": seed}
    data = options.load_part(dataset, "binary" if sigma is None else "unit", classes, **part)
    planted = experiments.make_trigger(trigger, trigger_size, data)
    poisoning = Poisoning(planted, target, poison_rate, relabel=not clean_label)
    settings: dict[str, Any] = {"num_models": models, "alpha": alpha, "seed": seed, "device": device}
    settings |= {"centre": centre, "points": alpha_for}
    if learner is not None:
        settings["learner"] = options.make_learner(learner)
    smoothing = None if defence == "bags" else experiments.make_smoothing(data, keep, slots, sigma, bag)
    planned, reason = experiments.plan_defences(data, poisoning, smoothing, defence != "noise", bag, **settings)
    with options.interruptible(out), experiments.open_workers(scheduler) as executor:
        both = len(planned) > 1
        folders = {name: out / "bags" if out and both and name == "bags" else out for name in planned}
        found = {
            name: experiments.run_defence(name, one, kept, executor, folders[name]) for name, one in planned.items()
        }
    print_reports(found, reason)
    options.write_out(out, (SideBySide(**found) if both else next(iter(found.values()))).write)
