"""Draw two wide pictures from real runs: plant, watch, smooth, certify; and both defences against the planted attack.

python .ci/overview.py notebooks/images
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rsbd import plots
from rsbd.attacks import BadPatch
from rsbd.attacks.poisoning import Poisoning
from rsbd.course.lessons.data_and_attacks import noised, two_digits
from rsbd.evasion import AnyPatch
from rsbd.noises import Flip
from rsbd.noises.smoothing import Smoothing
from rsbd.panels.svg import ORANGE
from rsbd.plots import BLUE, VERMILLION
from rsbd.recipes.defences import with_bags
from rsbd.recipes.experiment import Experiment
from rsbd.recipes.report import Report, report
from rsbd.words import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_RATES, _SIDES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2), (1, 2, 3, 4, 5, 6, 7)


def run(num_models: int = 1000) -> Report:
    """Plant a 3 x 3 patch on one row in twenty, and certify against it with keep 0.8 in all three slots."""
    noise = Flip(0.8)
    smoothing = Smoothing(features=noise, labels=noise, test=noise)
    attack = Poisoning(BadPatch(3), target=0, rate=0.05)
    return report(Experiment(two_digits(), attack, smoothing, num_models=num_models).run())


def overview(found: Report) -> Figure:
    """Draw the four steps of a run side by side."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(16, 4.6), facecolor="white")
    FigureCanvasAgg(drawing)
    steps = (
        ("1  plant a backdoor", 0.005, 0.068, 0.175, _plant),
        ("2  watch it work", 0.28, 0.28, 0.185, _watch),
        ("3  smooth with noise", 0.505, 0.565, 0.175, _smooth),
        ("4  certify", 0.785, 0.785, 0.205, _certify),
    )
    for title, margin, left, width, draw in steps:
        ax = drawing.add_axes((left, 0.2, width, 0.66))
        draw(found, ax)
        ax.set_anchor("N")
        drawing.text(margin, 0.92, title, fontsize=20, fontweight="bold")
    return drawing


def alt(found: Report) -> str:
    """Return the picture in words."""
    outcome, certified = (found.outcome, found.certificate.curve(found.outcome.experiment.dataset.y_test, [1, 2, 3]))
    first, second, third = (percent(float(share)) for share in certified)
    seen, bare = outcome.attack.undefended, percent(outcome.attack.without_noise.attack_success_rate)
    fooled, clean = percent(seen.attack_success_rate), percent(seen.clean_accuracy)
    return (
        "Four steps. Plant: digits stamped with a white square and relabelled. "
        f"Watch: least squares is fooled by {fooled} of triggered images while clean accuracy stays at {clean}; the "
        f"class means of the vote, without noise, by {bare}. "
        "Smooth: the digits with random pixels flipped; a thousand models vote. "
        f"Certify: {first} of predictions are right and proved to withstand any one change, {second} any two, "
        f"{third} any three."
    )


def run_both(num_models: int = 1000) -> tuple[Report, Report]:
    """Certify with noise and with bags against patches on the test image and rows poisoned at 0 to 20 %."""
    data, attack = two_digits(), Poisoning(BadPatch(3), target=0, rate=0.05)
    rows = [round(rate * data.num_rows) for rate in _RATES]
    patches = tuple(map(AnyPatch, _SIDES))
    noise = Experiment(data, attack, Smoothing.flips(data, 0.8), num_models=num_models).run()
    bags = with_bags(data, attack, num_models=num_models)
    bags = replace(bags, triggers=tuple(sorted(patches, key=lambda patch: patch.side != 3)))  # the planted one first
    return report(noise, rows, [side**2 for side in _SIDES]), report(bags.run(), rows, patches)


def defences(noise: Report, bags: Report) -> Figure:
    """Draw certified accuracy by poison rate and side of the patch, for each defence."""
    drawing = plots.new_figure(16, 4.9)
    titles = (
        "noise on everything: 80 % of pixels and labels kept",
        "bags of few rows, and votes that no patch can move",
    )
    for ax, found, title in zip(drawing.subplots(1, 2), (noise, bags), titles, strict=True):
        plots.certified_map(found.accuracy_map, found.rows, _SIDES, point=(found.threat.rows, 3), ax=ax)
        ax.set_title(title, fontsize=17, fontweight="bold", loc="left", pad=12)
        ax.set_xticks(range(len(_SIDES)), [f"{side}x{side}" for side in _SIDES], fontsize=15)
        ax.set_yticks(range(len(_RATES)), [f"{rate:.0%}" for rate in _RATES], fontsize=15)
        ax.set_xlabel("patch on the test image", fontsize=15)
        ax.set_ylabel("poisoned training images", fontsize=15)
    return drawing


