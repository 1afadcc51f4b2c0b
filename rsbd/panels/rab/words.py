"""The panel in words: the sentence that reads the result, and what the picture shows."""

from __future__ import annotations

import numpy as np

from rsbd.panels.rab.params import Found
from rsbd.words import count, percent, state

NAMES = {"clopper-pearson": "Clopper-Pearson", "hoeffding": "Hoeffding", "anytime": "anytime bound"}


def attack(found: Found) -> str:
    """Write the attack's total length as it comes about.

    It is the square root of the number of rows, times the trigger's norm.
    """
    if not found.rows:
        return "no poisoned image"
    return f"\u221a{found.rows} \u00d7 {found.params.trigger:g} = {found.budget:.3g}"


def sentence(found: Found) -> str:
    """Read the result honestly: what is certified by either bound, against what, and what the attack did."""
    params, (undefended, smoothed) = found.params, found.attack_success
    models = f"{found.models:,} models"
    opening = f"With {models}" if found.final else f"Preview after {models} of {params.num_models:,}"
    shares = {name: percent(value) for name, value in found.at_attack.items()}
    if found.final:
        proved = f"{shares['clopper-pearson']} by Clopper-Pearson, {shares['hoeffding']} by Hoeffding on the same votes"
    else:
        proved = f"{shares['anytime']} by a bound that may be watched"
    return (
        f"{opening} and sigma {params.sigma:g}, test images that are classified correctly and proved to stay so under "
        f"any change of the training pixels of total L2 length {found.budget:.3g} "
        f"({count(found.rows, 'poisoned image')}, trigger {params.trigger:g}): {proved} (alpha = {params.alpha:g}). "
        f"Labels and the test image are not covered. The attack, which also relabels its images, turned "
        f"{percent(undefended)} of triggered test images into \u201c{found.target}\u201d undefended and "
        f"{percent(smoothed)} smoothed."
    )


def alt(found: Found) -> str:
    """Say what the picture shows, with every setting and the main figures."""
    params = found.params
    curves = "; ".join(
        f"{NAMES[name]} {', '.join(f'{percent(float(c[i]))} at {found.radii[i]:.3g}' for i in _few(c))}, "
        f"{percent(found.at_attack[name])} at this attack"
        for name, c in found.curves.items()
    )
    undefended, smoothed = found.attack_success
    return (
        f"RAB panel on {found.dataset}: sigma (pixel units) {params.sigma:g}, trigger (L2 norm) {params.trigger:g}, "
        f"poison rate {params.poison_rate:g}, models {params.num_models}, alpha {params.alpha:g}. A training image "
        f"clean, with the trigger and noised. Certified accuracy by total L2 length: {curves}. This attack: "
        f"{attack(found)}. Attack success {percent(undefended)} undefended, {percent(smoothed)} smoothed. "
        f"{state(found.models, params.num_models)}"
    )


def _few(curve: np.ndarray) -> list[int]:
    """Some points of a curve, as far as there is something certified."""
    return [i for i in range(0, len(curve), 20) if i == 0 or curve[i] > 0]
