"""The user's cache of votes: a shortcut that never changes a count, leaves its folder or stops a run."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import rsbd
from rsbd import Dataset, Flip, Linear, Smoothing, Votes, collect, ensemble, load
from rsbd.cli import app
from rsbd.ensemble import cache
from rsbd.learners import identity

FLIPS = Smoothing(features=Flip(0.8), labels=Flip(0.8, 2), test=Flip(0.8))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, that keeps cheap votes too."""
    monkeypatch.setenv("RSBD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "WORTH", 0.0)
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits", classes=(0, 1), rows=50, points=20)


@pytest.fixture(scope="module")
def expected(digits: Dataset) -> Votes:
    return collect(digits, FLIPS, Linear(), digits.x_test, 192)


def gather(digits: Dataset, num_models: int = 192, **options: Any) -> Votes:
    return collect(digits, FLIPS, Linear(), digits.x_test, num_models, store=True, **options)


def file_of(folder: Path) -> Path:
    (file,) = folder.glob("*.npz")
    return file


def same(found: Votes, expected: Votes) -> bool:
    return found.models == expected.models and np.array_equal(found.counts, expected.counts)


def forbid(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on no model may be trained."""

    def trained(*_: object) -> None:
        raise AssertionError("a model was trained")

    monkeypatch.setattr(ensemble.shard, "vote", trained)


def test_votes_are_kept_once_and_not_trained_again(
    folder: Path, digits: Dataset, expected: Votes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert same(gather(digits), expected)
    assert [path.name for path in folder.iterdir()] == [file_of(folder).name]
    forbid(monkeypatch)
    assert same(gather(digits), expected)


def test_cheap_votes_are_not_kept(folder: Path, digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "WORTH", 60.0)
    gather(digits)
    assert not folder.exists()


@pytest.mark.parametrize("named", ["off", "", "0"])
def test_it_can_be_switched_off(named: str, digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RSBD_CACHE", named)
    assert cache.folder() is None
    assert gather(digits, 64).num_models == 64


def test_it_lies_in_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RSBD_CACHE")
    monkeypatch.setattr(cache.platformdirs, "user_cache_dir", lambda name: f"/somewhere/{name}")
    assert cache.folder() == Path("/somewhere/rsbd/votes")


def test_changed_code_and_other_peoples_code_meet_no_old_votes(
    folder: Path, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    gather(digits, 64)
    monkeypatch.setattr(cache, "code", lambda: "changed")
    gather(digits, 64)
    assert len(list(folder.iterdir())) == 2
    own = type("Linear", (Linear,), {"__module__": "notebook"})()
    assert not identity.ours(own)
    collect(digits, FLIPS, own, digits.x_test, 64, store=True)
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("at", [0.0, 0.2, 0.6, 0.99])
def test_a_truncated_file_is_set_aside_with_one_warning(
    folder: Path, digits: Dataset, expected: Votes, at: float
) -> None:
    gather(digits)
    file = file_of(folder)
    file.write_bytes(file.read_bytes()[: int(at * file.stat().st_size)])
    with pytest.warns(UserWarning, match="set aside") as said:
        assert same(gather(digits), expected)
    assert len(said) == 1
    aside = file.with_name(file.name + ".damaged")
    assert aside.exists()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert same(gather(digits), expected)
        aside.unlink()
        aside.mkdir()  # where nothing can be set aside, the cache does without
        file.write_text("damaged")
        assert same(gather(digits), expected)
    assert same(Votes.load(file), expected)


def test_votes_of_another_experiment_or_format_are_set_aside(folder: Path, digits: Dataset, expected: Votes) -> None:
    gather(digits)
    file = file_of(folder)
    older = Votes(expected.counts, expected.models, {**expected.manifest, "rsbd": "0.0.1"})
    older.save(file)
    with pytest.warns(UserWarning, match="another experiment"):
        assert same(gather(digits), expected)
    np.savez(file, votes=expected.counts)  # as a version without manifest and hash would write it
    with pytest.warns(UserWarning, match="not a whole file of votes"):
        assert same(gather(digits), expected)


def test_votes_whose_sums_are_wrong_are_set_aside_whatever_their_hash(
    folder: Path, digits: Dataset, expected: Votes
) -> None:
    gather(digits)
    Votes(expected.counts + 1, expected.models, expected.manifest).save(file_of(folder))
    with pytest.warns(UserWarning, match="do not add up"):
        assert same(gather(digits), expected)


WRITER = """
import sys
from rsbd import Flip, Linear, Smoothing, collect, load
from rsbd.ensemble import cache
cache.WORTH = cache.Cached.every = 0.0
digits = load("digits", classes=(0, 1), rows=50, points=20)
noise = Smoothing(features=Flip(0.8), labels=Flip(0.8, 2), test=Flip(0.8))
for n in range(64, int(sys.argv[1]) + 1, 64):
    collect(digits, noise, Linear(), digits.x_test, n, store=True)
"""


def child(*arguments: str, before: str = "", **environment: str) -> subprocess.Popen[str]:
    env = os.environ | {"PYTHONPATH": str(Path(rsbd.__file__).parents[1])} | environment
    command = [sys.executable, "-W", "error", "-c", before + WRITER, *arguments]
    return subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_two_kernels_write_at_once(folder: Path, digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [child("384"), child("640")]
    for run in runs:
        _, said = run.communicate(timeout=120)
        assert run.returncode == 0, said
    assert [path.name for path in folder.iterdir()] == [file_of(folder).name]
    whole = collect(digits, FLIPS, Linear(), digits.x_test, 640)
    forbid(monkeypatch)
    assert same(gather(digits, 640), whole)  # the smaller run never took the place of the greater


def test_a_greater_number_in_hand_and_a_smaller_on_disk(folder: Path, digits: Dataset, expected: Votes) -> None:
    few = gather(digits, 64)
    assert same(gather(digits, resume=few), expected)  # model 0 has voted in both: not counted twice
    assert same(gather(digits, resume=expected), expected)


def test_a_folder_that_cannot_be_written_to_is_let_be(
    folder: Path, digits: Dataset, expected: Votes, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file, where no folder can be made, not even by root")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert same(gather(digits), expected)
        folder.unlink()
        folder.mkdir()

        def read_only(*_: object, **__: object) -> None:
            raise OSError(errno.EROFS, "Read-only file system")

        monkeypatch.setattr(np, "savez_compressed", read_only)
        assert same(gather(digits), expected)
    assert not list(folder.iterdir())


def test_kept_votes_are_read_from_a_folder_that_cannot_be_written_to(
    folder: Path, digits: Dataset, expected: Votes, monkeypatch: pytest.MonkeyPatch
) -> None:
    gather(digits)

    def denied(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    forbid(monkeypatch)
    monkeypatch.setattr(os, "utime", denied)
    assert same(gather(digits), expected)


def test_a_full_disk_costs_one_warning(
    folder: Path, digits: Dataset, expected: Votes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    cache._say_once.cache_clear()
    monkeypatch.setattr(cache.Cached, "every", 0.0)
    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.warns(UserWarning, match="No space left") as said:
        twice = [gather(digits), gather(digits)]
    assert all(same(found, expected) for found in twice)
    assert len(said) == 1
    assert not list(folder.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits of Unix")
def test_a_disk_that_is_really_full(folder: Path) -> None:
    """No file may grow beyond 300 bytes: every write fails half way, and leaves nothing."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))\n"
    run = child("192", before=limit, PYTHONWARNINGS="default", PYTHONDONTWRITEBYTECODE="1")
    _, said = run.communicate(timeout=120)
    assert "File too large" in said
    assert list(folder.iterdir()) == []


def test_links_are_never_followed(folder: Path, digits: Dataset, expected: Votes, tmp_path: Path) -> None:
    gather(digits)
    file, outside = file_of(folder), tmp_path / "outside.npz"
    file.replace(outside)
    before = outside.read_bytes()
    file.symlink_to(outside)
    (folder / f"{'0' * 20}.npz").symlink_to(tmp_path)
    with pytest.warns(UserWarning, match="is a link"):
        assert same(gather(digits), expected)
    assert not file.is_symlink()
    (folder / f"{'1' * 20}.npz").symlink_to(outside)
    assert [entry.path for entry in cache.entries()] == [file]
    cache.trim(limit=0)
    assert cache.clear() == []
    assert outside.read_bytes() == before
    assert tmp_path.is_dir()


def test_what_was_used_longest_ago_goes_first(folder: Path) -> None:
    folder.mkdir(parents=True)
    names = [f"{number:020x}.npz" for number in range(5)]
    for age, name in enumerate(names):
        (folder / name).write_bytes(b"x" * 100)
        os.utime(folder / name, (time.time() - age * 1000,) * 2)
    left = folder / f".{names[0]}.abc"
    left.write_bytes(b"half")
    (folder / "mine.txt").write_text("not the cache's")
    cache.trim(limit=250)
    assert {entry.path.name for entry in cache.entries()} == {names[0], names[1], left.name}
    os.utime(left, (0, 0))  # what a killed run left long ago
    cache.trim(limit=250)
    assert {entry.path.name for entry in cache.entries()} == set(names[:2])
    assert (folder / "mine.txt").exists()


def test_a_use_makes_it_young(folder: Path, digits: Dataset) -> None:
    gather(digits, 64)
    os.utime(file_of(folder), (0, 0))
    gather(digits, 64)
    assert cache.entries()[0].used > time.time() - 100


def test_command_lists_and_clears(folder: Path, digits: Dataset) -> None:
    run = CliRunner().invoke
    assert "0 files, 0 B" in run(app, ["cache"]).output
    gather(digits, 64)
    listed = run(app, ["cache"]).output
    assert "64 models of Linear on 20 points" in listed
    assert "1 files" in listed
    assert run(app, ["cache", "clear", "--older-than", "1", "--yes"]).output == "There is nothing to delete.\n"
    assert "Nothing was deleted" in run(app, ["cache", "clear"], input="n\n").output
    assert file_of(folder).exists()
    assert "1 files deleted" in run(app, ["cache", "clear", "--yes"]).output
    assert not list(folder.iterdir())
    file = folder / f"{'a' * 20}.npz"
    file.write_text("damaged")
    assert "set aside or unfinished" in run(app, ["cache"]).output


def test_command_warms_and_panels_use_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rsbd import panels

    monkeypatch.setattr(panels, "PANELS", {"backdoor": panels.backdoor})
    answer = CliRunner().invoke(app, ["cache", "warm"])
    assert answer.output.startswith("backdoor: ready")
    assert len(cache.entries()) == 2
    forbid(monkeypatch)
    panel = panels.backdoor(runner=panels.SyncRunner())
    panel.wait()
    assert "(final)" in panel.alt


def test_warming_says_that_the_cache_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RSBD_CACHE", "off")
    assert "The cache is off" in CliRunner().invoke(app, ["cache"]).output
    answer = CliRunner().invoke(app, ["cache", "warm"])
    assert "the cache is off" in str(answer.exception)


def test_the_manifest_is_readable(folder: Path, digits: Dataset) -> None:
    """Anyone can say what a file holds, with numpy alone and no pickle."""
    gather(digits, 64)
    with np.load(file_of(folder), allow_pickle=False) as file:
        manifest = json.loads(file["manifest"].tobytes())
    assert manifest["learner"] == repr(Linear())
    assert manifest["seed"] == 0


def test_keeps_only_what_this_packages_code_determines() -> None:
    """Also inside: an estimator of another library may change under an unchanged name and version of rsbd."""
    from sklearn.linear_model import LogisticRegression

    from rsbd.learners import LDA, MLP, HashedTestNoise, Module, ResNet, Sklearn

    ours = (
        Linear(),
        LDA(),
        MLP(hidden=(8, 4)),
        ResNet(),
        HashedTestNoise(LDA(), rsbd.Gaussian(0.5)),
        Flip("4/5"),
    )
    assert all(identity.ours(part) for part in (None, *ours))
    assert identity.ours(*ours)
    foreign = Sklearn(LogisticRegression())
    module = Module(ResNet)  # any callable of the user's
    for part in (foreign, module, HashedTestNoise(foreign, rsbd.Gaussian(0.5)), object()):
        assert not identity.ours(Linear(), part)


@pytest.mark.parametrize("name", ["rng.py", "shard.py", "smoothing.py", "learners/linear.py", "noises/flip.py"])
def test_changed_code_never_meets_its_old_votes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before, read = cache.code.__wrapped__(), Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(path) + b"#" * path.as_posix().endswith(name))
    assert cache.code.__wrapped__() != before
