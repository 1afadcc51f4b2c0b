"""What an experiment's votes prove: curve, map and the planted attack, as numbers and as files."""

from __future__ import annotations

import csv
import io
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from rsbd.certify import Certificate, certified_map, certify, radius
from rsbd.files import whole
from rsbd.noises.smoothing import Threat
from rsbd.recipes.experiment import Experiment, Outcome
from rsbd.version import __version__

ROWS = (0, 1, 2, 3, 5, 7, 10, 15, 20)
LENGTHS = (0.0, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0)
TRIGGERS = {"L0": (0, 1, 2, 3, 4, 6, 9), "L1": LENGTHS, "L2": LENGTHS}


@dataclass(frozen=True)
class Report:
    """Certified accuracies of one outcome.

    Parameters
    ----------
    outcome : Outcome
        The votes and rates that this speaks of.
    certificate : Certificate
        Certified radius per point.
    radii, accuracies : ndarray
        Certified accuracy by radius, over all noised slots together.
    threat : Threat
        The planted attack as far as the noise can face it.
    budget : float
        The same as one radius: all changed coordinates, or one L2 length.
    against_attack : float
        Certified accuracy against exactly that threat.
    rows, triggers, accuracy_map : tuple, tuple, ndarray
        Certified accuracy against ``rows[i]`` poisoned rows with a trigger of size ``triggers[j]``.
    seconds : float
        Time that certifying took.
    """

    outcome: Outcome
    certificate: Certificate
    radii: NDArray[np.float64]
    accuracies: NDArray[np.float64]
    threat: Threat
    budget: float
    against_attack: float
    rows: tuple[int, ...]
    triggers: tuple[float, ...]
    accuracy_map: NDArray[np.float64]
    seconds: float


def report(outcome: Outcome, rows: tuple[int, ...] | None = None, triggers: tuple[float, ...] | None = None) -> Report:
    """Certify an outcome: everything that follows from its votes without training again."""
    began = time.perf_counter()
    e, data = outcome.experiment, outcome.experiment.dataset
    certificate = radius(outcome.bounds, e.smoothing, e.smoothing.radius_slots, num_rows=data.num_rows)
    radii = radii_up_to(float(max(certificate.radius.max(), 0)), certificate.norm)
    norm = e.smoothing.trigger_norm
    triggers = triggers or TRIGGERS.get(norm, LENGTHS)
    rows = rows or tuple(number for number in ROWS if number <= data.num_rows)
    threat = planted_threat(e, int(outcome.mask.sum()), norm)
    cells = certified_map(
        outcome.bounds,
        data.y_test,
        e.smoothing,
        rows,
        triggers,
        relabel=threat.relabel,
        on_test=threat.on_test,
        num_rows=data.num_rows,
    )
    held = certify(outcome.bounds, e.smoothing, threat, data.num_rows) & (outcome.bounds.label == data.y_test)
    return Report(
        outcome=outcome,
        certificate=certificate,
        radii=radii,
        accuracies=certificate.curve(data.y_test, radii),
        threat=threat,
        budget=threat.budget(certificate.norm),
        against_attack=float(held.mean()),
        rows=rows,
        triggers=triggers,
        accuracy_map=cells,
        seconds=time.perf_counter() - began,
    )


def radii_up_to(top: float, norm: str) -> NDArray[np.float64]:
    """Radii to report: every count up to 100, ever fewer beyond and the last ``top``, or a hundred lengths past it."""
    if norm not in ("L0", "rows"):
        # Lengths of six digits, as they are written down: the accuracy is the one at the very number that is read.
        return np.array([float(f"{length:.6g}") for length in np.linspace(0, top * 1.05 or 1.0, 101)])
    every = np.arange(min(top, 100) + 2)
    return every if top <= 100 else np.unique(np.concatenate([every, np.round(np.geomspace(102, top, 40))]))


def planted_threat(experiment: Experiment, rows: int, norm: str) -> Threat:
    """The experiment's own attack as a threat, in ``norm``; what no noise covers is left out and must be said."""
    size = experiment.poisoning.trigger.budget(experiment.dataset.shape, norm)
    covered = experiment.smoothing.labels is not None or experiment.smoothing.rows is not None
    relabel = experiment.poisoning.relabel and covered
    return Threat(rows=rows, trigger=size, relabel=relabel, on_test=experiment.smoothing.test is not None)


