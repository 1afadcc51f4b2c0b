"""What several notebooks need: verdicts, predictions, pictures with words, data, and stored results."""

from __future__ import annotations

import importlib
import inspect
import json
import math
import pkgutil
import re
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from ci_tools import script

import rsbd
from rsbd import plots
from rsbd.course import lessons
from rsbd.errors import InputError
from rsbd.recipes import wang

ROOT = Path(__file__).resolve().parents[2]
DATA = lessons.two_digits()
TIED = rsbd.Smoothing(features=rsbd.Flip(0.8), labels=rsbd.Flip(0.8), test=rsbd.Flip(0.8))


def test_a_hint_that_equals_the_truth_is_passed_over():
    assert lessons.judge_number(1, 1, {"right": "yes", "same": "no"}, {"same": 1}).passed
    # As a float the mistake is nearer to this answer than the truth is.
    assert lessons.judge_number(3 / 7, Fraction(3, 7), {"right": "yes", "same": "no"}, {"same": 3 / 7}).passed


def test_every_text_belongs_to_a_case_of_a_check():
    for name, texts in lessons.HINTS.items():
        source = inspect.getsource(getattr(lessons, name))
        assert f'HINTS["{name}"]' in source
        assert "right" in texts
        assert [case for case in texts if case not in ("right", "otherwise") and f'"{case}"' not in source] == []


def test_a_notebook_calls_every_public_function_of_the_lessons():
    for module in pkgutil.iter_modules(lessons.__path__, "rsbd.course.lessons."):
        for name, thing in vars(importlib.import_module(module.name)).items():
            if not name.startswith("_") and getattr(thing, "__module__", "") == module.name and callable(thing):
                assert getattr(lessons, name, thing) is thing, f"{module.name}.{name}: two functions have this name"


def test_verdicts_are_escaped():
    assert "<b>" not in lessons.Verdict(False, "<b>")._repr_html_()
    assert "<em>all</em> 2 * 3 * 4" in lessons.Verdict(False, "*all* 2 * 3 * 4")._repr_html_()


@pytest.mark.parametrize("name", lessons.QUIZZES)
def test_a_quiz_has_one_right_claim_and_a_hint_for_each_other(name):
    asked = lessons.quiz(name)
    assert asked.question.endswith("?")
    assert len(asked.claims) >= 3
    for letter in asked.claims:
        assert asked.press(letter).passed is (letter == lessons.QUIZZES[name]["right"])
        assert (asked.pressed, asked.marks[letter]) == (letter, asked.verdict(letter).sign)
        assert len(asked.said) > 40
    assert len({found.words for found in asked.verdicts.values()}) == len(asked.claims)


def test_a_quiz_hides_its_hints_where_no_kernel_runs():
    asked = lessons.Quiz(
        "*Is* it?", "a", a={"claim": "`p < 1`", "said": "Yes."}, b={"claim": "No.", "said": "See [00](00.ipynb)."}
    )
    assert (asked.question, asked.claims["a"]) == ("<em>Is</em> it?", "<code>p &lt; 1</code>")
    assert "Yes" not in str(asked.get_state(["question", "claims", "marks", "said"]))
    assert "Yes" not in re.sub("<details>.*?</details>", "", asked.page)
    assert asked.page.count("<details>") == 2
    asked._handle_custom_msg("b", [])  # as the button in the page does
    assert '<a href="00.ipynb">00</a>' in asked.said
    with pytest.raises(InputError, match="quiz is 'x'"):
        lessons.quiz("x")


def test_each_answer_to_the_ten_questions_leads_to_the_section_that_teaches_it():
    asked = lessons.TenQuestions()
    for question in asked.quizzes:
        for letter in question.claims:
            said = question.verdict(letter).words
            places = re.findall(r"\[(\d\d)\]\((\1_\w+\.ipynb)\), section “(.+?)”", said)
            assert places, said
            assert len(places) == said.count("](")
            for _, target, section in places:
                cells = json.loads((ROOT / "notebooks" / target).read_text("utf-8"))["cells"]
                prose = "".join("".join(cell["source"]) + "\n" for cell in cells if cell["cell_type"] == "markdown")
                assert re.search(rf"^## \d\. {re.escape(section)}$", prose, re.MULTILINE), (target, section)
    assert "no answer yet" in asked.score
    asked.quizzes[0].press("a")
    asked.quizzes[0].press(lessons.QUIZZES["question_1"]["right"])
    asked.quizzes[1].press(lessons.QUIZZES["question_2"]["right"])
    assert "1 of 2 right at the first try." in asked.widget.children[-1].value


ODD = [
    "b", "", "\u2026", "1/0", "nan", "1e999999999", "9" * 6000,
    b"2", True, -1, 0, 10**5000, -0.5, 1e308, math.nan, math.inf,
    2 + 1j, Fraction(10**400, 3), np.nan, np.arange(3), np.zeros((2, 2)), np.array("x"), np.array([]), np.float32(0.5),
    [], [[]], (1, 2), {1}, {}, {"a": ...}, {"keep": "x"}, range(3), print, int, object(), ValueError("x"), DATA,
]  # fmt: skip


