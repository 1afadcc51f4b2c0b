"""Make up a panel result of the right shapes, for tests of drawing and words."""

import numpy as np

from rsbd.panels.backdoor.params import Found, Params, Samples


def fake(params=None, models=None, **changes):
    params = params or Params()
    rng = np.random.default_rng(0)
    clean = (rng.random((3, 8, 8)) > 0.6).astype(float)
    poisoned = clean.copy()
    poisoned[:, -3:, -3:] = 1.0
    noised = np.where(rng.random(poisoned.shape) < params.keep, poisoned, 1 - poisoned)
    rows = round(params.poison_rate * 1437)
    trigger = params.trigger_pixels
    map_rows = np.array([0, 1, 2, 3, 5, 10, 20, 50, 100.0])
    map_triggers = np.array([1, 2, 4, 9, 16, 25.0])
    spend = map_rows[:, None] * (map_triggers + 1) + map_triggers
    values = {
        "params": params,
        "dataset": "digits",
        "target": "0",
        "samples": Samples(clean, poisoned, noised, ("3", "7", "1"), ("0", "0", "0"), ("0", "4", "0")),
        "clean_accuracy": (0.93, 0.88),
        "attack_success": (0.97, 0.12),
        "radii": np.arange(8.0),
        "accuracies": np.array([0.88, 0.71, 0.52, 0.31, 0.12, 0.0, 0, 0]),
        "norm": "L0",
        "relabel": True,
        "rows": rows,
        "trigger": trigger,
        "budget": rows * (trigger + 1) + trigger,
        "at_threat": 0.0,
        "map_rows": map_rows,
        "map_triggers": map_triggers,
        "certified": np.maximum(0, 0.9 - 0.15 * spend),
        "models": params.num_models if models is None else models,
    }
    return Found(**{**values, **changes})
