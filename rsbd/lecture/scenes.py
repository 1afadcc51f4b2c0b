"""The ten scenes, in the order in which they tell the story."""

from __future__ import annotations

from collections.abc import Sequence

from rsbd.errors import InputError
from rsbd.lecture.scene import Scene

KEEPS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)
FIRST = {"compact": True}

SCENES: tuple[Scene, ...] = (
    Scene(
        "A backdoor and a proof",
        "A few stamped images hijack a classifier; a vote of noisy models can be proved to hold.",
        "Where will the attack success go when we poison more images?",
        "backdoor",
        {"poison_rate": (0.0, 0.005, 0.01, 0.02, 0.05, 0.1), "keep": (0.7, 0.8, 0.9)},
        {
            "no attack": {"poison_rate": 0.0, "keep": 0.8},
            "one in twenty": {"poison_rate": 0.05},
            "less noise": {"poison_rate": 0.05, "keep": 0.9},
        },
        FIRST,
    ),
    Scene(
        "The trigger",
        "A larger trigger needs fewer images, and costs the attacker more of the budget.",
        "How small can the trigger be?",
        "backdoor",
        {"trigger_pixels": (1, 2, 4, 9, 16, 25), "poison_rate": (0.01, 0.05)},
        {
            "3 by 3": {"trigger_pixels": 9, "poison_rate": 0.05},
            "one pixel": {"trigger_pixels": 1},
            "5 by 5, few": {"trigger_pixels": 25, "poison_rate": 0.01},
        },
        FIRST,
    ),
    Scene(
        "Too little noise, too much noise",
        "Without noise nothing is certified; with too much, nothing is right.",
        "Which keep certifies most at radius 1?",
        "backdoor",
        {"keep": KEEPS},
        {"middle": {"keep": 0.8}, "no noise": {"keep": 1.0}, "only noise": {"keep": 0.5}},
        FIRST,
    ),
    Scene(
        "More models, finer evidence",
        "More votes leave less doubt; the noise sets the limit.",
        "Do ten times the models give ten times the radius?",
        "backdoor",
        {"num_models": (100, 200, 500, 1000, 2000, 5000)},
        {"a hundred": {"num_models": 100}, "a thousand": {"num_models": 1000}, "5,000": {"num_models": 5000}},
    ),
    Scene(
        "How sure is sure?",
        "Being a hundred times surer costs little.",
        "What does a smaller alpha cost?",
        "backdoor",
        {"alpha": (0.1, 0.05, 0.01, 0.001, 0.0001)},
        {"1 in 1,000": {"alpha": 0.001}, "1 in 10": {"alpha": 0.1}, "1 in 10,000": {"alpha": 0.0001}},
    ),
    Scene(
        "The certified map",
        "A proof names the attacks that it rules out, by poisoned images and trigger size.",
        "Which cell is the attack that we saw?",
        "backdoor",
        {"poison_rate": (0.0, 0.005, 0.01, 0.05), "trigger_pixels": (1, 4, 9)},
        {
            "the attack": {"poison_rate": 0.05, "trigger_pixels": 9},
            "one image, one pixel": {"poison_rate": 0.005, "trigger_pixels": 1},
        },
    ),
    Scene(
        "Noise where it is cheap",
        "Models average over training images, not over the test image: give each part its own noise.",
        "Which slider fills the next cell?",
        "backdoor",
        {"keep_features": (0.6, 0.7, 0.8, 0.85, 0.9), "keep_test": (0.75, 0.8, 0.85, 0.9, 0.95)},
        {
            "apart": {"keep_features": 0.8, "keep_test": 0.9},
            "test image too noisy": {"keep_test": 0.75},
        },
        {"noise": "slots"},
    ),
    Scene(
        "The same with Gaussian noise",
        "Any noise with a known trade-off gives a certificate; this one speaks of L2 lengths.",
        "What does the radius count now?",
        "backdoor",
        {"sigma": (0.1, 0.25, 0.5, 1.0, 2.0)},
        {"sigma 0.5": {"sigma": 0.5}, "sigma 1": {"sigma": 1.0}},
        {"noise": "gaussian"},
    ),
    Scene(
        "What attackers really spend",
        "Five per cent of stamped images is far beyond what can be certified today.",
        "How far is the attacker's budget from the curve?",
        "backdoor",
        {"poison_rate": (0.005, 0.01, 0.02, 0.05, 0.1)},
        {"one in twenty": {"poison_rate": 0.05}, "one in two hundred": {"poison_rate": 0.005}},
        FIRST,
    ),
    Scene(
        "What it says, and what it does not",
        "The prediction stays the same within the budget; nobody promises that it is right.",
        "Is the certified prediction right?",
        "backdoor",
        {"keep": KEEPS},
        {"keep 0.8": {"keep": 0.8}, "keep 0.6": {"keep": 0.6}},
    ),
)


def chosen(numbers: Sequence[int]) -> tuple[Scene, ...]:
    """Return the scenes of these numbers, counted from 1; all of them where none is given.

    Raises
    ------
    InputError
        If there is no such scene.

    Examples
    --------
    >>> [scene.title for scene in chosen([2])]
    ['The trigger']
    """
    for number in numbers:
        if not 1 <= number <= len(SCENES):
            raise InputError(f"there is no scene {number}: choose from 1 to {len(SCENES)}")
    return tuple(SCENES[number - 1] for number in numbers) or SCENES
