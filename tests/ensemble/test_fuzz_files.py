"""Files of votes, stores and data sets, damaged in every way: one sentence each, and nothing is run or written."""

from __future__ import annotations

import gzip
import io
import os
import struct
import tarfile
import warnings
import zipfile
from importlib.util import find_spec
from pathlib import Path
from random import Random

import numpy as np
import pytest
from fuzzing import FILE_INPUTS, damage, snapshot, within

from rsbd import Dataset, Flip, Linear, Smoothing, Votes, collect, load
from rsbd.data import sources, vision
from rsbd.errors import InputError

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="links, pipes and alarms of Unix")
NEEDS_TORCHVISION = pytest.mark.skipif(find_spec("torchvision") is None, reason="no torchvision here")
FLIPS = Smoothing(features=Flip(0.8), labels=Flip(0.8, 2), test=Flip(0.8))


class Bomb:
    """What a pickle would run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, (str(self.path / "owned"),))


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits", side=8, classes=(0, 1), rows=30, points=10)


def gather(digits: Dataset, **options: Path) -> Votes:
    return collect(digits, FLIPS, Linear(), digits.x_test, 64, **options)


def test_votes(digits: Dataset, tmp_path: Path) -> None:
    """A damaged file is refused or holds what was written: never anything else."""
    random, path, other = Random(1), tmp_path / "votes.npz", tmp_path / "other.npz"
    votes = gather(digits)
    votes.save(path)
    Votes(votes.counts[:3], votes.models, {"seed": 7}).save(other)
    whole, second = path.read_bytes(), other.read_bytes()
    sentences, before = [], snapshot(tmp_path, (path,))
    for _ in range(FILE_INPUTS["votes"]):
        path.write_bytes(damage(whole, second, random))
        try:
            with within(20):
                found = Votes.load(path)
        except InputError as error:
            sentences.append(str(error))
        else:
            assert found.manifest in (votes.manifest, {"seed": 7})
            assert found.counts.tolist() in (votes.counts.tolist(), votes.counts[:3].tolist())
    assert len(sentences) > FILE_INPUTS["votes"] / 2
    assert not any("\n" in sentence for sentence in sentences)
    path.write_bytes(whole)
    assert snapshot(tmp_path) == before | {str(path): whole}


def huge_header() -> bytes:
    """Return an archive whose array says that it has 10^15 numbers."""
    header = b"{'descr': '<i8', 'fortran_order': False, 'shape': (1000000000000000, 1), }"
    header += b" " * (117 - len(header)) + b"\n"
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for name in ("counts", "models", "manifest", "digest"):
            packed.writestr(f"{name}.npy", array)
    return file.getvalue()


def traversal() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for name in ("../owned", "/tmp/owned", "counts.npy/../../owned"):
            packed.writestr(name, b"x")
    return file.getvalue()


def unpacks_to_gigabytes() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for number in range(3):
            packed.writestr(f"{number}.npy", bytes(1 << 20))
    data = file.getvalue()
    size = struct.pack("<I", 1 << 20)
    return data.replace(size, struct.pack("<I", 0xF0000000))


def pickled(tmp_path: Path) -> bytes:
    file = io.BytesIO()
    np.savez(file, counts=np.array([Bomb(tmp_path)], dtype=object), models=[], manifest=[], digest=[])
    return file.getvalue()


def test_votes_made_to_do_harm(tmp_path: Path) -> None:
    path = tmp_path / "votes.npz"
    for content in (
        huge_header(),
        traversal(),
        unpacks_to_gigabytes(),
        pickled(tmp_path),
        b"PK\x05\x06" + bytes(18),
    ):
        path.write_bytes(content)
        with within(20), pytest.raises(InputError, match="not a whole file"):
            Votes.load(path)
    path.unlink()
    for make in (
        path.mkdir,
        lambda: os.mkfifo(path),
        lambda: path.symlink_to("/dev/zero"),
        lambda: path.symlink_to(path),
    ):
        make()
        with within(20), pytest.raises(InputError, match="no file"):
            Votes.load(path)
        path.rmdir() if path.is_dir() else path.unlink()
    assert list(tmp_path.iterdir()) == []


def test_store(digits: Dataset, tmp_path: Path) -> None:
    """Whatever becomes of the store, the counts are the same; what is damaged is said once."""
    folder, random = tmp_path / "store", Random(2)
    expected = gather(digits)
    gather(digits, store=folder)
    (file,) = folder.iterdir()
    whole, outside = file.read_bytes(), tmp_path / "outside"
    outside.write_text("not to be touched")
    other = Votes(expected.counts, expected.models, {**expected.manifest, "seed": 1})
    other.save(tmp_path / "other.npz")
    second = (tmp_path / "other.npz").read_bytes()
    for number in range(FILE_INPUTS["store"]):
        file.unlink(missing_ok=True)
        if number % 10 == 0:
            file.symlink_to(outside)
        elif number % 10 == 1:
            os.mkfifo(file)
        else:
            file.write_bytes(damage(whole, second, random))
        with warnings.catch_warnings(record=True) as said, within(20):
            warnings.simplefilter("always")
            found = gather(digits, store=folder)
        assert np.array_equal(found.counts, expected.counts)
        assert len(said) <= 1
        assert outside.read_text() == "not to be touched"
    assert {path.name for path in tmp_path.iterdir()} == {"store", "outside", "other.npz"}


@NEEDS_TORCHVISION
def test_mnist(tmp_path: Path) -> None:
    random = Random(3)
    (tmp_path / "MNIST" / "raw").mkdir(parents=True)
    images = struct.pack(">IIII", 0x803, 50, 28, 28) + bytes(50 * 784)
    labels = struct.pack(">II", 0x801, 50) + bytes(50)
    for number in range(FILE_INPUTS["mnist"]):
        for part in sources.SOURCES["mnist"].files:
            path = tmp_path / part
            path.unlink(missing_ok=True)
            if number % 13 == 0:
                path.symlink_to(tmp_path)
            elif number % 7 == 0:
                path.write_bytes(struct.pack(">IIII", 0x803, 0x7FFFFFFF, 0x7FFFFFFF, 28))
            else:
                path.write_bytes(damage(images if "images" in part else labels, gzip.compress(images), random))
        with within(30), pytest.raises(InputError, match="mnist"):
            load("mnist", root=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"MNIST"}


def bomb_file(path: Path, owned: Path) -> None:
    """What ``pickle.dump(Bomb(owned), ...)`` writes, through numpy, which still can."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(np.array(Bomb(owned), dtype=object).dumps())