GIVEN: dict[str, object] = {  # to the checks, beside the answer
    "rows": 4, "trigger": 4, "dataset": DATA.replace(x=DATA.x[:40], y=DATA.y[:40]), "true": list("011"),
    "predicted": list("001"), "target": "0", "votes": 990, "num": 1000, "sigma": 0.5, "cases": {"a": (9, 1)},
    "wanted": 1.0, "keep": "3/4", "miss": "1/8", "p_a": "7/8", "num_models": 10, "alpha": 0.001, "length": 1.0,
    "share": 0.5, "flip": 0.2, "flips": 1, "scores": ["0.5", "0.25"],
    "law": TIED.labels.shift(1), "width": 0.01,
    "size": 5, "poisoned": 2, "num_rows": 40, "threat": rsbd.Threat(1, 1), "among": ["DPA"],
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(lessons.HINTS))
def test_a_check_answers_to_any_object(name):
    check = getattr(lessons, name)
    given = GIVEN | {
        "check_dpa_radius": {"votes": [19, 31]},
        "check_closed_form": {"miss": 0.125},
    }.get(name, {})
    asked = [p for p in inspect.signature(check).parameters if p in given]
    for answer in ODD:
        found = check(answer, **{parameter: given[parameter] for parameter in asked})
        assert isinstance(found, lessons.Verdict), answer
        assert found.words
        assert "\n" not in repr(found)
        assert len(repr(found)) < 400
        assert not re.search(r"Traceback|<|0x", repr(found))
    assert check(..., **{parameter: given[parameter] for parameter in asked}).passed is None


@pytest.mark.parametrize("texts", [{"right": "Yes."}, {"right": "Yes.", "otherwise": "No, {rows}."}])
def test_the_author_hears_of_a_missing_hint_or_word(texts):
    """A reader who answers with a number is never told that it cannot be read."""
    assert lessons.judge_number(1, 1, texts, {}).passed
    with pytest.raises(KeyError, match=r"otherwise|rows"):
        lessons.judge_number(5, 1, texts, {})


def test_a_guess_is_kept_and_the_miss_shown():
    asked = lessons.predict("How many?", 97.5, lessons.table(["a"], [[0.25]]), "See [02](02.ipynb): {all}.", all=0.975)
    assert "97" not in repr(asked.widget)
    assert asked.widget.children[2].outputs == ()
    assert re.findall("How many|<details>|<td>25 %</td>|98 %|open", asked.page) == [
        "How many",
        "<details>",
        "<td>25 %</td>",
        "98 %",
    ]
    assert "98" not in repr(asked.widget)
    asked.guess(90)
    asked.widget.children[1].children[1].click()
    assert "8 points too low" in asked.widget.children[1].children[2].value
    (shown,) = asked.widget.children[2].outputs
    assert '<a href="02.ipynb">02</a>: 98 %' in shown["data"]["text/html"]
    asked.guess(98)
    # The first guess counts: the second one was made with the answer in view.
    assert asked.reveal() == lessons.compare_guess(90, 97.5)
    assert "first guess counts" in asked.widget.children[1].children[2].value
    assert asked.guesses == [90, 98]


@pytest.mark.parametrize("typed", ["", " ", "many", "-5", "101", "1e9", "nan", "--", "5 images"])
def test_what_is_no_guess_reveals_nothing(typed):
    asked = lessons.predict("How many?", 97.5)
    asked.widget.children[1].children[0].value = typed
    assert asked.reveal() == "First write a number from 0 to 100, then press reveal."
    assert asked.guesses == []


@pytest.mark.parametrize(
    ("typed", "guess"), [("42 %", 42), ("97.6", 97.6), ("0,5", 0.5), ("1,000", 1000), ("100", 100)]
)
def test_a_guess_may_be_written_in_several_ways(typed, guess):
    asked = lessons.predict("How many?", 10, high=1000)
    asked.widget.children[1].children[0].value = typed
    asked.reveal()
    assert asked.guesses == [guess]


@pytest.mark.parametrize(
    ("guess", "truth", "unit", "said"),
    [
        (99, 97.5, "%", "You said 99 %, it is 98 %: 1 point too high."),
        (98, 97.6, "%", "You said 98 %, and 98 % it is."),
        (5000, 75.7, "models", "You said 5,000 models, it is 76 models: 4,924 too high."),
    ],
)
def test_misses_in_words(guess, truth, unit, said):
    assert lessons.compare_guess(guess, truth, unit) == said


def test_an_answer_is_folded_with_its_table_its_picture_and_its_words():
    ax = plots.certified_accuracy([0, 1], [0.9, 0.5])
    parts = lessons.table(["a"], [[0.25]]), lessons.figure(ax, "a curve", "It falls.")
    folded = lessons.predict("How many?", 1, *parts, "So {much}.", much=0.5).page.partition("</p>")[2]
    assert folded.startswith("<details><summary>")
    assert "open" not in folded.partition(">")[0]
    assert [folded.count(part) for part in ("<td>25 %</td>", 'alt="a curve"', "So 50 %.")] == [1, 1, 1]
    assert folded.endswith("</details>")
    assert "a curve" in repr(lessons.say(*parts))
    assert len(repr(lessons.say(*parts))) < 500


