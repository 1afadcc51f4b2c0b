"""A store of votes never changes a count, never leaves its folder and never holds half a file."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from copies import run_copy

from rsbd import Dataset, Flip, Linear, Smoothing, Votes, collect, load
from rsbd.ensemble import blocks

FLIPS = Smoothing(features=Flip(0.8), labels=Flip(0.8, 2), test=Flip(0.8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "votes"


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits", side=8, classes=(0, 1), rows=50, points=20)


@pytest.fixture(scope="module")
def expected(digits: Dataset) -> Votes:
    return collect(digits, FLIPS, Linear(), digits.x_test, 192)


def gather(digits: Dataset, folder: Path, num_models: int = 192, **options: Any) -> Votes:
    return collect(digits, FLIPS, Linear(), digits.x_test, num_models, store=folder, **options)


def file_of(folder: Path) -> Path:
    (file,) = folder.glob("*.npz")
    return file


def same(found: Votes, expected: Votes) -> bool:
    return found.models == expected.models and np.array_equal(found.counts, expected.counts)


def forbid_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def trained(*_: object) -> None:
        raise AssertionError("a model was trained")

    monkeypatch.setattr(blocks, "vote_in_block", trained)


def test_votes_are_kept_once_and_not_trained_again(
    folder: Path, digits: Dataset, expected: Votes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert same(gather(digits, folder), expected)
    assert [path.name for path in folder.iterdir()] == [file_of(folder).name]
    forbid_training(monkeypatch)
    assert same(gather(digits, folder), expected)


@pytest.mark.parametrize("at", [0.0, 0.2, 0.6, 0.99])
def test_a_truncated_file_is_set_aside_with_one_warning(
    folder: Path, digits: Dataset, expected: Votes, at: float
) -> None:
    gather(digits, folder)
    file = file_of(folder)
    file.write_bytes(file.read_bytes()[: int(at * file.stat().st_size)])
    with pytest.warns(UserWarning, match="set aside") as said:
        assert same(gather(digits, folder), expected)
    assert len(said) == 1
    assert file.with_name(file.name + ".damaged").exists()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert same(gather(digits, folder), expected)
    assert same(Votes.load(file), expected)


def test_votes_of_another_experiment_or_format_are_set_aside(folder: Path, digits: Dataset, expected: Votes) -> None:
    gather(digits, folder)
    file = file_of(folder)
    older = Votes(expected.counts, expected.models, {**expected.manifest, "rsbd": "0.0.1"})
    older.save(file)
    with pytest.warns(UserWarning, match="another experiment"):
        assert same(gather(digits, folder), expected)
    np.savez(file, votes=expected.counts)  # as a version without manifest and hash would write it
    with pytest.warns(UserWarning, match="not a whole file of votes"):
        assert same(gather(digits, folder), expected)


def test_votes_whose_sums_are_wrong_are_set_aside_whatever_their_hash(
    folder: Path, digits: Dataset, expected: Votes
) -> None:
    gather(digits, folder)
    Votes(expected.counts + 1, expected.models, expected.manifest).save(file_of(folder))
    with pytest.warns(UserWarning, match="do not add up"):
        assert same(gather(digits, folder), expected)


WRITER = """
import warnings
from rsbd import Flip, Linear, Smoothing, collect, load
from rsbd.ensemble.votes import Store
warnings.simplefilter("error")
Store.every = 0.0
digits = load("digits", side=8, classes=(0, 1), rows=50, points=20)
noise = Smoothing(features=Flip(0.8), labels=Flip(0.8, 2), test=Flip(0.8))
for n in range(64, int(sys.argv[2]) + 1, 64):
    collect(digits, noise, Linear(), digits.x_test, n, store=sys.argv[1])
"""


@pytest.mark.slow
def test_two_kernels_write_at_once(folder: Path, digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    two = "import os, sys\nchild = os.fork()\nsys.argv[2] = '640' if child else '384'"
    run = run_copy(two + WRITER + "assert not child or os.waitpid(child, 0)[1] == 0", str(folder), "")
    assert run.returncode == 0, run.stderr
    assert [path.name for path in folder.iterdir()] == [file_of(folder).name]
    whole = collect(digits, FLIPS, Linear(), digits.x_test, 640)
    forbid_training(monkeypatch)
    assert same(gather(digits, folder, 640), whole)  # the smaller run never took the place of the greater


def test_a_greater_number_in_hand_and_a_smaller_on_disk(folder: Path, digits: Dataset, expected: Votes) -> None:
    few = gather(digits, folder, 64)
    assert same(gather(digits, folder, resume=few), expected)  # model 0 has voted in both: not counted twice
    assert same(gather(digits, folder, resume=expected), expected)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits of Unix")
def test_a_disk_that_is_really_full(folder: Path) -> None:
    """No file may grow beyond 300 bytes: every write fails half way, and leaves nothing."""
    limit = """
import os, resource, sys
sys.dont_write_bytecode = True
end, said = os.pipe()  # a file of what it says could not grow either
if os.fork():
    os.close(said)
    sys.exit(open(end).read())
os.dup2(said, 2)
resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
"""
    said = run_copy(limit + WRITER, str(folder), "192").stderr
    assert "File too large" in said
    assert list(folder.iterdir()) == []


def test_links_are_never_followed(folder: Path, digits: Dataset, expected: Votes, tmp_path: Path) -> None:
    gather(digits, folder)
    file, outside = file_of(folder), tmp_path / "outside.npz"
    file.replace(outside)
    before = outside.read_bytes()
    file.symlink_to(outside)
    with pytest.warns(UserWarning, match="is a link"):
        assert same(gather(digits, folder), expected)
    assert not file.is_symlink()
    assert outside.read_bytes() == before


def test_the_manifest_is_readable(folder: Path, digits: Dataset) -> None:
    """Anyone can say what a file holds, with numpy alone and no pickle."""
    gather(digits, folder, 64)
    with np.load(file_of(folder), allow_pickle=False) as file:
        manifest = json.loads(file["manifest"].tobytes())
    assert manifest["learner"] == repr(Linear())
    assert "features=Flip(keep=Fraction(4, 5), values=2)" in manifest["smoothing"]
    assert manifest["seed"] == 0
