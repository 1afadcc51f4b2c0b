"""What the self-checks of the exercises are made of: an answer gets a verdict, and a hint that fits the mistake."""

import math
import re
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import wraps
from inspect import signature
from typing import Any, Concatenate, ParamSpec, TypeAlias

import mistune
import numpy as np

from rsbd.errors import InputError
from rsbd.words import percent, phrases_of, table_beside

P = ParamSpec("P")
_say = phrases_of(__file__)
HINTS: dict[str, dict[str, str]] = table_beside(__file__, "hints.toml")
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
    exact : str
        The exact number, if a rounded one was given.
    """

    passed: bool | None
    words: str
    exact: str = ""

    @property
    def sentence(self) -> str:
        """The verdict in one line."""
        return f"{_LOOKS[self.passed][0]}{self.exact and f' (exactly {self.exact})'}. {self.words}"

    @property
    def sign(self) -> str:
        """A tick, a cross or a pencil."""
        return _LOOKS[self.passed][1]

    def __repr__(self) -> str:
        return self.sentence

    def _repr_html_(self) -> str:
        look = f"border-left:5px solid {_LOOKS[self.passed][2]};padding:4px 12px;margin:4px 0;font-size:16px"
        return f'<p style="{look}">{self.sign} {marked(self.sentence)}</p>'


_LOOKS = {
    True: ("Right", "\u2713", "#009e73"),
    False: ("Not yet", "\u2717", "#d55e00"),
    None: ("Your turn", "\u270e", "#888"),
}
_CHOSEN: dict[tuple[str, str], tuple[str, str]] = {}  # for each task the first choice that passed, and what it gave
_STUB = Verdict(None, _say("stub"))


def self_check(check: Callable[Concatenate[Any, P], Verdict]) -> Callable[Concatenate[Any, P], Verdict]:
    """Make a self-check of a function that judges an answer, its first argument.

    The function sees only answers: ``...`` and None, also as a value of a mapping, get the verdict "Your turn". A
    number that :func:`read_number` can read arrives as an int or a float. An InputError that the function raises
    becomes the hint, and any other error a sentence: a reader may answer with any object. Only a KeyError about a
    number is raised, for the author: a hint is missing, or names a word that the check does not give.

    Examples
    --------
    >>> @self_check
    ... def check_even(answer):
    ...     return Verdict(True, "It is even.") if answer % 2 == 0 else Verdict(False, "Halve it: what remains?")
    >>> check_even(np.array([4])), check_even("4"), check_even({4})
    (Right. It is even., Right. It is even., Not yet. {4} is not an answer that this exercise can read.)
    >>> check_even(...)
    Your turn. Put your answer in the place of the three dots and run the cell again.
    """

    @wraps(check)
    def checked(answer: Any, /, *args: P.args, **kwargs: P.kwargs) -> Verdict:
        signature(check).bind(answer, *args, **kwargs)  # raise what the cell did wrong, and not the reader
        try:
            if isinstance(answer, (np.generic, np.ndarray)) and answer.size == 1:
                answer = answer.item()
            parts = answer.values() if isinstance(answer, Mapping) else [answer]
            if any(part is ... or part is None for part in parts):
                return _STUB
            number = None if is_number(answer) else read_number(answer)
            return check(answer if number is None else plain_number(number), *args, **kwargs)
        except Exception as error:
            if isinstance(error, KeyError) and is_number(answer):
                raise  # the table of hints lacks a case, or a hint has a word that the check does not give
            answered, text = shorten(answer), " ".join(f"{error}.".split())
            told = isinstance(error, InputError) and len(text) < 200 and answered != "That"
            return Verdict(False, text if told else f"{answered} is not an answer that this exercise can read.")

    return checked


def plain_number(number: Fraction) -> int | float:
    """Return a fraction as an int if it is whole, otherwise as a float."""
    return int(number) if number.denominator == 1 else float(number)


def is_number(answer: Any) -> bool:
    """Return True for a finite int or float that is no bool."""
    return isinstance(answer, (int, float)) and not isinstance(answer, bool) and abs(answer) < math.inf


def verdict(texts: Mapping[str, str], case: str, /, **words: object) -> Verdict:
    """Return the verdict in one case of a table of ``hints.toml``; a case is passed if its name begins with "right".

    An ``answer`` among the words is quoted in short.

    Examples
    --------
    >>> verdict({"right": "All {rows} counted.", "twice": "Count each once."}, "right", rows=19)
    Right. All 19 counted.
    """
    if "answer" in words and not is_number(words["answer"]):
        words["answer"] = shorten(words["answer"])
    return Verdict(case.startswith("right"), texts[case].format(**words))


def judge_choice(
    texts: Mapping[str, str], task: object, choice: object, certify: Callable[[], float], /, **words: object
) -> Verdict:
    """Return the verdict on a choice that passes on practice points; only the first one certifies the test points.

    Parameters
    ----------
    texts : mapping
        The case "right" says what the test points gave, as ``once``.
    task : object
        What the choice is made for. Equal representations are one task.
    choice : object
        The setting that passes.
    certify : callable
        Return the certified accuracy of the test points.
    **words
        Words of the verdict, with ``found``, the share of the practice points.

    Examples
    --------
    >>> texts = {"right": "Of the test images {once} are certified."}
    >>> judge_choice(texts, "keep", 0.8, lambda: 0.9, found="80 %")
    Right. Of the test images 90 % are certified.
    >>> judge_choice(texts, "keep", 0.7, lambda: 0.95, found="75 %").words.partition(".")[0]
    'This passes too, with 75 % of the practice images'
    """
    asked = texts["right"], repr(task)
    if asked not in _CHOSEN:
        _CHOSEN[asked] = repr(choice), percent(certify())
    first, once = _CHOSEN[asked]
    if repr(choice) != first:
        return Verdict(True, _say("again", once=once, **words))
    return verdict(texts, "right", once=once, **words)


def read_number(answer: Any) -> Fraction | None:
    """Return the number that a reader wrote, as a number or in a string; None if it is no number.

    Examples
    --------
    >>> [str(read_number(written)) for written in ("2 / 5", "7,344", "40 %", "0,5", 0.25)]
    ['2/5', '7344', '2/5', '1/2', '1/4']
    >>> read_number("many"), read_number(True), read_number(float("nan"))
    (None, None, None)
    """
    if isinstance(answer, (int, Fraction)) and not isinstance(answer, bool):
        return Fraction(answer)
    if not isinstance(answer, (str, float, Decimal)):
        return None
    text = re.sub(r"[\s_]|,(?=\d{3}\b)", "", str(answer)).replace(",", ".")
    found = re.fullmatch(rf"({_DECIMAL})(?:/({_DECIMAL}))?(%?)", text)
    try:
        return found and Fraction(found[1]) / Fraction(found[2] or 1) / (100 if found[3] else 1)
    except (ValueError, ZeroDivisionError):
        return None


_DECIMAL = r"[-+]?[\d.]{1,400}(?:[eE][-+]?\d{1,3})?"


@self_check
def judge_number(answer: Any, truth: Number, texts: Mapping[str, str], mistakes: Mistakes, /, **words: Any) -> Verdict:
    """Judge a number: right, one of the typical mistakes, or something else.

    A rounded answer is right too, and the verdict names the exact number.

    Parameters
    ----------
    answer : object
        What the reader wrote; see :func:`read_number`.
    truth : number
        The right answer; 0.125 and ``Fraction(1, 8)`` are the same.
    texts : mapping from str to str
        What is said, as in ``hints.toml``: of a right answer ("right"), of each mistake, and in any other case
        ("otherwise").
    mistakes : mapping from str to number or tuple of numbers
        The wrong numbers that each typical mistake leads to. The hint of the one that is nearest is given. One that
        equals the truth is passed over, so that the numbers may come from a computation.
    **words
        The values of the words in braces in ``texts``.

    Examples
    --------
    >>> texts = {"right": "All counted.", "pixels": "And the {kind}?", "otherwise": "Count again."}
    >>> judge_number(12, 19, texts, {"pixels": 12}, kind="labels")
    Not yet. And the labels?
    >>> judge_number(19, 19, texts, {"pixels": 12})
    Right. All counted.
    >>> judge_number("43 %", Fraction(3, 7), texts, {})
    Right (exactly 3/7). All counted.
    """
    value, exact = read_number(answer), Fraction(str(truth))
    if value is None:
        return Verdict(False, f"{shorten(answer)} is not a number. {texts['otherwise'].format(**words)}")
    cases = [("right", exact)]
    for mistake, numbers in mistakes.items():
        cases += [(mistake, Fraction(str(n))) for n in (numbers if isinstance(numbers, tuple) else (numbers,))]
    near = [(max(abs(value - n), _ALIKE), at) for at, (_, n) in enumerate(cases) if _close(value, n)]  # right first
    if near:
        miss, place = min(near)
        case = cases[place][0]
        told = case == "right" and miss > _ALIKE and _written(value) != _written(exact)
        return replace(verdict(texts, case, **words), exact=_written(exact) if told else "")
    if exact.denominator > 1 and _close(value / 100, exact):
        return Verdict(False, _say("per_cent"))
    return verdict(texts, "otherwise", **words)


_ALIKE = Fraction(1, 10**6)


def _close(value: Fraction, number: Fraction) -> bool:
    """Return True if `value` is `number`, perhaps rounded: counts to three digits, other numbers by at most 1 %."""
    off = abs(value - number)
    if number.denominator == 1:
        return off <= _ALIKE or (abs(number) >= 1000 and value == Fraction(f"{float(number):.2e}"))
    room = min(abs(number) / 100, abs(1 - number) / 10)  # 0.99 is not 0.999
    return off <= room or value == Fraction(f"{float(number):.2e}")


def _written(number: Fraction) -> str:
    if number.denominator == 1:
        return f"{int(number):,}"
    return str(number) if number.denominator < 1000 else f"{float(number):.4g}"


def shorten(answer: object) -> str:
    """Return an answer as it can be quoted in a sentence: one short line, whatever it is."""
    try:
        text = " ".join(reprlib.repr(answer).split())
    except ValueError:  # an int of thousands of digits
        return "That"
    return "That" if text.startswith("<") else text


def marked(text: str) -> str:
    """Write prose as HTML: escaped, with *italics*, **bold**, `code` and [links](address).

    Examples
    --------
    >>> marked("Tight: from p_a *alone*. 2 * 3 < 7 * 1")
    'Tight: from p_a <em>alone</em>. 2 * 3 &lt; 7 * 1'
    """
    return str(_MARKED(text)).strip().removeprefix("<p>").removesuffix("</p>")


_MARKED = mistune.create_markdown(escape=True)
