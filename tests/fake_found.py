"""Make up a result of the main panel with the right shapes, for tests of its drawing and its words."""

from itertools import starmap
from types import SimpleNamespace

import numpy as np

from rsbd.noises.smoothing import Threat
from rsbd.panels.backdoor.compute import BackdoorParams, BackdoorResult, LabelledImages
from rsbd.recipes.planted import Rates, SuccessBounds


def fake(models=None, **changes):
    params = BackdoorParams()
    rng = np.random.default_rng(0)
    clean = (rng.random((3, 8, 8)) > 0.6).astype(float)
    poisoned = clean.copy()
    poisoned[:, -3:, -3:] = 1.0
    noised = np.where(rng.random(poisoned.shape) < params.keep, poisoned, 1 - poisoned)
    rows, trigger = changes.pop("rows", 72), changes.pop("trigger", 9)
    map_rows, map_triggers = (0, 1, 2, 3, 5, 10, 20, 50, 100), (1, 2, 4, 9, 16, 25)
    spend = np.outer(map_rows, np.add(map_triggers, 1)) + map_triggers
    accuracies, success = (
        changes.pop("accuracies", np.array([0.88, 0.71, 0.52, 0.31, 0.12, 0.0, 0, 0])),
        (0.97, 0.34, 0.12),
    )
    three = zip((0.93, 0.91, 0.88), changes.pop("attack_success", success), strict=True)
    success_bounds = changes.pop("success_bounds", SuccessBounds(0.1, 0.151, 4))
    models = params.num_models if models is None else models
    dataset = SimpleNamespace(name=changes.pop("dataset", "digits"), counted="pixels", channels=1, num_rows=1437)
    outcome = SimpleNamespace(
        experiment=SimpleNamespace(dataset=dataset, target_name=changes.pop("target", "0")),
        rates=dict(zip(("undefended", "without noise", "smoothed"), starmap(Rates, three), strict=True)),
        success_bounds=success_bounds,
        voted=(models, models),
        final=models >= params.num_models,
    )
    report = SimpleNamespace(
        outcome=outcome,
        certificate=SimpleNamespace(norm=changes.pop("norm", "L0")),
        threat=Threat(rows, trigger),
        budget=changes.pop("budget", rows * (trigger + 1) + trigger),
        against_attack=changes.pop("at_threat", 0.0),
        rows=map_rows,
        triggers=map_triggers,
        sizes=map_triggers,
        accuracy_map=changes.pop("certified", np.maximum(0, 0.9 - 0.15 * spend)),
    )
    labels = ("3", "7", "1"), ("0", "0", "0"), ("0", "4", "0")
    images = tuple(map(LabelledImages, (clean, poisoned, noised), labels))
    return BackdoorResult(params, images, report, changes.pop("radii", np.arange(8.0)), accuracies, **changes)
