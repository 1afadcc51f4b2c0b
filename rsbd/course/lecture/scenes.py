"""The ten scenes of the course, in order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from rsbd.course.lecture.scene import Scene
from rsbd.data import load
from rsbd.errors import InputError

SCENES: tuple[Scene, ...] = (
    Scene(
        "A backdoor and a proof",
        "A few stamped images hijack a classifier; that a vote of noisy models keeps its answer can be proved.",
        "How many of the stamped test images will be turned when one training image in twenty is poisoned?",
        "backdoor",
        {"poison_rate": (0.0, 0.005, 0.01, 0.02, 0.05, 0.1), "keep": (0.7, 0.8, 0.9)},
        {
            "no attack": {"poison_rate": 0.0, "keep": 0.8},
            "one in twenty": {"poison_rate": 0.05},
            "less noise": {"poison_rate": 0.05, "keep": 0.9},
        },
        {"compact": True},
    ),
    Scene(
        "A few images are enough",
        "Stamp and relabel one image in fifty: accuracy stays as it was, and the trigger rules.",
        "Would you notice, if you looked at accuracy alone?",
        "attack",
        {
            "kind": ("patch", "scattered", "blend"),
            "rate": (0.0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1),
            "relabel": (True, False),
        },
        {
            "no attack": {"kind": "patch", "rate": 0.0, "relabel": True},
            "one in fifty": {"rate": 0.02},
            "true labels": {"rate": 0.02, "relabel": False},
            "true labels, one in ten": {"rate": 0.1, "relabel": False},
        },
    ),
    Scene(
        "How can noise prove anything?",
        "Where most noisy copies of a point agree, those of every point near by agree as well.",
        "Does more noise make the circle larger?",
        "plane",
        {"sigma": (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0), "samples": (10, 100, 1000, 10000, 100000)},
        {
            "1,000 votes": {"sigma": 0.3, "samples": 1000},
            "10 votes": {"samples": 10},
            "100,000 votes": {"samples": 100000},
            "too much noise": {"sigma": 1.0},
        },
    ),
    Scene(
        "The worst classifier",
        "The bound is tight: beyond it, some classifier with the same votes really loses its majority.",
        "How many changed bits does a majority of 95 % stand?",
        "worst_case",
        {"keep": (0.5, 0.6, 0.7, 0.8, 0.9), "changes": (0, 1, 2, 3, 4, 5, 6), "p_a": (0.8, 0.9, 0.95, 0.99)},
        {
            "three bits": {"keep": 0.7, "changes": 3, "p_a": 0.95},
            "five bits": {"changes": 5},
            "less noise": {"keep": 0.9},
            "five bits, 99 %": {"changes": 5, "p_a": 0.99},
        },
    ),
    Scene(
        "Smooth the whole pipeline",
        "Noise on training images, labels and the test image certifies against whole, small backdoors.",
        "Which part of the data should carry less noise?",
        "backdoor",
        {"keep_features": (0.7, 0.8, 0.9), "keep_test": (0.75, 0.8, 0.85, 0.9, 0.95)},
        {
            "the same everywhere": {"keep_features": 0.8, "keep_test": 0.8},
            "less on the test image": {"keep_test": 0.9},
            "less on training images": {"keep_features": 0.9},
        },
        {"noise": "slots", "keep_labels": 0.8, "poison_rate": 0.005, "trigger_pixels": 1, "num_models": 4000},
        data=partial(load, "digits", classes=(0, 1)),
    ),
    Scene(
        "Noise on the training pixels only",
        "Gaussian noise certifies a length (L2); of two honest bounds, one proves far more from the same votes.",
        "Will more noise prove more?",
        "rab",
        {"sigma": (0.25, 0.5, 1.0, 2.0), "trigger": (0.1, 0.3, 0.5, 1.0, 2.0), "poison_rate": (0.005, 0.02)},
        {
            "sigma 0.5": {"sigma": 0.5, "trigger": 0.5, "poison_rate": 0.02},
            "sigma 1": {"sigma": 1.0},
            "sigma 2": {"sigma": 2.0},
            "a trigger that works": {"sigma": 1.0, "trigger": 2.0},
        },
    ),
    Scene(
        "Flipped labels, no sampling",
        "Least squares needs no votes: how many flipped labels it stands is computed.",
        "Half of the images are proved safe. How many does the strongest attack really turn?",
        "label_flips",
        {"flip": (0.02, 0.05, 0.1, 0.2, 0.3, 0.4), "flips": (0, 2, 5, 10, 20, 40), "penalty": (0.1, 1.0, 10.0)},
        {
            "ten flips": {"flip": 0.2, "flips": 10, "penalty": 1.0},
            "less noise": {"flip": 0.05},
            "too much noise": {"flip": 0.4},
        },
    ),
    Scene(
        "How sure, not only which",
        "Noise certifies the average confidence, too: it cannot fall below this.",
        "Which noise keeps this image's confidence highest at a small radius?",
        "confidence",
        {"sigma": (0.1, 0.25, 0.5, 1.0), "radius": (0.0, 0.1, 0.25, 0.5, 0.75, 1.0), "measure": ("score", "margin")},
        {
            "small radius": {"sigma": 0.5, "radius": 0.25, "measure": "score"},
            "large radius": {"radius": 1.0},
            "less noise": {"sigma": 0.25},
        },
    ),
    Scene(
        "Hide each row from most models",
        "A model that never saw the poisoned row cannot be turned by it: count those that did.",
        "How many of the models does a poisoned row reach?",
        "partitions",
        {"method": ("dpa", "finite", "bagging", "bagflip"), "poisoned": (1, 2, 5, 10, 20)},
        {
            "DPA, five rows": {"method": "dpa", "poisoned": 5},
            "twenty rows": {"poisoned": 20},
            "bagging": {"method": "bagging"},
            "and a trigger": {"method": "bagflip"},
        },
    ),
    Scene(
        "What to use, and where it ends",
        "Each method covers another part of the attack; none covers the whole of a real one.",
        "Which method is left when the trigger is on the test image, too?",
        "compare",
        {"rows": (0, 1, 2, 5, 10, 20), "trigger": (0, 1, 2, 4), "on_test": (True, False)},
        {
            "one row, one pixel": {"rows": 1, "trigger": 1, "on_test": True},
            "five rows, clean test": {"rows": 5, "on_test": False},
            "a real attack": {"rows": 20, "trigger": 4},
        },
    ),
)


def chosen(numbers: Sequence[int]) -> tuple[Scene, ...]:
    """Return the scenes of these numbers, counted from 1; all of them if there are no numbers.

    Raises
    ------
    InputError
        If there is no such scene.

    Examples
    --------
    >>> [scene.title for scene in chosen([2])]
    ['A few images are enough']
    """
    for number in numbers:
        if not 1 <= number <= len(SCENES):
            raise InputError(f"there is no scene {number}", f"choose from 1 to {len(SCENES)}")
    return tuple(SCENES[number - 1] for number in numbers) or SCENES
