"""The main panel in words: the sentence that reads the result, and what the picture shows."""

from __future__ import annotations

import numpy as np

from rsbd.panels.backdoor.params import Floats, Found, Params
from rsbd.words import count, percent, state


def noise(params: Params) -> str:
    """Name the noise with its settings."""
    if params.noise == "gaussian":
        return f"sigma {params.sigma:g}, keep {params.keep_labels:g} labels"
    if params.noise == "tied":
        return f"keep {params.keep:g}"
    return f"keep {params.keep_features:g} features, {params.keep_labels:g} labels, {params.keep_test:g} test"


def quoted_radius(found: Found) -> float:
    """Return the largest radius at which half of the points are certified; else the smallest above 0."""
    held = found.radii[(found.accuracies >= 0.5) & (found.radii > 0)]
    above = found.radii[found.radii > 0]
    return float(held.max() if held.size else above.min())


def size(found: Found) -> str:
    """Name the trigger's size in its norm."""
    return count(found.trigger, "pixel") if found.norm == "L0" else f"L2 size {found.trigger:.3g}"


def threat(found: Found) -> str:
    """Name the attacker's budget."""
    if not found.rows:
        return f"no poisoned image, a trigger of {size(found)} on the test image"
    labels = "relabelled" if found.relabel else "labels unchanged"
    images = count(found.rows, "poisoned image")
    return f"{images}, a trigger of {size(found)}, {labels}, trigger on the test image"


def sentence(found: Found) -> str:
    """Read the result honestly: what is certified, against what, and what the attack did."""
    params, radius = found.params, quoted_radius(found)
    share = float(found.accuracies[np.searchsorted(found.radii, radius)])
    if found.norm == "L0":
        plural = "" if radius == 1 else "s"
        change = f"no change of up to {radius:g} pixel{plural} or label{plural}"
        where = "in the training set and the test image together"
    else:
        change = f"no change of L2 length up to {radius:.3g}"
        where = "of the training images and the test image together, labels untouched,"
    models, valid = f"{found.models:,} models", "" if found.naive is None else ", valid while watched"
    opening = f"With {models}" if found.final else f"Preview after {models} of {params.num_models:,}"
    return (
        f"{opening} and {noise(params)}: {percent(share)} of test images are classified correctly and certified: "
        f"{change} {where} can alter the prediction (alpha = {params.alpha:g}{valid}). "
        f"Against this attack's whole budget ({threat(found)}) {percent(found.at_threat)} are certified. "
        f"The attack turned {percent(found.attack_success[0])} of triggered test images into "
        f"\u201c{found.target}\u201d undefended and {percent(found.attack_success[1])} smoothed."
    )


def alt(found: Found) -> str:
    """Say what the picture shows, with every setting and the main figures."""
    params = found.params
    naive, looks = "", "watched, " if params.watched else ""
    if found.naive is not None:
        naive = f" Clopper-Pearson would claim {_curve(found, found.naive)}, not validly while watched."
    clean, fooled = found.clean_accuracy, found.attack_success
    return (
        f"Backdoor panel on {found.dataset}: {noise(params)}, trigger {params.trigger_pixels} pixels, "
        f"poison rate {params.poison_rate:g}, {looks}{params.num_models} models, alpha {params.alpha:g} "
        f"{state(found.models, params.num_models)}. "
        "Sample images clean, poisoned and noised. "
        f"Clean accuracy {percent(clean[0])} undefended, {percent(clean[1])} smoothed. "
        f"Attack success {percent(fooled[0])} undefended, {percent(fooled[1])} smoothed. "
        f"Certified accuracy by {found.norm} radius: {_curve(found, found.accuracies)}.{naive} "
        f"Attacker's budget {found.budget:.4g}."
    )


def _curve(found: Found, accuracies: Floats) -> str:
    """Write down some points of a curve."""
    pairs = list(zip(found.radii.tolist(), accuracies.tolist(), strict=True))
    pairs = [pair for pair in pairs[:: max(1, len(pairs) // 6)] if pair[1] > 0]
    return ", ".join(f"{percent(accuracy)} at {radius:.3g}" for radius, accuracy in pairs) or "none"
