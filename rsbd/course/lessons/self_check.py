"""What the self-checks of the exercises are made of: an answer gets a verdict, and a hint that fits the mistake."""

import re
import tomllib
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeAlias

import numpy as np

from rsbd.errors import InputError
from rsbd.panels.svg import escape

P = ParamSpec("P")
HINTS: dict[str, dict[str, str]] = tomllib.loads(Path(__file__).with_name("hints.toml").read_text("utf-8"))
Number: TypeAlias = int | float | Fraction
Mistakes: TypeAlias = Mapping[str, Number | tuple[Number, ...]]


@dataclass(frozen=True)
class Verdict:
    """What a self-check says; shown as one line in a notebook.

    Attributes
    ----------
    passed : bool or None
        True if the answer is right, None if there is no answer yet.
    words : str
        Why it is right, or a hint that fits the mistake. A hint never gives the answer away.
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


_MOST = 10**9  # models, votes or copies
_LOOKS = {
    True: ("Right.", "\u2713", "#009e73"),
    False: ("Not yet.", "\u2717", "#d55e00"),
    None: ("Your turn.", "\u270e", "#888"),
}
_STUB = Verdict(None, "Put your answer in the place of the three dots and run the cell again.")


def not_yet(hint: str) -> Verdict:
    """Return the verdict on a wrong answer."""
    return Verdict(False, hint)


def self_check(check: Callable[Concatenate[Any, P], Verdict]) -> Callable[Concatenate[Any, P], Verdict]:
    """Make a self-check of a function that judges an answer, its first argument.

    The function sees only answers: ``...`` and None, also as a value of a mapping, get the verdict "Your turn". A
    single number of numpy, which the library's own results have, arrives as a Python number. An InputError that the
    function raises becomes the hint.

    Examples
    --------
    >>> @self_check
    ... def check_even(answer):
    ...     return Verdict(True, "It is even.") if answer % 2 == 0 else not_yet("Halve it: what remains?")
    >>> check_even(np.array([4]))
    Right. It is even.
    >>> check_even(...)
    Your turn. Put your answer in the place of the three dots and run the cell again.
    """

    @wraps(check)
    def checked(answer: Any, /, *args: P.args, **kwargs: P.kwargs) -> Verdict:
        if isinstance(answer, (np.generic, np.ndarray)) and answer.size == 1:
            answer = answer.item()
        parts = answer.values() if isinstance(answer, Mapping) else [answer]
        if any(part is ... or part is None for part in parts):
            return _STUB
        try:
            return check(answer, *args, **kwargs)
        except InputError as error:
            return not_yet(f"{error}.")

    return checked


def is_number(answer: Any) -> bool:
    """Return True for an int or a float that is no bool."""
    return isinstance(answer, (int, float)) and not isinstance(answer, bool)


def verdict(texts: Mapping[str, str], case: str, /, **words: object) -> Verdict:
    """Return the verdict in one case of a table of ``hints.toml``; a case is passed if its name begins with "right".

    Examples
    --------
    >>> verdict({"right": "All {rows} counted.", "twice": "Count each once."}, "right", rows=19)
    Right. All 19 counted.
    """
    try:
        return Verdict(case.startswith("right"), texts[case].format(**words))
    except KeyError as missing:
        raise KeyError(f"hints.toml: no text or no number {missing} for the case {case!r}") from None


def fewest_that(enough: Callable[[int], bool]) -> int:
    """Return the smallest number from 1 that is enough, where every larger number is enough, too.

    Examples
    --------
    >>> fewest_that(lambda number: number**2 >= 50)
    8
    """
    return bisect_left(range(1, _MOST), True, key=enough) + 1


@self_check
def judge_number(
    answer: Any,
    truth: Number,
    texts: Mapping[str, str],
    mistakes: Mistakes,
    words: Mapping[str, object],
    digits: int | None = None,
) -> Verdict:
    """Judge a number: right, one of the typical mistakes, or something else.

    Parameters
    ----------
    answer : object
        What the reader wrote. A number may be written as a string, such as "2/3".
    truth : number
        The right answer; 0.125 and ``Fraction(1, 8)`` are the same.
    texts : mapping from str to str
        What is said, as in ``hints.toml``: of a right answer ("right"), of each mistake, and in any other case
        ("otherwise").
    mistakes : mapping from str to number or tuple of numbers
        The wrong numbers that each typical mistake leads to. The hint of the first that fits is given. One that equals
        the truth is passed over, so that the numbers may come from a computation.
    words : mapping from str to object
        The values of the words in braces in ``texts``.
    digits : int, optional
        Decimals that are asked for. Numbers are compared after rounding, and a right answer that is rounded up or down
        is right.

    Examples
    --------
    >>> texts = {"right": "All counted.", "pixels": "And the {kind}?", "otherwise": "Count again."}
    >>> judge_number(12, 19, texts, {"pixels": 12}, {"kind": "labels"})
    Not yet. And the labels?
    >>> judge_number(19, 19, texts, {"pixels": 12}, {})
    Right. All counted.
    >>> judge_number(0.333, 1 / 3, texts, {}, {})
    Not yet. Close: it looks rounded. Give all of it, for example as a fraction such as 2 / 3.
    >>> judge_number(0.333, 1 / 3, texts, {}, {}, digits=3)
    Right. All counted.
    """
    try:
        value = None if isinstance(answer, bool) else Fraction(str(answer))
    except (ValueError, ZeroDivisionError):
        value = None
    if value is None:
        return not_yet(f"{answer!r} is not a number. {texts['otherwise'].format(**words)}")
    exact = Fraction(str(truth))
    if _same(value, exact) or (digits is not None and abs(value - exact) <= Fraction(1, 10**digits)):
        return verdict(texts, "right", **words)
    for mistake, numbers in mistakes.items():
        for number in numbers if isinstance(numbers, tuple) else (numbers,):
            wrong = Fraction(str(number))
            if _same(value, wrong) or (digits is not None and round(value, digits) == round(wrong, digits)):
                return verdict(texts, mistake, **words)
    form = _form(value, exact)
    return not_yet(form) if form else verdict(texts, "otherwise", **words)


def _same(a: Fraction, b: Fraction) -> bool:
    return abs(a - b) <= Fraction(1, 10**6)


def _form(value: Fraction, exact: Fraction) -> str:
    """Return a hint where the number is right and the way it is written is not."""
    if exact.denominator == 1:
        return ""
    if abs(value - exact) < abs(exact) / 100:
        return "Close: it looks rounded. Give all of it, for example as a fraction such as 2 / 3."
    per_cent = abs(value / 100 - exact) < abs(exact) / 100
    return "That looks like per cent. Give it as a fraction of one, such as 2 / 3." if per_cent else ""


def marked(text: str) -> str:
    """Write prose as HTML: escaped, and a word between asterisks in italics.

    Examples
    --------
    >>> marked("Tight: from p_a *alone*. 2 * 3 < 7 * 1")
    'Tight: from p_a <em>alone</em>. 2 * 3 &lt; 7 * 1'
    """
    return re.sub(r"(?<![\w*])\*(\w[^*]*)(?<!\s)\*(?![\w*])", r"<em>\1</em>", escape(text))
