"""Tests for every self-check of a lesson: it accepts solutions, ignores stubs and gives hints for typical mistakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from rsbd.course.lessons import Verdict

Check = Callable[[Any], Verdict]


def held(solutions: Sequence[tuple[Check, Any]], mistakes: Sequence[tuple[Check, Any, str]]) -> type:
    """Make the test class of some checks; bind it to a name that begins with ``Test``.

    Parameters
    ----------
    solutions : sequence of (check, answer)
        Each check at least once.
    mistakes : sequence of (check, answer, words)
        Words that the hint holds; two hints or more for each check.
    """
    checks = list(dict.fromkeys(check for check, *_ in [*solutions, *mistakes]))
    each = pytest.mark.parametrize("check", checks, ids=[check.__name__ for check in checks])

    class Answers:
        @each
        def test_accepts_the_solutions(self, check: Check) -> None:
            answers = [answer for other, answer in solutions if other is check]
            assert answers, "no solution is given"
            for answer in answers:
                verdict = check(answer)
                assert verdict.passed is True, (answer, verdict)
                assert repr(verdict).startswith("Right")

        @each
        def test_the_stub_is_no_answer(self, check: Check) -> None:
            for stub in (..., None):
                assert check(stub).passed is None
                assert "three dots" in check(stub).words

        @each
        def test_hints_fit_the_mistake(self, check: Check) -> None:
            said = set()
            for _, wrong, words in (mistake for mistake in mistakes if mistake[0] is check):
                verdict = check(wrong)
                assert verdict.passed is False, (wrong, verdict)
                assert words in verdict.words, (wrong, verdict)
                assert repr(verdict).startswith("Not yet.")
                said.add(verdict.words)
            assert len(said) >= 2

    return Answers
