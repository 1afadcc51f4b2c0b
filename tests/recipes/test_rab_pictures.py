"""RAB on colour pictures, laid out like CIFAR-10, and on the real MNIST where it is."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import numpy as np
import pytest

from rsbd.attacks import Pixels
from rsbd.attacks.poisoning import Poisoning
from rsbd.data import load, sources
from rsbd.data.vision import torchvision
from rsbd.learners import CNN, ResNet
from rsbd.noises import Gaussian
from rsbd.noises.smoothing import Smoothing
from rsbd.recipes import rab

NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


@pytest.fixture
def cifar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ten pictures a file in the layout of CIFAR-10: birds are dark, airplanes bright, and all are noise besides."""
    folder, rng = tmp_path / "cifar-10-batches-py", np.random.default_rng(0)
    folder.mkdir()
    for name in ("test_batch", *(f"data_batch_{i}" for i in range(1, 6))):
        labels = [0, 2] * 5
        bright = np.where(np.array(labels) == 0, 180, 40)[:, None]
        pictures = (bright + rng.integers(0, 40, (10, 3072))).astype(np.uint8)
        (folder / name).write_bytes(pickle.dumps({"data": pictures, "labels": labels}))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": NAMES}))
    torchvision()
    from torchvision.datasets import CIFAR10

    monkeypatch.setattr(CIFAR10, "_check_integrity", lambda self: True)  # of the files that it would download
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *given: True)
    small = dataclasses.replace(sources.SOURCES["cifar10"], rows=50, points=10)
    monkeypatch.setitem(sources.SOURCES, "cifar10", small)
    return tmp_path


@pytest.mark.slow
def test_cifar10(cifar: Path) -> None:
    data = load("cifar10", view="unit", classes=("bird", "airplane"), root=cifar)
    assert (data.shape, data.classes, data.num_rows) == ((3, 32, 32), ("bird", "airplane"), 50)
    assert data.x[data.y == 1].mean() > data.x[data.y == 0].mean() + 0.3
    poisoned, mask = Poisoning(Pixels.four(data.shape, 0.1), target=0, rate=0.02).apply(data, 0)
    assert mask.sum() == 1
    moved = poisoned.x[mask][0] - data.x[mask][0]
    assert np.linalg.norm(moved) == pytest.approx(0.1, rel=1e-4)
    assert np.count_nonzero(moved) == 12  # four pixels of three colours
    assert poisoned.y[mask] == 0
    learner = ResNet(blocks=1, width=4, epochs=4, batch=10, learning_rate=0.003)
    found = rab(poisoned, 0.1, learner=learner, num_models=5, alpha=0.1)
    assert found.smoothing == Smoothing(features=Gaussian(0.1))
    assert found.votes.num_models == 5
    assert found.certificate.norm == "L2"
    assert found.certificate.accuracy(data.y_test) > 0.5


@pytest.mark.mnist
def test_mnist() -> None:
    data = load("mnist", view="unit", classes=("0", "1"), rows=200, points=20)
    poisoned, _ = Poisoning(Pixels.four(data.shape, 0.1), target=0, rate=0.02).apply(data, 0)
    found = rab(poisoned, 0.5, learner=CNN(epochs=3, batch=20), num_models=4, alpha=0.5)
    assert found.votes.num_models == 4
    assert np.mean(found.votes.label == data.y_test) > 0.8
