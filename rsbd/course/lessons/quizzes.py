"""The quizzes of the notebooks: each table of ``quizzes.toml`` becomes a self-check of the same name."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rsbd.course.lessons.self_check import Verdict, not_yet, self_check


def quiz(name: str, right: str, **claims: str) -> Callable[[Any], Verdict]:
    """Return the self-check of a choice among claims.

    Parameters
    ----------
    name : str
        The name of the check.
    right : str
        The claim that is true.
    **claims : str
        For each claim, what is said to a reader who chooses it.

    Examples
    --------
    >>> check_example = quiz("check_example", right="b", a="It does not.", b="It does.")
    >>> check_example(" A. ")
    Not yet. It does not.
    """

    @self_check
    def check(answer: Any) -> Verdict:
        letter = str(answer).strip(" .\"'()").lower()
        if letter not in claims:
            *names, last = [f'"{claim}"' for claim in claims]
            return not_yet(f"{answer!r} is none of the claims: answer {', '.join(names)} or {last}.")
        return Verdict(letter == right, claims[letter])

    check.__name__ = check.__qualname__ = name
    return check


_TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
globals().update({name: quiz(name, **table) for name, table in _TABLES.items()})
