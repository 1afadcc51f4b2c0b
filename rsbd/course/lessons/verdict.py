"""The answer of a self-check: right or not, and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from rsbd.panels.svg import escape

Number: TypeAlias = int | float | Fraction


@dataclass(frozen=True)
class Verdict:
    """What a self-check says; shown as one line in a notebook.

    Attributes
    ----------
    passed : bool or None
        Whether the answer is right; None where there is none yet.
    words : str
        Why it is right, or a hint that fits the mistake. It never gives the answer away.
    """

    passed: bool | None
    words: str

    @property
    def sentence(self) -> str:
        """The verdict in one line."""
        return f"{_LOOKS[self.passed][0]} {self.words}"

    def __repr__(self) -> str:
        return self.sentence

    def _repr_html_(self) -> str:
        _, sign, colour = _LOOKS[self.passed]
        return (
            f'<p style="border-left:5px solid {colour};padding:4px 12px;margin:4px 0;font-size:16px">'
            f"{sign} {marked(self.sentence)}</p>"
        )


_LOOKS = {
    True: ("Right.", "\u2713", "#009e73"),
    False: ("Not yet.", "\u2717", "#d55e00"),
    None: ("Your turn.", "\u270e", "#888"),
}
STUB = Verdict(None, "Put your answer in the place of the three dots and run the cell again.")


def judge(answer: Any, truth: Number, why: str, hints: Iterable[tuple[Number, str]], otherwise: str) -> Verdict:
    """Judge a number: right, one of the typical mistakes, or something else.

    Parameters
    ----------
    answer : object
        What the reader wrote; ``...`` where nothing was.
    truth : number
        The right answer; 0.125 and ``Fraction(1, 8)`` are the same.
    why : str
        Said of a right answer.
    hints : iterable of (number, str)
        A hint for each typical mistake. The first that fits is given; one that equals the truth is passed over, so
        that the numbers may come from a computation.
    otherwise : str
        The hint for every other answer.

    Examples
    --------
    >>> judge(12, 19, "All counted.", [(12, "And the labels?")], "Count again.")
    Not yet. And the labels?
    >>> judge(19, 19, "All counted.", [(12, "And the labels?")], "Count again.")
    Right. All counted.
    >>> judge(..., 19, "All counted.", [], "Count again.")
    Your turn. Put your answer in the place of the three dots and run the cell again.
    >>> judge(0.333, 1 / 3, "One in three.", [], "Count again.")
    Not yet. Close: it looks rounded. Give all of it, for example as a fraction such as 2 / 3.
    >>> judge(np.array([19]), 19, "All counted.", [], "Count again.").passed
    True
    """
    answer = plain(answer)
    if answer is ... or answer is None:
        return STUB
    if isinstance(answer, bool) or not isinstance(answer, (int, float, Fraction, str)):
        return Verdict(False, f"{answer!r} is not a number. {otherwise}")
    try:
        value = Fraction(str(answer))
    except (ValueError, ZeroDivisionError):
        return Verdict(False, f"{answer!r} is not a number. {otherwise}")
    if _same(value, truth):
        return Verdict(True, why)
    return Verdict(
        False, next((hint for wrong, hint in hints if _same(value, wrong)), _form(value, truth) or otherwise)
    )


def marked(text: str) -> str:
    """Write prose as HTML: escaped, and a word between asterisks in italics.

    Examples
    --------
    >>> marked("Tight: from p_a *alone*. 2 * 3 < 7 * 1")
    'Tight: from p_a <em>alone</em>. 2 * 3 &lt; 7 * 1'
    """
    return re.sub(r"(?<![\w*])\*(\w[^*]*)(?<!\s)\*(?![\w*])", r"<em>\1</em>", escape(text))


def plain(answer: Any) -> Any:
    """Take a single number out of numpy's types, which the library's own results have.

    Examples
    --------
    >>> plain(np.int64(5)), plain(np.array([5])), plain("5")
    (5, 5, '5')
    """
    single = isinstance(answer, (np.generic, np.ndarray)) and answer.size == 1
    return answer.item() if single else answer


def pick(answer: Any, claims: Mapping[str, str], right: str) -> Verdict:
    """Judge a choice among claims, each with what is said to those who choose it.

    Examples
    --------
    >>> pick("A", {"a": "It does not.", "b": "It does."}, "b")
    Not yet. It does not.
    """
    if answer is ... or answer is None:
        return STUB
    letter = str(answer).strip(" .\"'()").lower()
    if letter not in claims:
        names = [f'"{name}"' for name in claims]
        return Verdict(False, f"{answer!r} is none of the claims: answer {', '.join(names[:-1])} or {names[-1]}.")
    return Verdict(letter == right, claims[letter])


def _form(value: Fraction, truth: Number) -> str:
    """What to say where the number is right and the way it is written is not."""
    exact = Fraction(str(truth))
    if exact.denominator == 1:
        return ""
    if abs(value - exact) < abs(exact) / 100:
        return "Close: it looks rounded. Give all of it, for example as a fraction such as 2 / 3."
    per_cent = abs(value / 100 - exact) < abs(exact) / 100
    return "That looks like per cent. Give it as a fraction of one, such as 2 / 3." if per_cent else ""


def _same(value: Fraction, number: Number) -> bool:
    return abs(value - Fraction(str(number))) <= Fraction(1, 10**6)
