"""Compute the stored result on all ones and sevens of MNIST.

python .ci/mnist_labels.py notebooks/results/mnist-labels.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rsbd.attacks.label_flips import fewest_flips
from rsbd.data import Dataset, load
from rsbd.recipes import rosenfeld
from rsbd.recipes.rosenfeld import LeastSquares

_BLOCK = 200  # points at once: a million influences fit in memory, thirty million may not
_STEPS = tuple(range(0, 1201, 10))


def mnist_labels(
    data: Dataset, keeps: Sequence[float] = (0.99, 0.9, 0.8, 0.7, 0.6, 0.55), steps: Sequence[int] = _STEPS
) -> dict[str, Any]:
    """Return what is certified at each keep, and how many flips change the answers of least squares."""
    model = LeastSquares.fit(data.x)
    parts = [
        fewest_flips(model.influence(data.x_test[i : i + _BLOCK]), data.y) for i in range(0, data.num_points, _BLOCK)
    ]
    label, needed = (np.concatenate(part) for part in zip(*parts, strict=True))
    right = label == data.y_test
    certified = []
    for keep in keeps:
        found = rosenfeld(data, keep)
        certified.append(
            {
                "keep": keep,
                "exact": found.certificate.curve(data.y_test, steps).round(4).tolist(),
                "closed_form": found.closed_form.curve(data.y_test, steps).round(4).tolist(),
                "median_radius": float(np.median(found.certificate.radius)),
                "median_closed_form": float(np.median(found.closed_form.radius)),
            }
        )
    return {
        "settings": {
            "dataset": data.name,
            "classes": list(data.classes),
            "rows": data.num_rows,
            "points": data.num_points,
            "view": "unit",
            "penalty": model.penalty,
            "fingerprint": data.fingerprint(),
        },
        "flips": list(steps),
        "clean_accuracy": float(right.mean()),
        "attacked": [round(float(np.mean(right & (needed > m))), 4) for m in steps],
        "median_needed": float(np.median(needed)),
        "certified": certified,
    }


if __name__ == "__main__":
    ones_and_sevens = load("mnist", view="unit", classes=(1, 7))
    Path(sys.argv[1]).write_text(json.dumps(mnist_labels(ones_and_sevens)) + "\n", "utf-8")
