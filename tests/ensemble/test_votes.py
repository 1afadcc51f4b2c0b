"""Votes add up, survive the disk, and refuse to be mixed up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rsbd.ensemble.votes import Store, Votes, join_spans
from rsbd.errors import InputError


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


@pytest.mark.parametrize(
    ("counts", "models"),
    [
        ([[3, 0]], ((0, 4),)),
        ([[3, 2]], ((0, 4),)),
        ([[3, 1], [3, 0]], ((0, 4),)),
        ([[5, -1]], ((0, 4),)),
        ([[2, 2]], ((0, 2), (1, 3))),
        ([[2, 2]], ((2, 4), (0, 2))),
        ([[0, 0]], ((0, 0),)),
        ([[2, 2]], ((-1, 3),)),
        ([[2.0, 2.0]], ((0, 4),)),
        ([2, 2], ((0, 4),)),
    ],
)
def test_what_no_run_could_have_written_is_refused(
    tmp_path: Path, counts: list[object], models: tuple[tuple[int, int], ...]
) -> None:
    Votes(np.array(counts), models, {}).save(tmp_path / "votes.npz")
    with pytest.raises(InputError, match=r"not a whole file of votes|voted in both"):
        Votes.load(tmp_path / "votes.npz")


def test_pickles_and_other_files_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "pickle.npz", counts=np.array([{}], dtype=object), models=[], manifest=[], digest=[])
    (tmp_path / "text.npz").write_text("not votes")
    for name in ("pickle.npz", "text.npz"):
        with pytest.raises(InputError, match="not a whole file of votes"):
            Votes.load(tmp_path / name)
    with pytest.raises(InputError, match="no file of votes"):
        Votes.load(tmp_path / "none.npz")


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_store_keeps_the_most_votes_and_writes_now_and_then(tmp_path: Path) -> None:
    """Another run beside this one may be further on; a killed one has lost no more than the last second."""
    manifest = dict(votes().manifest)
    one, other = Store(tmp_path, manifest, every=1000), Store(tmp_path, manifest)

    def kept() -> int:
        return Votes.load(one.path).num_models

    one.save(votes())
    assert kept() == 4
    more = votes().merge(votes(((4, 8),)))
    one.save(more)
    assert kept() == 4  # written a moment ago
    one.save(more, last=True)
    assert kept() == 8
    other.save(votes(), last=True)
    assert kept() == 8
    assert other.load(at_most=8).models == ((0, 8),)
    assert Store(tmp_path, {**manifest, "seed": 1}).path != one.path


def test_only_votes_of_one_experiment_merge_and_each_model_once() -> None:
    with pytest.raises(InputError, match="differ in seed"):
        votes().merge(votes(((4, 8),), seed=1))
    other = replace(votes(((4, 8),)), manifest={**votes().manifest, "device": "cpu"})
    for one, two in ((votes(), other), (other, votes())):
        with pytest.raises(InputError, match="differ in device"):
            one.merge(two)
    with pytest.raises(InputError, match="model 3 has voted in both"):
        votes().merge(votes(((3, 7),)))


def test_spans_join_where_they_touch() -> None:
    assert join_spans(((0, 2), (6, 8)), ((2, 4), (10, 11))) == ((0, 4), (6, 8), (10, 11))


def test_a_tie_goes_to_the_lowest_label() -> None:
    assert Votes(np.array([[2, 2, 1]]), ((0, 5),), {}).label.tolist() == [0]
