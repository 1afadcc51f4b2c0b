"""The stored result on all ones and sevens of MNIST: ``python .ci/mnist_labels.py FILE`` makes it anew."""

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
from rsbd.recipes.least_squares import LeastSquares

BLOCK = 200  # points at once, so that a million influences are held and not thirty
STEPS = tuple(range(0, 1201, 10))


def mnist_labels(
    data: Dataset, keeps: Sequence[float] = (0.99, 0.9, 0.8, 0.7, 0.6, 0.55), steps: Sequence[int] = STEPS
) -> dict[str, Any]:
    """Tell what is certified at each keep, and by how many flips least squares is turned.

    Examples
    --------
    >>> found = mnist_labels(load("digits", view="unit", classes=(0, 1)), keeps=(0.8,), steps=(0, 5))
    >>> found["certified"][0]["exact"][1] > found["certified"][0]["closed_form"][1]
    True
    """
    model = LeastSquares.fit(data.x)
    parts = [
        fewest_flips(model.influence(data.x_test[i : i + BLOCK]), data.y) for i in range(0, data.num_points, BLOCK)
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
