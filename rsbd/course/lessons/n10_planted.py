"""Notebook 10: the limit of noise, one model's vote, the audit of a certificate, and the card of attack and defence."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from matplotlib.patches import Rectangle

from rsbd import audit, bounds, ensemble, plots
from rsbd.attacks import Poisoning, stamp
from rsbd.certify import ABSTAIN, Certificate, certify, radius
from rsbd.course.lessons.cell_output import Said, figure
from rsbd.course.lessons.self_check import HINTS, Mistakes, Verdict, judge_number
from rsbd.data import Dataset
from rsbd.learners import Linear, RobustLinear
from rsbd.noises import Bagging, ClassBagging, Flip, Smoothing, Threat
from rsbd.noises.smoothing import RowNoise
from rsbd.panels import Picture, svg
from rsbd.panels.planted.compute import one_vote
from rsbd.recipes.experiment import Experiment
from rsbd.recipes.planted import any_trigger
from rsbd.types import Bools
from rsbd.version import __version__
from rsbd.words import count, percent, phrases_of

_say = phrases_of(__file__)
_KEEPS = (0.55, 0.6, 0.65, 0.7, 0.8, 0.9)
_BAG, _ALPHA = 10, 0.001


def draw_noise_limit(dataset: Dataset, rows: int, pixels: int) -> Picture:
    """Draw by ``keep`` what bags, and flips on the test image, prove against rows, against a trigger and against both.

    Parameters
    ----------
    dataset : Dataset
        Training rows and test points in their binary view.
    rows, pixels : int
        Poisoned rows, and pixels of the trigger on the test point.
    """
    threats = {
        count(rows, "poisoned image"): Threat(rows, on_test=False),
        f"{count(pixels, 'pixel')} of the test image": Threat(0, pixels),
        "both at once": Threat(rows, pixels),
    }
    proved = np.zeros((len(_KEEPS), len(threats)))
    for i, keep in enumerate(_KEEPS):
        noise = Smoothing(rows=Bagging(_BAG), test=Flip(keep))
        votes = ensemble.collect(dataset, noise, Linear(), dataset.x_test, 1000)
        evidence, right = bounds.simultaneous(votes.counts, _ALPHA), votes.label == dataset.y_test
        proved[i] = [np.mean(certify(evidence, noise, one, dataset.num_rows) & right) for one in threats.values()]
    ax = plots.new_axes(8.5, 3.8)
    plots.draw_curves(ax, _KEEPS, dict(zip(threats, 100 * proved.T, strict=True)), marker="o")
    plots.name_axes(ax, "keep (on the test image)", "right and proved (%)", ylim=(-3, 103))
    shares = (", ".join(map(percent, curve)) for curve in proved.T.tolist())
    curves = "; ".join(f"{name}: {share}" for name, share in zip(threats, shares, strict=True))
    alt = _say("noise_limit_alt", keeps=", ".join(f"{keep:g}" for keep in _KEEPS), curves=curves)
    return figure(ax, alt, _say("noise_limit", best=proved.max(0)))


def draw_one_vote(dataset: Dataset, point: int, side: int) -> Picture:
    """Draw the weights of one model, a test image, and the patch that costs the model's answer most."""
    vote, names = one_vote(dataset, point, side), dataset.classes
    titles = f"orange: speaks for \u201c{names[vote.label]}\u201d", f"test image {point}", "its worst patch"
    pictures = [plots.signed(vote.weights), *(np.stack([image] * 3) for image in (vote.image, vote.attacked))]
    ax = plots.images({"": pictures}, captions={"": titles}, ax=plots.new_axes(8.5, 3.4))
    frame: Any = ax.patches[-1]  # of the last image
    corner = frame.get_x() + vote.place[1], frame.get_y() + vote.place[0]
    ax.add_patch(Rectangle(corner, side, side, fill=False, edgecolor=plots.VERMILLION, linewidth=3))
    fate = "kept" if vote.kept else "lost"
    said = _say("one_vote", vote=vote, name=names[vote.label], side=side, fate=fate)
    return figure(ax, _say("one_vote_alt", vote=vote, point=point, said=said), said)


