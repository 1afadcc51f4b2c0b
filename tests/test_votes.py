"""Votes add up, survive the disk, and refuse to be mixed up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rsbd.errors import InputError
from rsbd.votes import Votes, join


def votes(models: tuple[tuple[int, int], ...] = ((0, 4),), seed: int = 0) -> Votes:
    return Votes(np.array([[3, 1], [0, 4]]), models, {"seed": seed, "learner": "Linear()"}, {"train": 1.0})


def test_saved_votes_come_back_equal_and_byte_for_byte(tmp_path: Path) -> None:
    votes().save(tmp_path / "a.npz")
    votes().save(tmp_path / "b.npz")
    back = Votes.load(tmp_path / "a.npz")
    assert np.array_equal(back.counts, votes().counts)
    assert (back.models, back.manifest) == (votes().models, votes().manifest)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize("at", [0.1, 0.3, 0.5, 0.7, 0.95])
def test_a_damaged_file_is_refused(tmp_path: Path, at: float) -> None:
    path = tmp_path / "votes.npz"
    votes().save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(at * len(whole))])
    with pytest.raises(InputError, match="collect again"):
        Votes.load(path)


def test_changed_counts_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "votes.npz"
    votes().save(path)
    with np.load(path) as file:
        arrays = dict(file)
    arrays["counts"] = arrays["counts"] + 1
    np.savez(path, **arrays)
    with pytest.raises(InputError, match="changed after"):
        Votes.load(path)


def test_pickles_and_other_files_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "pickle.npz", counts=np.array([{}], dtype=object), models=[], manifest=[], digest=[])
    (tmp_path / "text.npz").write_text("not votes")
    for name in ("pickle.npz", "text.npz"):
        with pytest.raises(InputError, match="not a whole file of votes"):
            Votes.load(tmp_path / name)
    with pytest.raises(InputError, match="no file of votes"):
        Votes.load(tmp_path / "none.npz")


def test_a_failed_write_leaves_the_old_file_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "votes.npz"
    votes().save(path)
    before = path.read_bytes()

    def full(*args: object, **kwargs: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="no space"):
        votes(seed=1).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_merging_adds_counts_models_and_time() -> None:
    both = votes().merge(votes(((8, 12),))).merge(votes(((4, 8),)))
    assert both.models == ((0, 12),)
    assert both.num_models == 12
    assert both.counts.tolist() == [[9, 3], [0, 12]]
    assert both.seconds == {"train": 3.0}


def test_only_votes_of_one_experiment_merge_and_each_model_once() -> None:
    with pytest.raises(InputError, match="differ in seed"):
        votes().merge(votes(((4, 8),), seed=1))
    with pytest.raises(InputError, match="model 3 has voted in both"):
        votes().merge(votes(((3, 7),)))


def test_spans_join_where_they_touch() -> None:
    assert join(((0, 2), (6, 8)), ((2, 4), (10, 11))) == ((0, 4), (6, 8), (10, 11))


def test_a_tie_goes_to_the_lowest_label() -> None:
    assert Votes(np.array([[2, 2, 1]]), ((0, 5),), {}).label.tolist() == [0]
