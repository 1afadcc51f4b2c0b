"""The whole idea on one page: flip, train, vote, bound, trade-off, radius.

An attacker changes some pixels and labels of the training images, and some pixels of the test image, `r` in all.
We certify that no such attacker can change the prediction. In the library this is ``rsbd.recipes.wang``.
"""

from fractions import Fraction
from math import comb

import numpy as np
from scipy import ndimage, stats
from sklearn.datasets import load_digits


def flip(bits, keep, rng):
    """Keep every bit with probability `keep`, and turn it otherwise: this noise hides what an attacker changed."""
    return np.where(rng.random(bits.shape) < float(keep), bits, 1 - bits)


def train(x, y):
    """Return the weights and the bias of a simple classifier: an image belongs to the class with the nearer mean."""
    mean0, mean1 = x[y == 0].mean(axis=0), x[y == 1].mean(axis=0)
    return mean1 - mean0, (mean0 @ mean0 - mean1 @ mean1) / 2


def vote(x, y, x_test, keep, num_models, seed=0):
    """Count how many models give each label to each test image; each model has its own flipped copy of all the data."""
    counts = np.zeros((len(x_test), 2), dtype=int)
    for i in range(num_models):
        rng = np.random.default_rng([seed, i])  # model i depends on these two numbers alone
        weights, bias = train(flip(x, keep, rng), flip(y, keep, rng))
        label = (flip(x_test, keep, rng) @ weights + bias > 0).astype(int)
        counts[np.arange(len(x_test)), label] += 1
    return counts


def bound(counts, alpha):
    """Return each image's label and its miss: an upper bound on the probability that a model votes otherwise.

    Each class gets a Clopper-Pearson bound of its own that fails with probability alpha / classes, because the same
    votes choose the label. We never compute 1 - miss, which could round to 1 and certify too much.
    """
    agreed, classes = counts.max(axis=1), counts.shape[1]
    level = alpha / classes * (1 - 1e-9)  # lower by more than the rounding error of the quantile
    return counts.argmax(axis=1), stats.beta.isf(level, counts.sum(axis=1) - agreed + 1, agreed)


def upper(p, keep, changes):
    """Return the trade-off: the most that an event of probability `p` can have after an attacker changed some bits.

    Outcomes differ only in how many of the changed bits show the attacker's value. To show it, a bit must flip before
    the attack and must not flip after it. By Neyman and Pearson the worst event holds those that gain the most.
    """
    ways = [(comb(changes, shown), shown, changes - shown) for shown in range(changes + 1)]
    laws = [(n * (1 - keep) ** a * keep**b, n * keep**a * (1 - keep) ** b) for n, a, b in ways]
    most = Fraction(0)
    for before, after in sorted(laws, key=lambda law: law[0] / law[1]):
        taken = min(p, before)
        most, p = most + after * taken / before, p - taken
    return most


def radius(miss, keep):
    """Return the most changes after which the label still has a majority; -1 if it may have none before any."""
    changes = 0
    while upper(Fraction(miss), keep, changes) < Fraction(1, 2):  # strictly: one half proves nothing
        changes += 1
    return changes - 1


if __name__ == "__main__":
    small, digits = load_digits(n_class=2, return_X_y=True)  # 8 x 8 pixels; we enlarge to 28 x 28, black and white
    images = [ndimage.zoom(x.reshape(8, 8), 3.5, order=3, mode="nearest", grid_mode=True).ravel() >= 8 for x in small]
    images, keep = np.array(images, dtype=np.int8), Fraction(4, 5)
    counts = vote(images[100:], digits[100:], images[:100], keep, num_models=1000)
    label, miss = bound(counts, alpha=0.001)
    certified = np.array([radius(m, keep) for m in miss])
    print("Right, and kept right (confidence 99.9 % each) whatever r pixels and labels an attacker changes:")
    for r in range(certified.max() + 2):
        print(f"r = {r}: {np.mean((label == digits[:100]) & (certified >= r)):4.0%} of the test images")