def check_lost_models(answer: Any, unkept: float = 0.3, size: int = 100) -> Verdict:
    """Check how many poisoned rows a vote of two classes survives, with one row of each class in a bag.

    Parameters
    ----------
    answer : object
        The number of poisoned rows.
    unkept : float
        Probability that a model does not keep its vote, less than a half.
    size : int
        Number of rows of each class.

    Examples
    --------
    >>> check_lost_models(19, unkept=0.3, size=100).passed, check_lost_models(20, unkept=0.3, size=100).passed
    (True, False)
    """
    bags = ClassBagging(1, (size, size))
    found = max(rows for rows in range(size) if bags.shift(rows).certifies(unkept))
    mistakes: Mistakes = {
        "tie": found + 1,
        "all_kept": (size // 2, size // 2 - 1),
        "both_classes": (2 * found, 2 * found + 1, 2 * found + 2),
        "kept": round(size * (1 - unkept)),
    }
    return judge_number(answer, found, HINTS["check_lost_models"], mistakes, size=size, unkept=percent(unkept))


def audit_certificate(certified: Callable[[Sequence[int], int], Any], models: int = 5, classes: int = 3) -> Said:
    """Try every attack on every vote of a few models, and say whether a certificate is violated.

    Parameters
    ----------
    certified : callable
        ``certified(votes, lost)`` returns how many models may be poisoned, below 0 if the vote is not certified:
        ``votes`` are the kept votes by label, ``lost`` is the number of models whose vote a patch can move.
    models, classes : int
        Size of the world.

    Examples
    --------
    >>> audit_certificate(lambda votes, lost: -1)
    The audit tried every attack on all 56 votes of 5 models on 3 labels: no certificate is violated.
    """
    every = [vote for vote in product(range(models + 1), repeat=classes + 1) if sum(vote) == models]
    for *votes, lost in sorted(every, key=lambda vote: vote[-1]):
        winner, allowed = int(np.argmax(votes)), certified(votes, lost)
        if not isinstance(allowed, int):
            return Said(f"For the kept votes {votes} it returns {allowed!r}: let it return a whole number.")
        for taken in product(*(range(number + 1) for number in votes)):
            free = lost + sum(taken)
            for given in product(range(free + 1), repeat=classes) if sum(taken) <= allowed else ():
                after = [n - gone + new for n, gone, new in zip(votes, taken, given, strict=True)]
                if sum(given) == free and (label := int(np.argmax(after))) != winner:
                    kept, now = (" / ".join(map(str, some)) for some in (votes, after))
                    words = {"lost": lost, "winner": winner, "allowed": allowed, "taken": sum(taken), "label": label}
                    return Said(_say("violated", kept=kept, now=now, **words))
    return Said(_say("audited", number=len(every), models=models, classes=classes))


def attack_card(
    dataset: Dataset, attack: Poisoning, bag: RowNoise | int, num_models: int = 1000, seed: int = 0
) -> Picture:
    """Certify a defence, carry the attack out, search for a stronger one, and show all this on a card to keep.

    Parameters
    ----------
    dataset : Dataset
        Clean training images, and test images.
    attack : Poisoning
        The attack that is carried out. What is proved is about any patch of its size and as many rows.
    bag : RowNoise or int
        How few rows each model learns from, or their number.
    num_models, seed : int
        Size and seed of the ensemble.
    """
    rows_noise = Bagging(bag) if isinstance(bag, int) else bag
    smoothing, trigger = Smoothing(rows=rows_noise), any_trigger(attack.trigger, dataset.shape)
    run = Experiment(dataset, attack, smoothing, RobustLinear(), num_models, _ALPHA, seed, triggers=(trigger,)).run()
    rows, held = int(run.attack.mask.sum()), radius(run.bounds, smoothing, num_rows=dataset.num_rows)
    share, proved = percent(held.accuracy(dataset.y_test, rows)), held.radius >= rows
    words = {
        "target": run.experiment.target_name,
        "size": rows_noise.size,
        "each": ", as many of each class" if isinstance(rows_noise, ClassBagging) else "",
        "before": run.rates["undefended"].attack_success_rate,
        "after": run.rates["smoothed"].attack_success_rate,
    }
    lines = _say("card", rows=rows, data=dataset, models=num_models, **words).splitlines()
    for name, who in ("proved", proved), ("unproved", ~proved):
        if who.any():
            found = _search(dataset, smoothing, replace(held, label=run.votes.label), rows, who)
            lines.append(_say("card_search", which=name, found=found))
    said = f"of test images: right, and proved against {trigger} and {count(rows, 'poisoned image')}"
    foot = f"{dataset.name}; alpha {_ALPHA:g} for each image, seed {seed}, rsbd {__version__}"
    others = dataset.x_test[dataset.y_test != dataset.label(attack.target)]
    parts = [
        svg.rect(1, 1, 1198, 326, "none", svg.BLUE, 2),
        svg.image(stamp(attack.trigger, dataset, others[:1])[0], 24, 92, 180),
        svg.text(24, 58, share, 48, weight=700, fill=svg.BLUE),
        svg.text(176, 58, said, weight=600),
        svg.lines(232, 112, lines, 34),
        svg.text(24, 306, foot, fill=svg.SOFT),
    ]
    sentence = f"My attack against my defence: {share} {said}."
    drawing = svg.themed(svg.document(1200, 328, parts))
    return Picture(drawing, f"{sentence} {' '.join(lines)} {foot}.", sentence)


def _search(dataset: Dataset, smoothing: Smoothing, held: Certificate, rows: int, who: Bools) -> str:
    """Attack the weakest of these points with the worst rows and patch found, and say what is left of its vote."""
    points = np.flatnonzero(who)
    point = int(points[held.radius[points].argmin()])
    target = replace(held, radius=np.where(np.arange(len(who)) == point, rows, ABSTAIN))
    (found,) = audit.attack(dataset, smoothing, RobustLinear(), target, [point], num_models=500, scouts=64).findings
    answer = "the answer changes" if found.broken else "the answer stays" if found.after > 0.5 else "in doubt"
    return f"{percent(found.after)} of the votes stay, {answer}"