@NEEDS_TORCHVISION
def test_data_that_would_run_something(tmp_path: Path) -> None:
    """torchvision's CIFAR is pickled: it is opened only once its hash is that of the published files."""
    for file in sources.SOURCES["cifar10"].files:
        bomb_file(tmp_path / file, tmp_path)
    with pytest.raises(InputError, match="cifar10"):
        load("cifar10", root=tmp_path)
    for file in sources.SOURCES["mnist"].files:
        bomb_file(tmp_path / file, tmp_path)
    for part in ("training.pt", "test.pt"):  # what old versions of torchvision left
        bomb_file(tmp_path / "MNIST" / "processed" / part, tmp_path)
    with pytest.raises(InputError, match="mnist"):
        load("mnist", root=tmp_path)
    assert not (tmp_path / "owned").exists()


@NEEDS_TORCHVISION
def test_archives_that_climb_out_are_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "data"
    root.mkdir()
    with tarfile.open(root / "cifar-10-python.tar.gz", "w:gz") as packed:
        for name in ("../owned", "/tmp/owned-by-rsbd-test", "cifar-10-batches-py/batches.meta"):
            member = tarfile.TarInfo(name)
            member.size = 1
            packed.addfile(member, io.BytesIO(b"x"))
    module = vision.torchvision()
    asked: list[str] = []

    def offline(url: str, *_: object, **__: object) -> None:
        asked.append(url)
        raise OSError("no network")

    monkeypatch.setattr(module.datasets.utils, "_get_redirect_url", offline)
    with pytest.raises(InputError, match="could not be downloaded"):
        load("cifar10", root=root, download=True)
    assert asked  # its hash is not the published one, so it was to be fetched anew
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert not Path("/tmp/owned-by-rsbd-test").exists()