def test_figures_carry_words():
    ax = plots.certified_accuracy([0, 1], [0.9, 0.5])
    shown = lessons.figure(ax, 'alt with "quotes"', "caption & more")
    assert 'alt="alt with &quot;quotes&quot;"' in shown._repr_html_()
    assert "caption &amp; more" in shown._repr_html_()
    assert repr(shown) == "caption & more"


def test_a_figure_follows_the_theme_and_is_the_same_each_time():
    def drawn():
        ax = plots.certified_accuracy([0, 1], [0.9, 0.5], label="keep", budget=1)
        ax.text(0, 0, "p_a < 1", color="#0072b2")
        return lessons.figure(ax, "a", "b")

    svg = drawn().svg
    assert svg == drawn().svg
    assert len(svg) < 20_000
    assert drawn().width == lessons.figure(plots.new_axes(7), "a", "b").width == 630
    root = ElementTree.fromstring(svg)
    words = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"p_a < 1", "keep"} <= set(words)
    style, body = svg.split("</style>", 1)
    assert "prefers-color-scheme:dark" in style
    assert "--0072b2:#56b4e9;" in style
    assert "--d0d0d0:#3a3a3a;" in style
    assert not re.search(r"[ \"]#(000000|0072b2|d0d0d0|ffffff)", body)  # each as a variable
    assert "#d55e00" in body  # it reads on both grounds
    assert not re.search("Date|Matplotlib", svg)


def test_two_digits_names_its_choices():
    assert lessons.two_digits(view="unit").values is None
    with pytest.raises(InputError, match="choose 'digits' or 'mnist'"):
        lessons.two_digits("letters")


def test_noised_is_reproducible_and_of_the_asked_strength():
    noise = rsbd.Flip(0.8)
    copy = lessons.noised(noise, DATA.x)
    assert (copy == lessons.noised(noise, DATA.x)).all()
    assert (copy != lessons.noised(noise, DATA.x, seed=1)).any()
    assert (copy != DATA.x).mean() == pytest.approx(0.2, abs=0.015)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "notebooks" / "results").glob("mnist-[at]*.json")), ids=lambda p: p.stem
)
def test_stored_results_say_what_made_them(path):
    found = lessons.stored(path.stem, path.parent)
    settings = found["settings"]
    assert f"{settings['rows']:,} training images" in found.settings
    assert f"{settings['models']:,} models" in found.settings
    assert found.settings.count("keep ") == 3
    rows, triggers, cells = found.map((0, 1, 2), (1, 2))
    assert cells.shape == (len(rows), len(triggers))
    assert (cells[:-1] >= cells[1:]).all()
    assert cells[0, 0] >= found["certified_accuracy"]["1"] - 1e-9  # one pixel, and only on the test image


@pytest.mark.mnist
def test_the_stored_result_is_what_the_code_computes():
    found = lessons.stored("mnist-tied", ROOT / "notebooks" / "results")
    settings = found["settings"]
    data = rsbd.load("mnist", classes=settings["classes"], rows=settings["rows"], points=settings["points"])
    assert data.fingerprint() == settings["fingerprint"]
    result = wang(data, num_models=settings["models"], alpha=settings["alpha"], seed=settings["seed"])
    for radius, accuracy in found["certified_accuracy"].items():
        assert result.certificate.accuracy(data.y_test, int(radius)) == pytest.approx(accuracy, abs=0.01), radius


def test_a_missing_result_names_the_remedy(tmp_path):
    with pytest.raises(InputError, match="folder of the course"):
        lessons.stored("nothing", tmp_path)


def test_the_overview_is_drawn_from_a_run():
    overview = script("overview")
    found = overview.run(num_models=200)
    drawing = overview.overview(found)
    words = [text.get_text() for ax in drawing.axes for text in ax.texts]
    assert f"{100 * found.accuracies[0]:.0f} %" in words
    assert "fooled" in overview.alt(found)
    picture = ROOT / "notebooks" / "images" / "overview.png"
    assert picture.stat().st_size < 200_000
    assert picture.read_bytes()[16:24] == (1600).to_bytes(4, "big") + (460).to_bytes(4, "big")
    noise, bags = overview.run_both(num_models=60)
    cells = [text.get_text() for text in overview.defences(noise, bags).axes[1].texts]
    assert f"{100 * bags.planted:.0f}" in cells
    assert (noise.planted, bags.planted > 0.4) == (0, True)
    shown = re.search(r"!\[(Two maps.*?)\]\(notebooks/images/defences.png\)", (ROOT / "README.md").read_text("utf-8"))
    start = overview.alt_defences(noise, bags).partition(" is outlined")[0]
    assert shown
    assert shown[1].startswith(start)


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (lambda n: lessons.check_reach(n, keep="4/5", p_a="0.99"), np.ceil([1.5])),
        (lambda n: lessons.check_dpa_radius(n, votes=[19, 31]), np.int64(5)),
    ],
    ids=["reach", "radius"],
)
def test_numbers_of_numpy_are_numbers(check, answer):
    assert check(answer).passed, check(answer)
