"""RAB's named experiments run: on the real MNIST where it is, on a table, and on pictures laid out like CIFAR-10."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import numpy as np
import pytest

from rsbd.data import sources
from rsbd.data.vision import torchvision
from rsbd.learners import CNN, ResNet
from rsbd.noises.smoothing import Smoothing
from rsbd.recipes.rab_knn import Exact
from rsbd.recipes.rab_settings import SETTINGS
from rsbd.recipes.wang import Certified

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


def test_cifar10(cifar: Path) -> None:
    setting = SETTINGS["cifar10"]
    data = setting.load(root=cifar)
    assert (data.shape, data.classes, data.num_rows) == ((3, 32, 32), ("bird", "airplane"), 50)
    assert data.x[data.y == 1].mean() > data.x[data.y == 0].mean() + 0.3
    poisoned, mask = setting.poison(data)
    assert mask.sum() == 1
    moved = poisoned.x[mask][0] - data.x[mask][0]
    assert np.linalg.norm(moved) == pytest.approx(0.1, rel=1e-4)
    assert np.count_nonzero(moved) == 12  # four pixels of three colours
    assert poisoned.y[mask] == 0
    learner = ResNet(blocks=1, width=4, epochs=4)
    found = setting.run(poisoned, sigma=0.1, learner=learner, num_models=8, alpha=0.1)
    assert isinstance(found, Certified)
    assert found.smoothing == Smoothing(features=found.smoothing.features)
    assert found.votes.num_models == 8
    assert found.certificate.norm == "L2"
    assert found.certificate.accuracy(data.y_test) > 0.5


def test_the_table() -> None:
    setting = SETTINGS["tabular"]
    data = setting.load()
    assert data.shape == (30,)
    poisoned, mask = setting.poison(data)
    assert mask.sum() == 8
    assert (poisoned.y[mask] == 0).all()
    assert np.count_nonzero((poisoned.x != data.x).any(axis=0)) == 1  # one feature
    found = setting.run(poisoned, sigma=0.25)
    assert isinstance(found, Exact)
    assert found.certificate.accuracy(data.y_test, radius=0.05) > 0.7
    voted = dataclasses.replace(setting, learner=CNN(), sigma=0.25)
    assert voted.poison_rate == setting.poison_rate == 0.02


@pytest.mark.mnist
def test_mnist() -> None:
    setting = SETTINGS["mnist"]
    assert (setting.num_models, setting.alpha, setting.sigma) == (1000, 0.001, 1.0)
    data = setting.load(rows=400, points=20)
    found = setting.run(setting.poison(data)[0], sigma=0.5, learner=CNN(), num_models=8, alpha=0.5)
    assert isinstance(found, Certified)
    assert found.votes.num_models == 8
    assert np.mean(found.votes.label == data.y_test) > 0.8