def as_dict(found: Report) -> dict[str, Any]:
    """Everything in ``result.json``: the figures and every setting that made them."""
    outcome, e = found.outcome, found.outcome.experiment
    seconds = {"train": outcome.seconds["train"], "vote": outcome.seconds["vote"], "certify": found.seconds}
    return {
        "clean_accuracy": outcome.smoothed.clean_accuracy,
        "clean_accuracy_undefended": outcome.undefended.clean_accuracy,
        "clean_accuracy_unpoisoned": outcome.unpoisoned,
        "attack_success_rate": {
            "undefended": outcome.undefended.attack_success_rate,
            "smoothed": outcome.smoothed.attack_success_rate,
        },
        "certified_accuracy": {f"{r:.6g}": float(a) for r, a in zip(found.radii, found.accuracies, strict=True)},
        "certified_map": [
            {"rows": rows, "trigger": trigger, "accuracy": float(found.accuracy_map[i, j])}
            for i, rows in enumerate(found.rows)
            for j, trigger in enumerate(found.triggers)
        ],
        "against_this_attack": {
            "accuracy": found.against_attack,
            "budget": found.budget,
            "threat": asdict(found.threat),
        },
        "norm": found.certificate.norm,
        "slots": list(found.certificate.slots),
        "models_that_voted": outcome.votes.num_models,
        "seconds": {**seconds, "undefended": outcome.seconds["undefended"]},
        "settings": settings(e),
    }


def settings(e: Experiment) -> dict[str, Any]:
    """Every setting that determines the outcome."""
    data = e.dataset
    return {
        "dataset": data.name,
        "classes": list(data.classes),
        "values": data.values,
        "rows": data.num_rows,
        "points": data.num_points,
        "fingerprint": data.fingerprint(),
        "trigger": repr(e.poisoning.trigger),
        "target": data.classes[data.label(e.poisoning.target)],
        "source": e.poisoning.source,
        "relabel": e.poisoning.relabel,
        "poison_rate": e.poisoning.rate,
        "smoothing": repr(e.smoothing),
        "learner": repr(e.learner),
        "models": e.num_models,
        "alpha": e.alpha,
        "alpha_for": e.points,
        "seed": e.seed,
        "device": str(e.device),
        "centre": e.centre,
        "until": None if e.until is None else repr(e.until),
        "version": __version__,
    }


def write(found: Report, folder: Path) -> list[Path]:
    """Write ``result.json``, ``points.csv``, ``votes.npz`` and the plot as PNG and SVG; return their paths."""
    from rsbd import plots

    folder.mkdir(parents=True, exist_ok=True)
    names = ("result.json", "points.csv", "votes.npz")
    paths = [folder / name for name in names]
    with whole(paths[0]) as file:
        file.write(json.dumps(as_dict(found), indent=2).encode() + b"\n")
    with whole(paths[1]) as file:
        text = io.StringIO(newline="")
        _write_points(found, text)
        file.write(text.getvalue().encode())
    found.outcome.votes.save(paths[2])
    return [*paths, *plots.save(figure(found), folder, "certified")]


def figure(found: Report) -> Any:
    """Curve and map side by side, as a matplotlib figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from rsbd import plots

    drawing = Figure(figsize=(13, 5), layout="constrained")
    FigureCanvasAgg(drawing)
    left, right = drawing.subplots(1, 2)
    norm = found.certificate.norm
    plots.certified_accuracy(found.radii, found.accuracies, norm=norm, budget=found.budget, ax=left)
    point = (found.threat.rows, float(found.threat.trigger))  # type: ignore[arg-type]
    measured = found.outcome.experiment.smoothing.trigger_norm
    plots.certified_map(found.accuracy_map, found.rows, found.triggers, point=point, norm=measured, ax=right)
    return drawing


def _write_points(found: Report, file: IO[str]) -> None:
    outcome, data = found.outcome, found.outcome.experiment.dataset
    table = csv.writer(file)
    table.writerow(["point", "label", "predicted", "votes", "miss", f"radius ({found.certificate.norm})"])
    votes, evidence, certificate = outcome.votes, outcome.bounds, found.certificate
    for i, y in enumerate(data.y_test):
        label = int(evidence.label[i])
        radius_ = certificate.radius[i]
        # In full: a rounded radius may lie above what is certified, a rounded miss below what bounds it.
        held = radius_ if radius_ >= 0 else "abstain"
        names = (data.classes[int(y)], data.classes[label])
        table.writerow([i, *names, int(votes.counts[i, label]), evidence.miss[i], held])
