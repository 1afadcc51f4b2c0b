"""Quizzes: a question with a button for each claim, and what is said to a reader who presses it."""

from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as ipw
import traitlets

from rsbd.course.lessons.self_check import Verdict, marked
from rsbd.errors import check_among
from rsbd.panels.live import show_live
from rsbd.words import table_beside

_HERE = Path(__file__)
QUIZZES: dict[str, dict[str, Any]] = table_beside(__file__, "quizzes.toml")


class Quiz(anywidget.AnyWidget):
    """Show a question and a button for each claim; without a kernel each claim folds what is said about it.

    Parameters
    ----------
    question : str
        The question, in prose with *italics*, `code` and links.
    right : str
        The claim that is true.
    **claims : dict of str
        Each ``claim``, and what is ``said`` to a reader who chooses it.

    Attributes
    ----------
    verdicts : dict of Verdict
        The verdict on each claim that was pressed, the first one first.

    Examples
    --------
    >>> Quiz("Is it so?", "b", a={"claim": "No.", "said": "It does."}, b={"claim": "Yes.", "said": "So."}).press("b")
    Right. So.
    """

    _esm = _HERE.with_name("quiz.js").read_text("utf-8")
    _css = _HERE.with_name("quiz.css").read_text("utf-8")

    question = traitlets.Unicode().tag(sync=True)
    claims: Any = traitlets.Dict().tag(sync=True)
    marks: Any = traitlets.Dict().tag(sync=True)  # what was found of the claims that were pressed
    pressed = traitlets.Unicode("").tag(sync=True)
    said = traitlets.Unicode("").tag(sync=True)

    def __init__(self, question: str, right: str, **claims: dict[str, str]) -> None:
        shown = {letter: marked(claim["claim"]) for letter, claim in claims.items()}
        super().__init__(question=marked(question), claims=shown)
        self._plain, self._claims, self._right = question, claims, right
        self.verdicts: dict[str, Verdict] = {}
        self.on_msg(lambda _, letter, __: self.press(letter))

    def verdict(self, letter: str) -> Verdict:
        """Return what is said about a claim."""
        return Verdict(letter == self._right, " ".join(self._claims[letter]["said"].split()))

    def press(self, letter: str) -> Verdict:
        """Choose a claim, as its button does, and return the verdict on it."""
        found = self.verdicts[letter] = self.verdict(letter)
        marks = {letter: verdict.sign for letter, verdict in self.verdicts.items()}
        with self.hold_sync():
            self.marks, self.pressed, self.said = marks, letter, f"{found.sign} {marked(found.sentence)}"
        return found

    def _ipython_display_(self) -> None:
        show_live(self, self.page, f"Your turn. {self._plain}")

    @property
    def page(self) -> str:
        """The quiz where no kernel runs."""
        folds = "".join(
            f"<details><summary><b>{letter}</b> {claim}</summary>{self.verdict(letter)._repr_html_()}</details>"
            for letter, claim in self.claims.items()
        )
        return f'<div style="font-size:16px"><p><b>{self.question}</b></p>{folds}</div>'


def quiz(name: str) -> Quiz:
    """Return the quiz of a name, a table of ``quizzes.toml``.

    Examples
    --------
    >>> quiz("claim").press("c").passed
    False
    """
    check_among("quiz", name, QUIZZES)
    return Quiz(**QUIZZES[name])


class TenQuestions:
    """Ask what most learners believe at first, and count the questions whose first answer was right.

    Examples
    --------
    >>> asked = TenQuestions()
    >>> asked.quizzes[2].press("c").passed, asked.quizzes[2].press("d").passed
    (False, True)
    >>> asked.score.partition("</b> ")[2]
    '0 of 1 right at the first try.</p>'
    """

    def __init__(self) -> None:
        self.quizzes = [quiz(f"question_{number}") for number in range(1, 11)]
        self._score = ipw.HTML(self.score)
        for asked in self.quizzes:
            asked.observe(lambda _: setattr(self._score, "value", self.score), "marks")
        self.widget = ipw.VBox([*self.quizzes, self._score])

    @property
    def score(self) -> str:
        """How many questions were answered, and how many at once right."""
        firsts = [next(iter(asked.verdicts.values())).passed for asked in self.quizzes if asked.verdicts]
        said = f"{sum(map(bool, firsts))} of {len(firsts)} right at the first try" if firsts else "no answer yet"
        return f'<p role="status" style="font-size:16px"><b>Score:</b> {said}.</p>'

    def _ipython_display_(self) -> None:
        show_live(self.widget, "".join(asked.page for asked in self.quizzes), "Your turn. 10 questions.")
