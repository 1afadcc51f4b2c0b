"""Ensembles that grow while a reader watches, from the votes that are known already."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rsbd.votes import Votes


def grow(
    known: dict[int, Votes], num_models: int, train: Callable[[Votes | None], Iterator[Votes]]
) -> Iterator[Votes]:
    """Yield votes up to ``num_models``, training only the models that have not voted, and keep the last ones.

    Parameters
    ----------
    known : dict
        Votes of the same experiment by their number of models; the finished ones are added.
    num_models : int
        Where to stop.
    train : callable
        ``train(resume)`` yields the votes so far, as :func:`rsbd.ensemble.stream` does.
    """
    if num_models in known:
        yield known[num_models]
        return
    fewer = [n for n in known if n < num_models]
    resume = known[max(fewer)] if fewer else None
    if resume is not None:
        yield resume
    for votes in train(resume):
        if votes.num_models == num_models:
            known[num_models] = votes
        yield votes
