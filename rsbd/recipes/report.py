"""Certify the outcome of an experiment: a curve, a map and the planted attack, as numbers and as files."""

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rsbd.certify import Certificate, certified_map, radius
from rsbd.certify.tables import Column, Tabled
from rsbd.data import Dataset
from rsbd.evasion import AnyPatch, AnyTrigger
from rsbd.files import read_path, write_texts
from rsbd.learners.undefended import undefended_name
from rsbd.noises import Threat
from rsbd.recipes.experiment import Experiment, Outcome
from rsbd.recipes.planted import any_trigger, trigger_size
from rsbd.types import Floats
from rsbd.version import __version__

# The names in files of what experiments and comparisons have in common.
RUN = {"learner": "learner", "models": "num_models", "alpha": "alpha", "alpha_for": "points", "seed": "seed"}
_ROWS = (0, 1, 2, 3, 5, 7, 10, 15, 20)
_TIMES = (0.2, 0.5, 1, 1.5, 2, 3)  # the planted rows, where bags hide many
_LENGTHS = (0.0, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0)
_PIXELS = (0, 1, 2, 3, 4, 6, 9)


@dataclass(frozen=True, repr=False)
class Report(Tabled):
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
        The planted attack as far as the defence can face it.
    budget : float
        The same as one radius: all changed coordinates, or one L2 length.
    against_attack : float
        Certified accuracy against exactly that threat.
    rows, triggers, accuracy_map : tuple, tuple, ndarray
        Certified accuracy against ``rows[i]`` poisoned rows with the trigger ``triggers[j]``: a size in the norm of the
        noise, or any patch or pixels on the test input.
    seconds : float
        Time that certifying took.
    """

    outcome: Outcome
    certificate: Certificate
    radii: Floats
    accuracies: Floats
    threat: Threat
    budget: float
    against_attack: float
    rows: tuple[int, ...]
    triggers: tuple[float | AnyTrigger, ...]
    accuracy_map: Floats
    seconds: float

    @property
    def trigger(self) -> str:
        """What may be on the test input, in words."""
        e, size = self.outcome.experiment, self.threat.trigger
        if isinstance(size, AnyTrigger):
            return str(size)
        norm = e.smoothing.trigger_norm
        return f"any {size:g} {e.dataset.counted}" if norm == "L0" else f"any change of {norm} length {size:.4g}"

    @property
    def planted(self) -> float:
        """Certified accuracy against all of the planted attack; 0 if the defence cannot face a part of it."""
        relabel = self.outcome.experiment.poisoning.relabel
        faced = self.threat.on_test and (self.threat.relabel or not relabel)
        return self.against_attack if faced else 0.0

    @property
    def sizes(self) -> tuple[float, ...]:
        """The triggers of the map as numbers, see ``measured``."""
        return tuple(map(trigger_size, self.triggers))

    @property
    def measured(self) -> str:
        """What ``sizes`` are, in words."""
        e, norm = self.outcome.experiment, self.outcome.experiment.smoothing.trigger_norm
        if not e.triggers:
            return e.dataset.counted if norm == "L0" else f"{norm} length"
        return "side of any patch anywhere" if isinstance(e.triggers[0], AnyPatch) else f"any {e.dataset.counted}"

    def as_dict(self) -> dict[str, Any]:
        """Return everything in ``result.json``: the figures and every setting that made them."""
        outcome, rates, seen = self.outcome, self.outcome.rates, self.outcome.success_bounds
        curve = zip(self.radii, self.accuracies, strict=True)
        cells = np.ndenumerate(self.accuracy_map)
        against = {"accuracy": self.against_attack, "budget": self.budget, "threat": asdict(self.threat)}
        return {
            "planted": {"rows": self.threat.rows, "trigger": self.trigger, "accuracy": self.planted},
            "clean_accuracy": outcome.smoothed.clean_accuracy,
            "clean_accuracy_undefended": rates["undefended"].clean_accuracy,
            "clean_accuracy_without_noise": rates["without noise"].clean_accuracy,
            "attack_success_rate": {
                name.replace(" ", "_"): _number(rate.attack_success_rate) for name, rate in rates.items()
            },
            "smoothed_attack_success_bounds": {name: _number(value) for name, value in asdict(seen).items()},
            "certified_accuracy": {f"{r:.6g}": float(a) for r, a in curve},
            "certified_map": [
                {"rows": self.rows[i], "trigger": self.sizes[j], "accuracy": float(share)} for (i, j), share in cells
            ],
            "trigger_measure": self.measured,
            "against_this_attack": against,
            "norm": self.certificate.norm,
            "with_trigger": None if self.certificate.trigger is None else self.trigger,
            "slots": list(self.certificate.slots),
            "models_that_voted": outcome.votes.num_models,
            "seconds": {**outcome.seconds, "certify": self.seconds},
            "settings": _settings(outcome.experiment),
        }

    def write(self, folder: Path) -> list[Path]:
        """Write ``result.json``, ``points.csv``, ``votes.npz`` and the plot as PNG and SVG; return their paths."""
        from rsbd import plots

        texts = {"result.json": json.dumps(self.as_dict(), indent=2) + "\n", "points.csv": self.to_csv()}
        paths = [*write_texts(folder, texts), read_path(folder) / "votes.npz"]
        self.outcome.votes.save(paths[2])
        return [*paths, *plots.save(self.figure(), folder, "certified")]

    def figure(self) -> Any:
        """Return the curve and the map side by side, as a matplotlib figure."""
        from rsbd import plots

        drawing = plots.new_figure(13, 5)
        left, right = drawing.subplots(1, 2)
        norm, counted = self.certificate.norm, self.outcome.experiment.dataset.counted
        plots.certified_accuracy(self.radii, self.accuracies, norm=norm, counted=counted, budget=self.budget, ax=left)
        if self.certificate.trigger is not None:
            left.set_xlabel(f"poisoned training rows, with {self.trigger} on the test input", fontsize=13)
        size = self.threat.trigger
        assert not isinstance(size, Mapping)  # noqa: S101
        point, cells = (self.threat.rows, trigger_size(size)), (self.accuracy_map, self.rows, self.sizes)
        plots.certified_map(*cells, point=point, measured=self.measured, ax=right)
        return drawing

    def columns(self) -> dict[str, Column]:
        """Return what ``points.csv`` holds of each test point; the radius is -1 where not even 0 is certified."""
        data, votes, bounds = self.outcome.experiment.dataset, self.outcome.votes, self.outcome.bounds
        names = np.array(data.classes, object)
        return {
            "point": np.arange(data.num_points),
            "label": names[data.y_test],
            "predicted": names[bounds.label],
            "votes": np.take_along_axis(votes.counts, bounds.label[:, None], 1)[:, 0],
            # In full: a rounded radius may lie above what is certified, a rounded miss below what bounds it.
            "miss": bounds.miss,
            "radius": self.certificate.radius,
        }


def report(
    outcome: Outcome, rows: Sequence[int] | None = None, triggers: Sequence[float | AnyTrigger] | None = None
) -> Report:
    """Certify an outcome: everything that follows from its votes without training again.

    Parameters
    ----------
    outcome : Outcome
        The votes, all of them or those that have arrived.
    rows, triggers : sequence, optional
        Numbers of poisoned rows, and sizes of the trigger (or some of the experiment's ``triggers``), in the map.
    """
    began = time.perf_counter()
    e, data = outcome.experiment, outcome.experiment.dataset
    certificate = radius(outcome.bounds, e.smoothing, e.smoothing.radius_slots, num_rows=data.num_rows)
    radii = radii_up_to(float(max(certificate.radius.max(), 0)), certificate.norm)
    threat = planted_threat(e, int(outcome.attack.mask.sum()), e.smoothing.trigger_norm)
    usual = sorted({0, 1, *(round(threat.rows * times) for times in _TIMES)}) if e.triggers and threat.rows else _ROWS
    rows = tuple(rows or (number for number in usual if number <= data.num_rows))
    triggers = tuple(triggers or _default_triggers(e))
    plain = outcome.bounds_against(None) if e.triggers else outcome.bounds
    each = [outcome.bounds_against(size) if isinstance(size, AnyTrigger) else plain for size in triggers]
    kind = (threat.relabel, threat.on_test, data.num_rows)
    cells = certified_map(each, data.y_test, e.smoothing, rows, triggers, *kind)
    planted: Any = threat.trigger  # it is no mapping
    against = certified_map(outcome.bounds, data.y_test, e.smoothing, [threat.rows], [planted], *kind)
    accuracies, budget = certificate.curve(data.y_test, radii), threat.budget(certificate.norm)
    known: Any = {"rows": rows, "triggers": triggers, "accuracy_map": cells, "seconds": time.perf_counter() - began}
    return Report(outcome, certificate, radii, accuracies, threat, budget, float(against[0, 0]), **known)


def _default_triggers(e: Experiment) -> tuple[float | AnyTrigger, ...]:
    if e.triggers:
        return (0, *sorted(e.triggers, key=trigger_size))
    return tuple(t * e.dataset.channels for t in _PIXELS) if e.smoothing.trigger_norm == "L0" else _LENGTHS


def radii_up_to(top: float, norm: str) -> Floats:
    """Return the radii to report: each count up to 100 and fewer beyond, to ``top``; or a hundred lengths past it."""
    if norm not in ("L0", "rows"):
        # Lengths have six digits, as in the files: each accuracy belongs to exactly the length that is written.
        return np.array([float(f"{length:.6g}") for length in np.linspace(0, top * 1.05 or 1.0, 101)])
    every = np.arange(min(top, 100) + 2)
    return every if top <= 100 else np.unique(np.concatenate([every, np.round(np.geomspace(102, top, 40))]))


def planted_threat(experiment: Experiment, rows: int, norm: str) -> Threat:
    """Return the experiment's own attack as a threat in ``norm``, without the parts that no noise covers.

    Where votes are held against triggers, it is any trigger of its kind, and any content of the poisoned rows.
    """
    poisoning, shape, smoothing = experiment.poisoning, experiment.dataset.shape, experiment.smoothing
    if experiment.triggers:
        return Threat(rows, any_trigger(poisoning.trigger, shape), poisoning.relabel)
    covered = smoothing.labels is not None or smoothing.rows is not None
    size = poisoning.trigger.budget(shape, norm)
    return Threat(rows, size, relabel=poisoning.relabel and covered, on_test=smoothing.test is not None)


def _number(rate: float) -> float | None:
    """Return the rate, or None in place of NaN, which JSON does not have."""
    return None if math.isnan(rate) else rate


def _settings(e: Experiment) -> dict[str, Any]:
    """Return every setting that determines the outcome."""
    data = e.dataset
    return {
        **dataset_settings(data),
        "values": data.values,
        "trigger": repr(e.poisoning.trigger),
        "target": e.target_name,
        "relabel": e.poisoning.relabel,
        "poison_rate": e.poisoning.rate,
        "undefended_learner": undefended_name(e.undefended),
        **plain_settings(e, RUN | {name: name for name in ("smoothing", "centre", "watched")}),
        "device": str(e.device),
        "held_against": [str(trigger) for trigger in e.triggers],
    }


def plain_settings(thing: object, names: Mapping[str, str]) -> dict[str, Any]:
    """Return attributes of a thing, given by the names that they get; what is no number or text, as text."""
    found = {name: getattr(thing, attribute) for name, attribute in names.items()}
    return {name: v if v is None or isinstance(v, (int, float, str)) else repr(v) for name, v in found.items()}


def dataset_settings(data: Dataset) -> dict[str, Any]:
    """Return what determines a data set, and the version of the package, for result.json."""
    return {
        "dataset": data.name,
        "classes": list(data.classes),
        "rows": data.num_rows,
        "points": data.num_points,
        "fingerprint": data.fingerprint(),
        "version": __version__,
    }
