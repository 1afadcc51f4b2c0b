"""Predictions: the reader writes down a guess before the answer is shown."""

import ipywidgets as ipw

from rsbd.course.lessons.cell_output import Part, say
from rsbd.course.lessons.self_check import marked, plain_number, read_number
from rsbd.panels.live import show_live
from rsbd.panels.svg import escape


def compare_guess(guess: float, truth: float, unit: str = "%") -> str:
    """Say how far a guess is from the truth.

    Examples
    --------
    >>> compare_guess(50, 97.5)
    'You said 50 %, it is 98 %: 48 points too low.'
    >>> compare_guess(3, 3, "pixels")
    'You said 3 pixels, and 3 pixels it is.'
    """
    shown, said = f"{truth:,.0f} {unit}", f"{guess:,.10g} {unit}"
    off = round(guess - float(f"{truth:.0f}"))
    if not off:
        return f"You said {said}, and {shown} it is."
    points = f"{abs(off):,} point{'' if abs(off) == 1 else 's'} " if unit == "%" else f"{abs(off):,} "
    return f"You said {said}, it is {shown}: {points}too {'high' if off > 0 else 'low'}."


_FOLD = "Made your guess? Open to see what happened."


class Prediction:
    """A question, a box for the guess, and a button that reveals the answer and opens its explanation below.

    Without a kernel the explanation is folded below the question.

    Parameters
    ----------
    question : str
        The question, in one sentence.
    truth : float
        The answer, computed by the notebook. It is shown only when the button is pressed.
    *answer
        The explanation: prose, tables and figures, as for :func:`say`.
    unit : str
        Unit of guess and answer.
    high : float
        The largest guess; the smallest is 0.
    **shares
        The shares in the prose.

    Attributes
    ----------
    guesses : list of float
        Every guess for which the answer was revealed, in order.

    Examples
    --------
    >>> asked = predict("How many of 100 are fooled?", 97.5, "Of the clean ones only {clean} are.", clean=0.02)
    >>> asked.guess(90)
    >>> asked.reveal()
    'You said 90 %, it is 98 %: 8 points too low.'
    >>> asked.guesses
    [90]
    """

    def __init__(
        self, question: str, truth: float, *answer: Part, unit: str = "%", high: float = 100, **shares: float
    ) -> None:
        self.question, self.truth, self.unit, self.high = question, truth, unit, high
        self.answer = say(*answer, **shares)
        self.guesses: list[float] = []
        # The box is empty at first: a reader without a guess would take over a number in it.
        self._box = ipw.Text(
            placeholder=f"0 to {high:,.10g}", description=f"my guess ({unit})",
            style={"description_width": "initial"}, layout={"width": f"{215 + 7 * len(unit)}px"}
        )  # fmt: skip
        button = ipw.Button(description="reveal", tooltip="Show the answer and how far my guess is off")
        button.on_click(lambda _: self.reveal())
        self._box.on_msg(lambda _, said, __: self.reveal() if said.get("event") == "submit" else None)  # Enter
        self._answer = ipw.HTML(_status("Write down your guess, then press reveal."))
        self._below = ipw.Output()
        row = ipw.HBox([self._box, button, self._answer], layout={"flex_flow": "row wrap"})
        self.widget = ipw.VBox([ipw.HTML(_bold(question)), row, self._below]).add_class("rsbd-prediction")

    def guess(self, value: float) -> None:
        """Put a guess in the box."""
        self._box.value = f"{value:.10g}"

    def reveal(self) -> str:
        """Show the answer beside the guess in the box, record the guess, and return the sentence."""
        number = read_number(self._box.value.strip().removesuffix(self.unit))
        if number is None or not 0 <= number <= self.high:
            sentence = f"First write a number from 0 to {self.high:,.10g}, then press reveal."
            self._answer.value = _status(sentence)
            return sentence
        value = plain_number(number)
        self.guesses.append(value)
        sentence = compare_guess(self.guesses[0], self.truth, self.unit)
        changed = " Your first guess counts." if value != self.guesses[0] else ""
        self._answer.value = _status(sentence + changed)
        if self.answer.text:  # an Output, since it leads links to notebooks and sets formulas
            page = {"output_type": "display_data", "data": {"text/html": self.answer.html}, "metadata": {}}
            self._below.outputs = (page,)
        return sentence

    def _ipython_display_(self) -> None:
        show_live(self.widget, self.page, f"Predict: {self.question}")

    @property
    def page(self) -> str:
        """The question and the folded answer, where no kernel runs; the static site reads the rounded truth."""
        folded = f"<details><summary><b>{_FOLD}</b></summary>{self.answer.html}</details>" if self.answer.text else ""
        truth = f'data-truth="{self.truth:.0f}" data-unit="{escape(self.unit)}"'
        return f"<p {truth}>{_bold(self.question)}</p>{folded}"


predict = Prediction  # as the notebooks ask


def _bold(text: str) -> str:
    return f'<span style="font-size:16px;line-height:1.5"><b>Predict:</b> {marked(text)}</span>'


def _status(text: str) -> str:
    return f'<div role="status" style="font-size:16px;line-height:1.5;margin-left:12px">{escape(text)}</div>'