def alt_defences(noise: Report, bags: Report) -> str:
    """Return the picture of both defences in words."""
    e = bags.outcome.experiment
    return (
        f"Two maps for {e.dataset.num_rows} images of 0 and 1: the share of test images that are right and proved to "
        "stay so, by the share of poisoned training images and the side of the patch on the test image. The planted "
        f"attack, {bags.threat.rows} poisoned images and a 3x3 patch, is outlined: {percent(noise.planted)} with "
        f"noise, {percent(bags.planted)} with bags whose votes no such patch can move."
    )


def _plant(found: Report, ax: Axes) -> None:
    outcome = found.outcome
    e, rows = outcome.experiment, np.flatnonzero(outcome.attack.mask)[:3]
    poisoned, _ = e.poisoning.apply(e.dataset, e.seed)
    plots.images({"clean": e.dataset.x[rows], "poisoned": poisoned.x[rows]}, ax=ax)
    ax.tick_params(labelsize=15)
    ax.set_xlabel(
        f"{len(np.flatnonzero(outcome.attack.mask))} of {e.dataset.num_rows} training images,\n"
        f"all relabelled \u201c{e.dataset.classes[e.dataset.label(e.poisoning.target)]}\u201d",
        fontsize=15,
    )


def _watch(found: Report, ax: Axes) -> None:
    attack = found.outcome.attack
    bars = (
        ("fooled: class means, no noise", attack.without_noise.attack_success_rate, ORANGE),
        ("fooled: least squares", attack.undefended.attack_success_rate, VERMILLION),
        ("clean accuracy", attack.undefended.clean_accuracy, BLUE),
    )
    for at, (name, value, colour) in enumerate(bars):
        ax.barh([at], [value], color=colour, height=0.42)
        ax.text(0, at + 0.29, name, fontsize=15)
        inside = value > 0.3
        ink, side = ("white" if inside and colour != ORANGE else "black"), ("right" if inside else "left")
        where = value + (-0.03 if inside else 0.02)
        ax.text(where, at, percent(value), fontsize=17, color=ink, va="center", ha=side, weight="bold")
    ax.set_xlim(0, 1.02)
    ax.set_ylim(-0.4, 2.65)
    ax.axis("off")


def _smooth(found: Report, ax: Axes) -> None:
    e = found.outcome.experiment
    rows = np.flatnonzero(found.outcome.attack.mask)[:3]
    copies = {f"model {i + 1}": noised(e.smoothing.features, e.dataset.x[rows], seed=i) for i in range(2)}
    plots.images(copies, ax=ax)
    ax.tick_params(labelsize=15)
    ax.set_xlabel(f"{e.num_models:,} models learn from\ncopies of their own, and vote", fontsize=15)


def _certify(found: Report, ax: Axes) -> None:
    radii = [0, 1, 2, 3, 4]
    certified = found.certificate.curve(found.outcome.experiment.dataset.y_test, radii)
    ax.bar(radii, certified, color=BLUE, width=0.7)
    for radius, share in zip(radii, certified, strict=True):
        ax.text(radius, share + 0.02, percent(float(share)), fontsize=14, ha="center", weight="bold")
    ax.set_xticks(radii)
    ax.set_yticks([])
    ax.set_ylim(0, 1.12)
    ax.tick_params(labelsize=15)
    ax.set_xlabel("right, and proved to stay so,\nby changed pixels and labels", fontsize=15)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)


def main() -> None:
    """Write both pictures into the folder that the command names, and print them in words."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    found = run()
    both, folder = run_both(), parser.parse_args().folder
    drawings = {"overview": (overview(found), alt(found)), "defences": (defences(*both), alt_defences(*both))}
    for name, (drawing, words) in drawings.items():
        drawing.savefig(folder / f"{name}.png", dpi=100, metadata={"Software": None, "Description": words})
        print(words)  # for the page that shows them


if __name__ == "__main__":
    main()
