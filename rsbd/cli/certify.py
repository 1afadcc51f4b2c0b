"""``rsbd certify``: the paper's main experiment without a browser."""

from typing import Annotated, Any

from rsbd.cli import options
from rsbd.cli.options import USUAL_KEEP, attack_option, defence_option, run_option
from rsbd.errors import InputError, check_among

_LEARNERS = "linear for noise, robust for bags"


def certify(
    dataset: options.DataSet = "digits",
    classes: options.Classes = None,
    rows: options.NumRows = None,
    points: options.NumPoints = None,
    side: options.Side = None,
    trigger: Annotated[str, attack_option("NAME", "trigger")] = "patch",
    trigger_size: Annotated[float, attack_option("SIZE", "trigger_size")] = 3,
    poison_rate: Annotated[float, attack_option("SHARE", "poison_rate")] = 0.05,
    target: Annotated[int, attack_option("LABEL", "target")] = 0,
    clean_label: Annotated[bool, attack_option(None, "clean_label", "--clean-label")] = False,
    defence: Annotated[str | None, defence_option("NOISE|BAGS|BOTH", "defence", show_default="both")] = None,
    keep: Annotated[str | None, defence_option("SHARE", "keep", show_default=USUAL_KEEP)] = None,
    keep_features: Annotated[str | None, defence_option("SHARE", "keep_features")] = None,
    keep_labels: Annotated[str | None, defence_option("SHARE", "keep_labels")] = None,
    keep_test: Annotated[str | None, defence_option("SHARE", "keep_test")] = None,
    sigma: Annotated[float | None, defence_option("SIGMA", "sigma")] = None,
    bag: Annotated[int | None, defence_option("N", "bag")] = None,
    learner: Annotated[str | None, defence_option("NAME", "learner", show_default=_LEARNERS)] = None,
    models: Annotated[int, defence_option("N", "models")] = 1000,
    alpha: options.Alpha = 0.001,
    alpha_for: options.AlphaFor = "each",
    centre: Annotated[str, defence_option("CLEAN|POISONED", "centre")] = "clean",
    seed: options.Seed = 0,
    device: options.Device = "auto",
    scheduler: Annotated[str | None, run_option("ADDRESS", "scheduler")] = None,
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
        runs = planned.items()
        found = {name: experiments.run_defence(name, one, kept, executor, folders[name]) for name, one in runs}
    print_reports(found, reason)
    options.write_out(out, (SideBySide(**found) if both else next(iter(found.values()))).write)
